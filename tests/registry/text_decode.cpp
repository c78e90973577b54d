// SPDX-License-Identifier: Apache-2.0
// Decoding the segments of tests/registry/text_segments.h.
#include <algorithm>

#include "host/base/checksum.h"
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

void refresh_coded_hash(TextSegment& s, uint32_t block) {
  BlockRecord& r = s.coded.records[block];
  r.coded_hash = hash64({s.coded.data.data() + block_offset(s.coded, block), r.coded_bytes});
}
}  // namespace gramzip::test
