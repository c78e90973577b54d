// SPDX-License-Identifier: Apache-2.0
#include "host/engine/decode_part.h"

#include <algorithm>

#include "host/engine/decode_blocks.h"
#include "host/frame/stream_reader.h"

namespace gramzip {
void read_exactly(RandomSource& in, uint64_t at, uint8_t* p, size_t n, const std::string& what) {
  if (in.read_at(at, p, n) < n)
    fail(ErrorCode::truncated, what + ": the archive ends too early; it is truncated");
}

frame::SegmentMeta read_segment_meta(RandomSource& in, uint64_t at, const frame::SectionHeader& h,
                                     const std::string& where) {
  std::vector<uint8_t> meta(h.meta_bytes);
  read_exactly(in, at + frame::kSectionHeaderBytes, meta.data(), meta.size(), where);
  if (hash64(meta) != h.meta_hash)
    fail(ErrorCode::corrupt, where + ": the hash of its meta does not match");
  return frame::load_segment_meta(meta, h.data_bytes, where);
}

namespace {
void read_base(Base* base, uint64_t at, std::span<uint8_t> out, uint64_t end,
               const std::string& where) {
  if (base == nullptr)
    fail(ErrorCode::corrupt, where + ": it refers to a base, but the archive has none");
  if (end > base->bytes())
    fail(ErrorCode::corrupt, where + ": it refers to bytes behind the end of the base");
  base->read(at, out);
}
}  // namespace

std::vector<uint8_t> base_of_blocks(const frame::SegmentMeta& m, uint32_t first, uint32_t count,
                                    Base* base, const std::string& where) {
  std::vector<uint8_t> bytes;
  const SegmentHeader& h = m.header;
  if (h.codec != Codec::delta && h.codec != Codec::sparse_delta) return bytes;
  const uint32_t from = h.block_begin(first), last = first + count - 1;
  bytes.resize(h.block_begin(last) + h.block_bytes(last) - from);
  read_base(base, h.reference_at + from, bytes, h.reference_at + h.decoded_bytes, where);
  return bytes;
}

uint32_t decode_part(RandomSource& in, uint64_t data_at, uint64_t data_bytes,
                     const frame::SegmentMeta& m, uint64_t begin, uint64_t end,
                     const model::TextModel* model, Base* base, Backend& backend,
                     std::vector<uint8_t>& out, const std::string& where) {
  const uint32_t first = model != nullptr ? 0 : static_cast<uint32_t>(begin >> m.header.block_log2);
  const auto last = static_cast<uint32_t>((end - 1) >> m.header.block_log2);
  const uint32_t count = last - first + 1;

  std::vector<uint8_t> data(data_bytes, 0);
  const auto fetch = [&](uint32_t b) {
    const uint32_t at = m.offsets[b], n = m.offsets[b + 1] - at;
    read_exactly(in, data_at + at, data.data() + at, n, where);
  };
  for (uint32_t b = first; b <= last; ++b) {
    fetch(b);
    if (m.records[b].mode != BlockMode::repeat || m.records[b].coded_bytes != 4) continue;
    const uint32_t source = load_le<uint32_t>(data.data() + m.offsets[b]);
    if (source < first) fetch(source);
  }
  const uint64_t from = m.header.block_begin(first);
  out.resize(m.header.block_begin(last) + m.header.block_bytes(last) - from);
  decode_blocks(backend, m.view(data, model), first, count, out,
                base_of_blocks(m, first, count, base, where), where);
  out.resize(end - from);
  out.erase(out.begin(), out.begin() + static_cast<ptrdiff_t>(begin - from));
  return count;
}

namespace {
// The earlier content that r stands for.
uint32_t decode_earlier(const Reference& r, const std::function<EarlierSegment(uint64_t)>& find,
                        Base* base, Backend& backend, std::span<uint8_t> out) {
  const auto corrupt = [&r](const char* what) { fail(ErrorCode::corrupt, r.where + ": " + what); };
  const SegmentHeader& h = r.meta.header;
  if (!r.header.has(frame::kFeatureReferences))
    corrupt("it refers to earlier content, but the archive's header does not say so");
  const uint64_t end = h.reference_at + h.decoded_bytes;
  if (end > r.content_offset) corrupt("it refers to content that is not before it");
  if (r.content_offset - h.reference_at > r.header.window)
    corrupt("it refers to content beyond the reference window");
  const EarlierSegment e = find(h.reference_at);
  if (h.reference_at < e.content_offset || end - e.content_offset > e.content_bytes)
    corrupt("it refers to content of several segments");
  if (e.in == nullptr) corrupt("it refers to text with a model");

  uint8_t bytes[frame::kSectionHeaderBytes];
  read_exactly(*e.in, e.at, bytes, sizeof bytes, r.where);
  const frame::SectionHeader section = frame::load_section_header(bytes, r.where);
  const std::string where =
      r.where + ", which refers to that at content offset " + std::to_string(e.content_offset);
  const frame::SegmentMeta m = read_segment_meta(*e.in, e.at, section, where);
  if (m.header.codec == Codec::reference) corrupt("it refers to a reference");
  if (m.header.codec == Codec::ngram) corrupt("it refers to text with a model");
  if (m.header.type != h.type) corrupt("it refers to content of another element type");
  if (m.header.decoded_bytes != e.content_bytes)
    fail(ErrorCode::corrupt, where + ": its size is not the one that the index names");
  std::vector<uint8_t> content;
  const uint64_t from = h.reference_at - e.content_offset;
  const uint32_t blocks =
      decode_part(*e.in, e.at + section.data_at(), section.data_bytes, m, from,
                  from + h.decoded_bytes, nullptr, base, backend, content, where);
  std::copy(content.begin(), content.end(), out.begin());
  return blocks;
}
}  // namespace

uint32_t decode_reference(const Reference& r, const std::function<EarlierSegment(uint64_t)>& find,
                          Base* base, Backend& backend, std::span<uint8_t> out) {
  const SegmentHeader& h = r.meta.header;
  uint32_t blocks = 0;
  if (h.of_base) {
    read_base(base, h.reference_at, out, h.reference_at + h.decoded_bytes, r.where);
  } else {
    blocks = decode_earlier(r, find, base, backend, out);
  }
  if (!(hash128(out) == r.meta.model_id()))
    fail(ErrorCode::corrupt, r.where + ": the hash of what it refers to does not match");
  return blocks;
}
}  // namespace gramzip
