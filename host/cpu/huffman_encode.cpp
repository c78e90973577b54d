// SPDX-License-Identifier: Apache-2.0
#include "host/cpu/huffman_encode.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "gramzip/core/wire.h"

namespace gramzip::cpu {
namespace {
// Writes codes into a lane's bit string. Bits gather in a register of 64; bytes that are full go
// out by one unaligned store, so up to kPerFlush codes of 12 bits fit between two flushes.
class LaneWriter {
 public:
  static constexpr uint32_t kPerFlush = 4;
  explicit LaneWriter(uint8_t* at) : begin_(at), at_(at) {}
  void put(uint32_t code) {
    bits_ |= uint64_t{huffman::code_bits(code)} << count_;
    count_ += huffman::code_length(code);
  }
  void flush() {
    store_le<uint64_t>(at_, bits_);
    at_ += count_ >> 3;
    bits_ >>= count_ & 56;
    count_ &= 7;
  }
  // Completes the last word with zero bits; returns the lane's words.
  uint32_t finish() {
    flush();
    store_le<uint64_t>(at_, bits_);
    const auto bits = static_cast<uint32_t>(at_ - begin_) * 8 + count_;
    const uint32_t words = words_of_bits(bits);
    const auto written = static_cast<size_t>(at_ - begin_) + 8;
    if (written < size_t{words} * 4) std::memset(begin_ + written, 0, size_t{words} * 4 - written);
    return words;
  }

 private:
  uint8_t* begin_;
  uint8_t* at_;
  uint64_t bits_ = 0;
  uint32_t count_ = 0;
};

uint32_t encode_piece(const uint8_t* p, uint32_t n, const uint32_t* codes, uint8_t* lane) {
  LaneWriter w(lane);
  uint32_t i = 0;
  for (; i + LaneWriter::kPerFlush <= n; i += LaneWriter::kPerFlush) {
    for (uint32_t k = 0; k < LaneWriter::kPerFlush; ++k) w.put(codes[p[i + k]]);
    w.flush();
  }
  for (; i < n; ++i) w.put(codes[p[i]]);  // at most 3 codes: they fit
  return w.finish();
}

template <class T>
uint32_t encode_groups(const uint8_t* content, uint32_t n, uint32_t lane_number, const Split& split,
                       std::span<const CodeBook> books, std::span<const uint8_t> ids,
                       uint8_t* lane) {
  LaneWriter w(lane);
  for (uint32_t first = lane_number * kLaneGroup; first < n; first += kRunElements) {
    const uint32_t* codes = books[ids.empty() ? 0 : ids[first / kRunElements]].codes.data();
    const uint8_t* p = content + size_t{first} * sizeof(T);
    const uint32_t end = std::min(kLaneGroup, n - first);
    for (uint32_t k = 0; k < end; ++k) {
      w.put(codes[split.symbol(load_le<T>(p + k * sizeof(T)))]);
      if (k % LaneWriter::kPerFlush == LaneWriter::kPerFlush - 1) w.flush();
    }
    w.flush();
  }
  return w.finish();
}

template <class T>
void write_raw_plane(const uint8_t* content, uint32_t n, const Split& split, uint8_t* out) {
  if (split.raw_bits % 8 == 0) {
    const uint32_t bytes = split.raw_bits / 8;
    for (uint32_t i = 0; i < n; ++i) {
      const uint64_t raw = split.raw(load_le<T>(content + size_t{i} * sizeof(T)));
      for (uint32_t b = 0; b < bytes; ++b)
        out[size_t{i} * bytes + b] = static_cast<uint8_t>(raw >> (8 * b));
    }
    return;
  }
  for (uint32_t i = 0; i < n; ++i)
    or_bits(out, uint64_t{i} * split.raw_bits, split.raw_bits,
            split.raw(load_le<T>(content + size_t{i} * sizeof(T))));
}

template <class T>
std::array<uint32_t, kLanes> encode_floats(const uint8_t* content, uint32_t n, const Split& split,
                                           std::span<const CodeBook> books,
                                           std::span<const uint8_t> ids, uint8_t* lanes,
                                           size_t stride) {
  std::array<uint32_t, kLanes> words{};
  for (uint32_t l = 0; l < kLanes; ++l)
    words[l] = encode_groups<T>(content, n, l, split, books, ids, lanes + l * stride);
  return words;
}
}  // namespace

bool BlockEncoder::encode(std::span<const uint8_t> content, const Split& split,
                          std::span<const CodeBook> books, std::span<const uint8_t> class_ids,
                          std::vector<uint8_t>& out) {
  const auto size = static_cast<uint32_t>(content.size());
  const BlockPlan plan = plan_block(size, split, static_cast<uint32_t>(books.size()));
  const uint8_t* p = content.data();

  // An odd number of cache lines apart, so that the lanes do not share sets of the cache.
  const size_t longest = lane_count(plan.n, 0, split.interleaved) * size_t{kMaxSymbolBits} / 8 + 24;
  const size_t stride = ((longest + 63) / 64 | 1) * 64;
  lane_bytes_.resize(stride * kLanes);
  std::array<uint32_t, kLanes> words{};
  uint8_t* lanes = lane_bytes_.data();
  if (!split.interleaved) {
    const uint32_t piece = lane_piece(plan.n);
    for (uint32_t l = 0; l < kLanes; ++l)
      words[l] = encode_piece(p + size_t{l} * piece, lane_count(plan.n, l, false),
                              books[0].codes.data(), lanes + l * stride);
  } else {
    switch (split.bytes) {
      case 1:
        words = encode_floats<uint8_t>(p, plan.n, split, books, class_ids, lanes, stride);
        break;
      case 2:
        words = encode_floats<uint16_t>(p, plan.n, split, books, class_ids, lanes, stride);
        break;
      case 4:
        words = encode_floats<uint32_t>(p, plan.n, split, books, class_ids, lanes, stride);
        break;
      default:
        words = encode_floats<uint64_t>(p, plan.n, split, books, class_ids, lanes, stride);
    }
  }

  const auto [least, most] = std::minmax_element(words.begin(), words.end());
  uint32_t total = 0;
  for (const uint32_t w : words) total += w;
  const LanePlan lane_plan = plan_lanes(*least, *most, total);
  const uint32_t coded = coded_block_bytes(plan, lane_plan);
  if (coded >= size) return false;

  const size_t at = out.size();
  out.resize(at + coded, 0);
  uint8_t* block = out.data() + at;
  switch (split.raw_bits == 0 ? 0 : split.bytes) {
    case 0:
      break;
    case 1:
      write_raw_plane<uint8_t>(p, plan.n, split, block);
      break;
    case 2:
      write_raw_plane<uint16_t>(p, plan.n, split, block);
      break;
    case 4:
      write_raw_plane<uint32_t>(p, plan.n, split, block);
      break;
    default:
      write_raw_plane<uint64_t>(p, plan.n, split, block);
  }
  const uint32_t id_bits = class_id_bits(static_cast<uint32_t>(books.size()));
  for (size_t r = 0; id_bits > 0 && r < class_ids.size(); ++r)
    or_bits(block + plan.ids_at, r * id_bits, id_bits, class_ids[r]);

  const LaneHead head = lane_plan.head;
  uint8_t* header = block + plan.lanes_at;
  store_le<uint32_t>(header, pack_lane_head(head));
  for (uint32_t k = 0; k < head.extra_bits; ++k) {
    uint32_t bits = 0;
    for (uint32_t l = 0; l < kLanes; ++l) bits |= (((words[l] - head.rows) >> k) & 1u) << l;
    store_le<uint32_t>(header + 4 + 4 * k, bits);
  }
  uint8_t* row = block + plan.rows_at(head.extra_bits);
  for (uint32_t r = 0; r < head.rows; ++r)
    for (uint32_t l = 0; l < kLanes; ++l, row += 4) std::memcpy(row, lanes + l * stride + 4 * r, 4);
  for (uint32_t l = 0; l < kLanes; ++l) {
    const size_t tail = size_t{words[l] - head.rows} * 4;
    std::memcpy(row, lanes + l * stride + size_t{4} * head.rows, tail);
    row += tail;
  }
  return true;
}
}  // namespace gramzip::cpu
