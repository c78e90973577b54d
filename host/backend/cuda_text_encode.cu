// SPDX-License-Identifier: Apache-2.0
// Encoding n-gram text: upload, hashes, classes, matches, parse, sizes, offsets, blocks, hashes;
// then download. No size comes back to the host before the end.
#include <algorithm>

#include "host/backend/cuda_backend.h"

namespace gramzip {
using namespace kernels;

void CudaBackend::encode_text(std::span<const SegmentInput> in,
                              std::span<EncodedSegment* const> out) {
  std::vector<DeviceSegment> segments;
  std::vector<TextInput> inputs;
  std::vector<TextCodes> codes;
  std::vector<DeviceBlock> blocks;
  std::vector<HashRange> ranges;
  uint64_t content_bytes = 0, data_bytes = 0;
  uint32_t longest = 0;
  code_cache_.begin_batch();
  for (const SegmentInput& s : in) {
    const auto bytes = static_cast<uint32_t>(s.content.size());
    const DeviceSegment d{make_text_header(bytes, s.text->id().low, s.text->id().high),
                          content_bytes, data_bytes, static_cast<uint32_t>(blocks.size()), 0};
    for (uint32_t b = 0; b < d.header.blocks; ++b) {
      blocks.push_back({static_cast<uint32_t>(segments.size()), b});
      ranges.push_back({content_bytes + d.header.block_begin(b), d.header.block_bytes(b)});
    }
    const text::ParseSettings settings = text::parse_settings(s.effort);
    inputs.push_back({settings, text::slot_log2(settings, bytes)});
    codes.push_back(code_cache_.get(*s.text, stream_));
    content_bytes = round_up(content_bytes + bytes, 128);
    data_bytes = round_up(data_bytes + segment_data_bound(bytes, d.header.blocks), 128);
    longest = std::max(longest, bytes);
    segments.push_back(d);
  }
  const auto count = static_cast<uint32_t>(blocks.size()),
             segment_count = static_cast<uint32_t>(segments.size());

  uint8_t* content = content_.reserve(content_bytes + 8);  // matches are compared word by word
  for (size_t i = 0; i < in.size(); ++i)
    check_cuda(cudaMemcpyAsync(content + segments[i].content_at, in[i].content.data(),
                               in[i].content.size(), cudaMemcpyHostToDevice, stream_),
               "upload");
  uint8_t* data = data_.reserve(data_bytes);
  const auto* d_segments = segments_.upload(segments, stream_);
  const auto* d_inputs = inputs_.upload(inputs, stream_);
  const auto* d_codes = text_codes_.upload(codes, stream_);
  const auto* d_blocks = blocks_.upload(blocks, stream_);
  const auto* d_ranges = decoded_ranges_.upload(ranges, stream_);
  BlockState* states = states_.reserve(count);
  HashRange* coded_ranges = coded_ranges_.reserve(count);
  uint32_t* lane_words = lane_words_.reserve(size_t{count} * kLanes);
  SegmentTotals* totals = totals_.reserve(segment_count);
  TextMatchArrays matches{};
  matches.keys = keys_.reserve(content_bytes);
  matches.sorted = sorted_.reserve(content_bytes);
  for (uint32_t s = 0; s < text::kMatchSlots; ++s)
    matches.offers[s] = offers_[s].reserve(content_bytes);
  matches.runs = runs_.reserve(ceil_div(content_bytes, text::kGroup));
  check(text_match_find_size(content_bytes, segment_count, matches.sort_workspace_bytes, stream_));
  matches.sort_workspace = sort_workspace_.reserve(matches.sort_workspace_bytes);
  const TextParseArrays parse{nodes_.reserve(content_bytes), distances_.reserve(content_bytes),
                              repeats_.reserve(content_bytes), next_.reserve(content_bytes)};

  constexpr uint32_t stride = sizeof(BlockState);
  check(checksum(content, d_ranges, count, &states->decoded_hash, stride, {}, stream_));
  check(classify(content, d_segments, d_blocks, states, count, {}, stream_));
  check(text_match_find(content, content_bytes, d_segments, d_inputs, segment_count, longest,
                        matches, {}, stream_));
  check(text_parse(content, d_segments, d_inputs, d_codes, d_blocks, states, count, matches.offers,
                   matches.runs, parse, {}, stream_));
  check(text_encode_measure(d_segments, d_codes, d_blocks, states, count, parse, lane_words, {},
                            stream_));
  check(encode_layout(d_segments, segment_count, states, coded_ranges, totals, stream_));
  check(text_encode_write(content, d_segments, d_codes, d_blocks, states, count, parse, lane_words,
                          data, {}, stream_));
  check(checksum(data, coded_ranges, count, &states->coded_hash, stride, {}, stream_));

  const std::vector<BlockState> host_states = states_.download(count, stream_);
  const std::vector<SegmentTotals> host_totals = totals_.download(segment_count, stream_);
  for (uint32_t i = 0; i < segment_count; ++i)
    take_blocks(segments[i], host_states, data, host_totals[i].data_bytes, *out[i]);
  check_cuda(cudaStreamSynchronize(stream_), "encoding");
}
}  // namespace gramzip
