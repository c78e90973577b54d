// SPDX-License-Identifier: Apache-2.0
// Decoding the segments of tests/registry/text_segments.h, by a backend or by the host's decoder.
#include <algorithm>

#include "host/base/checksum.h"
#include "host/cpu/text_decode.h"
#include "tests/registry/text_segments.h"

namespace gramzip::test {
std::vector<Decoded> decode_texts(Backend& backend, std::span<const TextSegment> segments) {
  std::vector<Decoded> out(segments.size());
  std::vector<std::vector<uint32_t>> offsets(segments.size());
  std::vector<DecodeRequest> requests;
  for (size_t i = 0; i < segments.size(); ++i) {
    const EncodedSegment& s = segments[i].coded;
    for (uint32_t b = 0; b <= s.header.blocks; ++b)
      offsets[i].push_back(static_cast<uint32_t>(block_offset(s, b)));
    out[i].content.resize(s.header.decoded_bytes);
    out[i].status.resize(s.header.blocks);
    requests.push_back({{s.header, {}, s.records, offsets[i], s.data, segments[i].model.get()},
                        0,
                        s.header.blocks,
                        out[i].content,
                        out[i].status});
  }
  backend.decode(requests);
  return out;
}

Decoded decode_text(Backend& backend, const TextSegment& s, uint32_t blocks) {
  std::vector<uint32_t> offsets;
  for (uint32_t b = 0; b <= s.coded.header.blocks; ++b)
    offsets.push_back(static_cast<uint32_t>(block_offset(s.coded, b)));
  Decoded out;
  out.content.resize(blocks == s.coded.header.blocks ? s.coded.header.decoded_bytes
                                                     : s.coded.header.block_begin(blocks));
  out.status.resize(blocks);
  const DecodeRequest request{
      {s.coded.header, {}, s.coded.records, offsets, s.coded.data, s.model.get()},
      0,
      blocks,
      out.content,
      out.status};
  backend.decode({&request, 1});
  return out;
}
Decoded decode_text(Backend& backend, const TextSegment& s) {
  return decode_text(backend, s, s.coded.header.blocks);
}

namespace {
BlockStatus decode_block(const TextSegment& s, uint32_t b, std::span<uint8_t> segment) {
  const SegmentHeader& h = s.coded.header;
  const BlockRecord& r = s.coded.records[b];
  const std::span<const uint8_t> coded{s.coded.data.data() + block_offset(s.coded, b),
                                       r.coded_bytes};
  const uint32_t size = h.block_bytes(b);
  const auto out = segment.last(size);
  if (hash64(coded) != r.coded_hash) return BlockStatus::bad_coded_hash;
  switch (r.mode) {
    case BlockMode::raw:
      if (coded.size() != size) return BlockStatus::bad_block;
      std::copy(coded.begin(), coded.end(), out.begin());
      return BlockStatus::ok;
    case BlockMode::constant:
      if (coded.size() != 1) return BlockStatus::bad_block;
      std::fill(out.begin(), out.end(), coded[0]);
      return BlockStatus::ok;
    case BlockMode::repeat: {
      if (coded.size() != 4) return BlockStatus::bad_block;
      const uint32_t source = load_le<uint32_t>(coded.data());
      if (source >= b || s.coded.records[source].mode == BlockMode::repeat ||
          h.block_bytes(source) != size)
        return BlockStatus::bad_block;
      std::copy_n(segment.begin() + h.block_begin(source), size, out.begin());
      return BlockStatus::ok;
    }
    case BlockMode::coded:
      break;
  }
  if (coded.size() >= size) return BlockStatus::bad_block;
  cpu::TextDecoder decoder;
  return decoder.decode(coded, s.model->machine(), segment, h.block_begin(b));
}
}  // namespace

Decoded decode_text_on_host(const TextSegment& s) {
  const SegmentHeader& h = s.coded.header;
  Decoded d;
  d.content.resize(h.decoded_bytes);
  for (uint32_t b = 0; b < h.blocks; ++b) {
    const auto segment = std::span(d.content).first(h.block_begin(b) + h.block_bytes(b));
    const auto out = segment.last(h.block_bytes(b));
    BlockStatus status = decode_block(s, b, segment);
    if (status == BlockStatus::ok && hash64(out) != s.coded.records[b].decoded_hash)
      status = BlockStatus::bad_decoded_hash;
    if (status != BlockStatus::ok) std::fill(out.begin(), out.end(), uint8_t{0});
    d.status.push_back(status);
  }
  return d;
}

void refresh_coded_hash(TextSegment& s, uint32_t block) {
  BlockRecord& r = s.coded.records[block];
  r.coded_hash = hash64({s.coded.data.data() + block_offset(s.coded, block), r.coded_bytes});
}
}  // namespace gramzip::test
