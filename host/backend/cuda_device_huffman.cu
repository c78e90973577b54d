// SPDX-License-Identifier: Apache-2.0
// huffman_encode and huffman_decode of the device API: one segment of bytes, whose batch a kernel
// makes.
#include "host/backend/device_coding.h"
#include "host/backend/device_primitives.h"
#include "host/backend/plain_segment.h"
#include "kernels/primitives.h"

namespace gramzip::device {
using namespace kernels;

namespace {
SegmentHeader header_of(size_t size) {
  if (size == 0 || size > kMaxSegmentBytes)
    fail(ErrorCode::invalid_argument, "size is not 1 byte to 16 MiB");
  return make_plain_header(ElementType::bytes, static_cast<uint32_t>(size));
}
}  // namespace

size_t huffman_bound(size_t size) {
  const SegmentHeader h = header_of(size);
  return round_up(plain_meta_bound(h), kBlockAlign) + segment_data_bound(size, h.blocks);
}

void huffman_encode(void* temp, size_t& temp_bytes, const void* data, size_t size, void* out,
                    uint64_t* out_bytes, Stream stream) {
  const SegmentHeader h = header_of(size);
  const uint32_t alphabet = h.alphabet();
  Layout l;
  const auto segment = l.add<DeviceSegment>(1);
  const auto places = l.add<EncodePlaces>(1);
  const auto alphabets = l.add<Alphabet>(1);
  const auto blocks = l.add<DeviceBlock>(h.blocks);
  const auto ranges = l.add<HashRange>(h.blocks), coded_ranges = l.add<HashRange>(h.blocks);
  const auto meta_ranges = l.add<HashRange>(1);
  const auto meta_at = l.add<uint64_t>(1);
  const auto states = l.add<BlockState>(h.blocks);
  const auto counts = l.add<uint32_t>(alphabet), codes = l.add<uint32_t>(alphabet);
  const auto lengths = l.add<uint8_t>(alphabet);
  const auto lane_words = l.add<uint32_t>(size_t{h.blocks} * kLanes);
  const auto summaries = l.add<CodeSummary>(1);
  const auto totals = l.add<SegmentTotals>(1);
  const auto frames = l.add<FrameState>(1);
  const auto meta = l.add<uint8_t>(plain_meta_bound(h));
  if (temp == nullptr) {
    temp_bytes = l.bytes();
    return;
  }
  check_temp({temp, temp_bytes}, l.bytes());
  require_aligned(data, kArrayAlign, "data");
  require_aligned(out, kArchiveAlign, "out");
  require_aligned(out_bytes, alignof(uint64_t), "out_bytes");

  enqueued(one_segment(h, place_of(data),
                       {segment.in(temp), places.in(temp), alphabets.in(temp), blocks.in(temp),
                        ranges.in(temp), meta_at.in(temp)},
                       stream));
  PlainCoding c{};
  c.segments = segment.in(temp);
  c.segment_count = 1;
  c.places = places.in(temp);
  c.blocks = blocks.in(temp);
  c.block_count = h.blocks;
  c.content_ranges = ranges.in(temp);
  c.alphabets = alphabets.in(temp);
  c.alphabet_count = 1;
  c.most_symbols = c.symbols = alphabet;
  c.any_bytes = true;
  c.states = states.in(temp);
  c.lengths = lengths.in(temp);
  c.counts = counts.in(temp);
  c.codes = codes.in(temp);
  c.lane_words = lane_words.in(temp);
  c.summaries = summaries.in(temp);
  c.totals = totals.in(temp);
  c.coded_ranges = coded_ranges.in(temp);
  code_segments(c, stream);

  FrameBatch frame{};
  frame.segments = segment.in(temp);
  frame.segment_count = 1;
  frame.blocks = c.blocks;
  frame.states = c.states;
  frame.block_count = h.blocks;
  frame.coding = c.coding();
  frame.lengths = c.lengths;
  frame.totals = c.totals;
  frame.meta_at = meta_at.in(temp);
  frame.metas = meta.in(temp);
  frame.meta_ranges = meta_ranges.in(temp);
  frame.frames = frames.in(temp);
  frame.coded_ranges = c.coded_ranges;
  frame.memory = const_cast<uint8_t*>(address_base());
  enqueued(frame_metas(frame, {}, stream));
  enqueued(one_segment_places(frame, place_of(out), out_bytes, stream));
  write_segments(c, stream);
  enqueued(frame_records(frame, {}, stream));
  enqueued(one_segment_meta(frame, place_of(out), stream));
}

void huffman_decode(void* temp, size_t& temp_bytes, const void* coded, size_t coded_size, void* out,
                    size_t size, uint32_t* statuses, uint32_t* bad, Stream stream) {
  const SegmentHeader h = header_of(size);
  const DecodeTuning tuning;
  const auto group_count = static_cast<uint32_t>(ceil_div(h.blocks, tuning.warps));
  Layout l;
  const auto segment = l.add<DeviceSegment>(1);
  const auto states = l.add<BlockState>(h.blocks);
  const auto coded_ranges = l.add<HashRange>(h.blocks), decoded_ranges = l.add<HashRange>(h.blocks);
  const auto table = l.add<DeviceTable>(1);
  const auto lengths = l.add<uint8_t>(h.alphabet());
  const auto groups = l.add<DecodeGroup>(group_count);
  const auto outputs = l.add<DecodeOutput>(h.blocks);
  const auto expected = l.add<uint64_t>(h.blocks), hashes = l.add<uint64_t>(h.blocks);
  if (temp == nullptr) {
    temp_bytes = l.bytes();
    return;
  }
  check_temp({temp, temp_bytes}, l.bytes());
  require_aligned(coded, kArchiveAlign, "coded");
  require_aligned(out, kArrayAlign, "out");
  require_aligned(statuses, alignof(uint32_t), "block_status");
  require_aligned(bad, alignof(uint32_t), "bad_blocks");

  enqueued(parse_segment(
      h, place_of(coded), coded_size, place_of(out), tuning.warps,
      {segment.in(temp), states.in(temp), coded_ranges.in(temp), table.in(temp), lengths.in(temp),
       groups.in(temp), outputs.in(temp), decoded_ranges.in(temp), expected.in(temp)},
      stream));
  const uint8_t* data = address_base();
  auto* const content = const_cast<uint8_t*>(address_base());
  enqueued(checksum(data, coded_ranges.in(temp), h.blocks, hashes.in(temp), sizeof(uint64_t), {},
                    stream));
  enqueued(kernels::huffman_decode(groups.in(temp), group_count, segment.in(temp), states.in(temp),
                                   hashes.in(temp), table.in(temp), lengths.in(temp), nullptr,
                                   nullptr, data, 1, content, outputs.in(temp), tuning, stream));
  enqueued(checksum(content, decoded_ranges.in(temp), h.blocks, hashes.in(temp), sizeof(uint64_t),
                    {}, stream));
  enqueued(judge_decoded(expected.in(temp), hashes.in(temp), outputs.in(temp), h.blocks, stream));
  enqueued(report(outputs.in(temp), h.blocks, statuses, bad, {}, stream));
}
}  // namespace gramzip::device
