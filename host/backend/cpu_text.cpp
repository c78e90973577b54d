// SPDX-License-Identifier: Apache-2.0
// Segments of n-gram text on the CPU (docs/format.md, 9).
#include <cstring>

#include "host/backend/cpu_blocks.h"
#include "host/base/checksum.h"
#include "host/cpu/text_decode.h"
#include "host/cpu/text_encode.h"
#include "host/cpu/text_parse.h"
#include "host/model/text_model.h"

namespace gramzip::cpu {
void encode_text(const SegmentInput& in, EncodedSegment& out) {
  thread_local SegmentParser parser;
  thread_local SegmentTokens tokens;
  thread_local TextEncoder encoder;
  const model::TextModel& text = *in.text;
  out.header =
      make_text_header(static_cast<uint32_t>(in.content.size()), text.id().low, text.id().high);
  out.tables.clear();
  out.records.assign(out.header.blocks, {});
  std::vector<uint32_t> repeat_of;
  choose_modes(in.content, out.header, 1, out.records, repeat_of);
  parser.begin(in.content, text::parse_settings(in.effort));
  parser.parse(text.encoder().costs(), tokens);
  write_blocks(in.content, 1, repeat_of, out,
               [&](uint32_t b, std::span<const uint8_t> content, uint8_t* to) {
                 return encoder.encode(tokens, b, static_cast<uint32_t>(content.size()),
                                       text.encoder(), to);
               });
}

void decode_text(const DecodeRequest& r) {
  thread_local TextDecoder decoder;
  const SegmentView& s = r.segment;
  const auto coded = [&](uint32_t b) {
    return s.data.subspan(s.offsets[b], s.records[b].coded_bytes);
  };
  std::vector<TextBlock> blocks(r.block_count);
  std::vector<BlockStatus> known(r.block_count, BlockStatus::ok);  // before the streams are read
  for (uint32_t b = 0; b < r.block_count; ++b) {
    const BlockRecord& record = s.records[b];
    blocks[b] = {coded(b), s.header.block_bytes(b), false};
    if (hash64(coded(b)) != record.coded_hash)
      known[b] = BlockStatus::bad_coded_hash;
    else if (record.mode == BlockMode::coded && record.coded_bytes >= blocks[b].bytes)
      known[b] = BlockStatus::bad_block;
    blocks[b].to_read = record.mode == BlockMode::coded && known[b] == BlockStatus::ok;
  }
  const auto finish = [&](uint32_t b, BlockStatus status, std::span<uint8_t> out) {
    if (known[b] != BlockStatus::ok) return known[b];
    const BlockRecord& record = s.records[b];
    if (record.mode == BlockMode::repeat) {
      uint32_t source = 0;
      status = repeat_source(s, b, coded(b), source);
      if (status == BlockStatus::ok)
        std::memcpy(out.data(), r.output.data() + s.header.block_begin(source), out.size());
    } else if (record.mode != BlockMode::coded) {
      status = fill_block(record.mode, coded(b), 1, out);
    }
    if (status == BlockStatus::ok && hash64(out) != record.decoded_hash)
      status = BlockStatus::bad_decoded_hash;
    return status;
  };
  decoder.decode_segment(blocks, s.text->machine(), r.output, r.status, finish);
}
}  // namespace gramzip::cpu
