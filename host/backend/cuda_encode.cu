// SPDX-License-Identifier: Apache-2.0
// Encoding a batch: upload, hashes, classes, counts, codes, sizes, offsets, blocks, hashes; then
// download. No size comes back to the host before the end.
#include <algorithm>
#include <cstring>

#include "gramzip/core/table_wire.h"
#include "host/backend/cpu_blocks.h"
#include "host/backend/cuda_backend.h"

namespace gramzip {
using namespace kernels;

void CudaBackend::encode(std::span<const SegmentInput> in, std::span<EncodedSegment> out) {
  const std::lock_guard lock(mutex_);
  check_cuda(cudaSetDevice(device_), "choosing the device");
  std::vector<SegmentInput> coded, text;
  std::vector<EncodedSegment*> coded_out, text_out;
  uint64_t text_bytes = 0;
  const auto flush_text = [&] {
    if (!text.empty()) encode_text(text, text_out);
    text.clear();
    text_out.clear();
    text_bytes = 0;
  };
  for (size_t i = 0; i < in.size(); ++i) {
    if (in[i].fast && fast::codes(in[i].type)) {
      cpu::encode_fast(in[i], out[i]);
      continue;
    }
    if (in[i].text == nullptr) {
      coded.push_back(in[i]);
      coded_out.push_back(&out[i]);
      continue;
    }
    if (text_bytes + in[i].content.size() > kTextEncodeBatch) flush_text();
    text.push_back(in[i]);
    text_out.push_back(&out[i]);
    text_bytes += in[i].content.size();
  }
  flush_text();
  if (!coded.empty()) encode_coded(coded, coded_out);
}

void CudaBackend::encode_coded(std::span<const SegmentInput> in,
                               std::span<EncodedSegment* const> out) {
  // Where everything lies.
  std::vector<DeviceSegment> segments;
  std::vector<DeviceBlock> blocks;
  std::vector<HashRange> ranges;
  uint64_t content_bytes = 0, data_bytes = 0;
  for (const SegmentInput& s : in) {
    DeviceSegment d{make_segment_header(s.type, static_cast<uint32_t>(s.content.size())),
                    content_bytes, data_bytes, static_cast<uint32_t>(blocks.size()), 0};
    for (uint32_t b = 0; b < d.header.blocks; ++b) {
      blocks.push_back({static_cast<uint32_t>(segments.size()), b});
      ranges.push_back({content_bytes + d.header.block_begin(b), d.header.block_bytes(b)});
    }
    content_bytes = round_up(content_bytes + s.content.size(), 128);
    data_bytes = round_up(data_bytes + segment_data_bound(s.content.size(), d.header.blocks), 128);
    segments.push_back(d);
  }
  const auto count = static_cast<uint32_t>(blocks.size()),
             segment_count = static_cast<uint32_t>(segments.size());

  uint8_t* content = content_.reserve(content_bytes);
  for (size_t i = 0; i < in.size(); ++i)
    check_cuda(cudaMemcpyAsync(content + segments[i].content_at, in[i].content.data(),
                               in[i].content.size(), cudaMemcpyHostToDevice, stream_),
               "upload");
  uint8_t* data = data_.reserve(data_bytes);
  const auto* d_segments = segments_.upload(segments, stream_);
  const auto* d_blocks = blocks_.upload(blocks, stream_);
  const auto* d_ranges = decoded_ranges_.upload(ranges, stream_);
  BlockState* states = states_.reserve(count);
  HashRange* coded_ranges = coded_ranges_.reserve(count);
  const size_t symbols = size_t{segment_count} * kMaxWriteSymbols;
  uint32_t* counts = counts_.reserve(symbols);
  uint32_t* codes = codes_.reserve(symbols);
  uint8_t* lengths = lengths_.reserve(symbols);
  uint32_t* lane_words = lane_words_.reserve(size_t{count} * kLanes);
  CodeSummary* summaries = summaries_.reserve(segment_count);
  SegmentTotals* totals = totals_.reserve(segment_count);
  check_cuda(cudaMemsetAsync(counts, 0, symbols * sizeof(uint32_t), stream_), "clearing counts");

  constexpr uint32_t stride = sizeof(BlockState);
  check(checksum(content, d_ranges, count, &states->decoded_hash, stride, {}, stream_));
  check(classify(content, d_segments, d_blocks, states, count, {}, stream_));
  check(histogram(content, d_segments, d_blocks, states, count, counts, {}, stream_));
  check(code_lengths(d_segments, segment_count, counts, lengths, codes, summaries, {}, stream_));
  check(
      encode_measure(content, d_segments, d_blocks, states, count, codes, lane_words, {}, stream_));
  check(encode_layout(d_segments, segment_count, states, coded_ranges, totals, stream_));
  check(encode_write(content, d_segments, d_blocks, states, count, codes, lane_words, data, {},
                     stream_));
  check(checksum(data, coded_ranges, count, &states->coded_hash, stride, {}, stream_));

  const std::vector<BlockState> host_states = states_.download(count, stream_);
  const std::vector<SegmentTotals> host_totals = totals_.download(segment_count, stream_);
  const std::vector<CodeSummary> host_summaries = summaries_.download(segment_count, stream_);
  const std::vector<uint8_t> host_lengths = lengths_.download(symbols, stream_);
  for (uint32_t i = 0; i < segment_count; ++i) {
    EncodedSegment& s = *out[i];
    take_blocks(segments[i], host_states, data, host_totals[i].data_bytes, s);
    if (host_totals[i].coded > 0) {
      s.header.tables = 1;
      s.tables.resize(table_wire_bytes(1u << s.header.symbol_bits));
      s.header.table_bytes = store_table(host_lengths.data() + size_t{i} * kMaxWriteSymbols,
                                         1u << s.header.symbol_bits, host_summaries[i].used,
                                         host_summaries[i].lone, s.tables.data());
      s.tables.resize(s.header.table_bytes);
    }
  }
  check_cuda(cudaStreamSynchronize(stream_), "encoding");
}

void CudaBackend::take_blocks(const DeviceSegment& segment, std::span<const BlockState> states,
                              const uint8_t* data, uint32_t data_bytes, EncodedSegment& out) {
  out.header = segment.header;
  out.tables.clear();
  out.records.clear();
  for (uint32_t b = 0; b < out.header.blocks; ++b) {
    const BlockState& state = states[segment.first_block + b];
    out.records.push_back({state.mode, state.coded_bytes, state.coded_hash, state.decoded_hash});
  }
  out.data.resize(data_bytes);
  if (!out.data.empty())
    check_cuda(cudaMemcpyAsync(out.data.data(), data + segment.data_at, out.data.size(),
                               cudaMemcpyDeviceToHost, stream_),
               "download");
}
}  // namespace gramzip
