// SPDX-License-Identifier: Apache-2.0
#include "host/backend/cpu_blocks.h"

#include <cstring>
#include <unordered_map>

#include "gramzip/core/plan.h"
#include "host/base/checksum.h"

namespace gramzip::cpu {
namespace {
using Bytes = std::span<const uint8_t>;

// Finds, for each block, whether it repeats an earlier one.
class Classifier {
 public:
  // The lowest-numbered earlier block that equals this one, or -1; remembers it if there is none.
  int64_t find_or_add(uint32_t block, Bytes bytes, uint64_t hash) {
    auto& candidates = seen_[hash];
    for (const auto& [number, other] : candidates)
      if (other.size() == bytes.size() &&
          std::memcmp(other.data(), bytes.data(), bytes.size()) == 0)
        return number;
    candidates.emplace_back(block, bytes);
    return -1;
  }

 private:
  std::unordered_map<uint64_t, std::vector<std::pair<uint32_t, Bytes>>> seen_;
};
}  // namespace

bool is_constant(Bytes block, uint32_t element) {
  return block.size() % element == 0 &&
         std::memcmp(block.data(), block.data() + element, block.size() - element) == 0;
}

void choose_modes(Bytes content, const SegmentHeader& h, uint32_t element,
                  std::span<BlockRecord> records, std::vector<uint32_t>& repeat_of) {
  repeat_of.assign(h.blocks, 0);
  Classifier classifier;
  for (uint32_t b = 0; b < h.blocks; ++b) {
    const Bytes block = content.subspan(h.block_begin(b), h.block_bytes(b));
    BlockRecord& r = records[b];
    r.decoded_hash = hash64(block);
    r.mode = BlockMode::raw;
    if (is_constant(block, element)) {
      r.mode = BlockMode::constant;
    } else if (const int64_t of = classifier.find_or_add(b, block, r.decoded_hash); of >= 0) {
      r.mode = BlockMode::repeat;
      repeat_of[b] = static_cast<uint32_t>(of);
    }
  }
}

bool write_blocks(Bytes content, uint32_t element, std::span<const uint32_t> repeat_of,
                  EncodedSegment& out, const CodeBlock& code) {
  const SegmentHeader& h = out.header;
  // Sized once: blocks are written in place, and a buffer that comes back needs no zeros.
  out.data.resize(segment_data_bound(content.size(), h.blocks));
  size_t end = 0;
  bool any_coded = false;
  for (uint32_t b = 0; b < h.blocks; ++b) {
    const Bytes block = content.subspan(h.block_begin(b), h.block_bytes(b));
    BlockRecord& r = out.records[b];
    uint8_t* const to = out.data.data() + end;
    uint32_t coded = 0;
    switch (r.mode) {
      case BlockMode::constant:
        coded = element;
        std::memcpy(to, block.data(), coded);
        break;
      case BlockMode::repeat:
        coded = 4;
        store_le<uint32_t>(to, repeat_of[b]);
        break;
      case BlockMode::base:
        break;
      default:
        coded = code(b, block, to);
        if (coded > 0) {
          r.mode = BlockMode::coded;
          any_coded = true;
        } else {
          coded = static_cast<uint32_t>(block.size());
          std::memcpy(to, block.data(), coded);
        }
    }
    r.coded_bytes = coded;
    r.coded_hash = hash64({to, coded});
    const size_t padded = round_up(coded, kBlockAlign);
    std::memset(to + coded, 0, padded - coded);
    end += padded;
  }
  out.data.resize(end);
  return any_coded;
}

BlockStatus repeat_source(const SegmentView& s, uint32_t b, Bytes coded, uint32_t& source) {
  if (coded.size() != 4) return BlockStatus::bad_block;
  source = load_le<uint32_t>(coded.data());
  const bool fits = source < b && s.records[source].mode != BlockMode::repeat &&
                    s.header.block_bytes(source) == s.header.block_bytes(b);
  return fits ? BlockStatus::ok : BlockStatus::bad_block;
}

BlockStatus fill_block(BlockMode mode, Bytes coded, uint32_t element, std::span<uint8_t> out) {
  if (mode == BlockMode::raw) {
    if (coded.size() != out.size()) return BlockStatus::bad_block;
    std::memcpy(out.data(), coded.data(), out.size());
    return BlockStatus::ok;
  }
  if (coded.size() != element || out.size() % element != 0) return BlockStatus::bad_block;
  for (size_t i = 0; i < out.size(); i += element)
    std::memcpy(out.data() + i, coded.data(), element);
  return BlockStatus::ok;
}

namespace {
// One block's payload into its place; decode() is for coded ones. The record's coded hash
// has not been looked at yet.
BlockStatus decode_block(const SegmentView& s, uint32_t b, const DecodeBlock& decode,
                         std::span<uint8_t> out) {
  const BlockRecord& r = s.records[b];
  const Bytes coded = s.data.subspan(s.offsets[b], r.coded_bytes);
  if (hash64(coded) != r.coded_hash) return BlockStatus::bad_coded_hash;
  switch (r.mode) {
    case BlockMode::raw:
    case BlockMode::constant:
      return fill_block(r.mode, coded, element_info(s.header.type).bytes, out);
    case BlockMode::repeat: {
      uint32_t source = 0;
      const BlockStatus status = repeat_source(s, b, coded, source);
      return status == BlockStatus::ok ? decode_block(s, source, decode, out) : status;
    }
    case BlockMode::base:
      break;
    case BlockMode::coded:
      if (coded.size() >= out.size() || !s.header.codes()) return BlockStatus::bad_block;
      return decode(b, coded, out);
  }
  return BlockStatus::bad_block;
}
}  // namespace

void decode_blocks(const DecodeRequest& r, const DecodeBlock& decode) {
  const SegmentView& s = r.segment;
  size_t at = 0;
  for (uint32_t i = 0; i < r.block_count; ++i) {
    const uint32_t b = r.first_block + i, size = s.header.block_bytes(b);
    const auto out = r.output.subspan(at, size);
    at += size;
    r.status[i] = decode_block(s, b, decode, out);
    if (r.status[i] == BlockStatus::ok && hash64(out) != s.records[b].decoded_hash)
      r.status[i] = BlockStatus::bad_decoded_hash;
  }
}

size_t coded_size(const EncodedSegment& s) {
  return round_up(kSegmentHeaderBytes + s.tables.size(), 8) + s.records.size() * kBlockRecordBytes +
         s.data.size();
}
}  // namespace gramzip::cpu
