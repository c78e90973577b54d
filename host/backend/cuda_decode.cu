// SPDX-License-Identifier: Apache-2.0
// Decoding a batch: upload, hashes of coded bytes, blocks, hashes of decoded bytes; then download.
#include <algorithm>

#include "host/backend/cuda_backend.h"
#include "host/backend/decode_batch.h"

namespace gramzip {
using namespace kernels;

namespace {
// A batch of requests as the kernels see it.
struct Batch : DecodeBatch {
  std::vector<DecodeGroup> groups, fast_groups, delta_groups, sparse_groups;
  std::vector<DecodeOutput> outputs;  // blocks asked for
  std::vector<HashRange> decoded_ranges;
  std::vector<uint64_t> expected;
  std::vector<uint64_t> content_at;  // of each request
  uint64_t data_bytes = 0, content_bytes = 0, planes_bytes = 0;
  uint32_t most_tables = 0, most_fast_tables = 0, most_delta_tables = 0, most_quant_tables = 0;
  bool with_planes = false;
  QuantDecodeBatch quant;
  bool with_base() const { return !delta_groups.empty() || !sparse_groups.empty(); }
};

// Blocks of the segment that a request needs: those asked for and those they repeat.
std::vector<bool> needed_blocks(const DecodeRequest& r) {
  const SegmentView& v = r.segment;
  std::vector<bool> needed(v.header.blocks, false);
  for (uint32_t b = r.first_block; b < r.first_block + r.block_count; ++b) {
    needed[b] = true;
    if (v.records[b].mode != BlockMode::repeat || v.records[b].coded_bytes != 4) continue;
    const uint32_t source = load_le<uint32_t>(v.data.data() + v.offsets[b]);
    if (source < b) needed[source] = true;
  }
  return needed;
}

// The groups of a codec's blocks and how many a group has.
struct GroupList {
  std::vector<DecodeGroup>& groups;
  uint32_t blocks;
  uint32_t& most_tables;
};
GroupList groups_of(Batch& batch, const SegmentHeader& h) {
  switch (h.codec) {
    case Codec::fast_floats:
      return {batch.fast_groups, DecodeTuning().warps, batch.most_fast_tables};
    case Codec::delta:
      return {batch.delta_groups, DeltaTuning().warps, batch.most_delta_tables};
    case Codec::sparse_delta:
      return {batch.sparse_groups, 1, batch.most_delta_tables};
    case Codec::quantized:
      if (h.coder == static_cast<uint8_t>(quant::Coder::horner))
        return {batch.quant.digit_groups, 1, batch.most_quant_tables};
      return {batch.quant.groups, QuantTuning().warps, batch.most_quant_tables};
    default:
      return {batch.groups, DecodeTuning().warps, batch.most_tables};
  }
}

void add(Batch& batch, const DecodeRequest& r, const std::vector<bool>& needed) {
  const SegmentView& v = r.segment;
  const SegmentHeader& h = v.header;
  const auto [groups, warps, most_tables] = groups_of(batch, h);
  const auto number = static_cast<uint32_t>(batch.segments.size());
  DeviceSegment& d = batch.add_segment(v, batch.data_bytes, [&](uint32_t b) { return needed[b]; });
  if (h.codec == Codec::quantized) {
    d.first_exact = static_cast<uint32_t>(batch.quant.segments.size());
    batch.quant.add(r, number, d.first_table, static_cast<uint32_t>(batch.outputs.size()));
  }
  batch.data_bytes = round_up(batch.data_bytes + v.data.size(), 128);
  most_tables = std::max<uint32_t>(most_tables, h.tables);
  batch.with_planes |= h.period > 0;
  batch.content_at.push_back(batch.content_bytes);
  for (uint32_t i = 0; i < r.block_count; ++i) {
    const uint32_t b = r.first_block + i;
    if (i % warps == 0)
      groups.push_back({number, b, std::min(warps, r.block_count - i),
                        static_cast<uint32_t>(batch.outputs.size())});
    batch.outputs.push_back({batch.content_bytes, batch.planes_bytes, h.block_bytes(b), 0,
                             h.split().bytes, BlockStatus::ok, batch.content_bytes});
    if (h.period > 0 || h.codec == Codec::sparse_delta)
      batch.planes_bytes += round_up(h.block_bytes(b), 16);
    batch.decoded_ranges.push_back({batch.content_bytes, h.block_bytes(b)});
    batch.expected.push_back(v.records[b].decoded_hash);
    batch.content_bytes +=
        h.block_bytes(b);  // only a segment's last block is shorter than a multiple of 128
  }
  batch.content_bytes = round_up(batch.content_bytes, 128);
}
// Copies the needed blocks, neighbours together, to their places in the segment's data.
void upload_needed(const SegmentView& v, const std::vector<bool>& needed, uint8_t* to,
                   cudaStream_t stream) {
  for (uint32_t b = 0; b < v.header.blocks; ++b) {
    if (!needed[b]) continue;
    const uint32_t from = v.offsets[b];
    while (b + 1 < v.header.blocks && needed[b + 1]) ++b;
    check_cuda(cudaMemcpyAsync(to + from, v.data.data() + from, v.offsets[b + 1] - from,
                               cudaMemcpyHostToDevice, stream),
               "upload");
  }
}
}  // namespace

void CudaBackend::decode(std::span<const DecodeRequest> requests) {
  const std::lock_guard lock(mutex_);
  check_cuda(cudaSetDevice(device_), "choosing the device");
  std::vector<DecodeRequest> coded, text;
  uint64_t text_bytes = 0;
  for (const DecodeRequest& r : requests) {
    if (r.segment.header.codec != Codec::ngram) {
      coded.push_back(r);
      continue;
    }
    if (text_bytes + r.output.size() > kTextBatch && !text.empty()) {
      decode_text(text);
      text.clear();
      text_bytes = 0;
    }
    text.push_back(r);
    text_bytes += r.output.size();
  }
  if (!text.empty()) decode_text(text);
  if (!coded.empty()) decode_coded(coded);
}

void CudaBackend::decode_coded(std::span<const DecodeRequest> requests) {
  const DecodeTuning tuning;
  const DeltaTuning delta_tuning;
  Batch batch;
  std::vector<std::vector<bool>> needed;
  for (const DecodeRequest& r : requests) {
    needed.push_back(needed_blocks(r));
    add(batch, r, needed.back());
  }
  const auto states_count = static_cast<uint32_t>(batch.states.size());
  const auto outputs_count = static_cast<uint32_t>(batch.outputs.size());

  uint8_t* data = data_.reserve(batch.data_bytes);
  for (size_t i = 0; i < requests.size(); ++i)
    upload_needed(requests[i].segment, needed[i], data + batch.segments[i].data_at, stream_);
  // Behind all content.
  for (DecodeOutput& o : batch.outputs) o.planes_at += batch.content_bytes;
  uint8_t* content = content_.reserve(batch.content_bytes + batch.planes_bytes);
  const auto* segments = segments_.upload(batch.segments, stream_);
  const auto* states = states_.upload(batch.states, stream_);
  const auto* coded_ranges = coded_ranges_.upload(batch.coded_ranges, stream_);
  const auto* decoded_ranges = decoded_ranges_.upload(batch.decoded_ranges, stream_);
  const auto* expected = expected_.upload(batch.expected, stream_);
  const auto* tables = tables_.upload(batch.tables, stream_);
  const auto* lengths = lengths_.upload(batch.lengths, stream_);
  const auto* exact = batch.exact.empty() ? nullptr : exact_.upload(batch.exact, stream_);
  const auto* groups = groups_.upload(batch.groups, stream_);
  const auto* fast_groups = fast_groups_.upload(batch.fast_groups, stream_);
  const auto* fast_entries =
      reinterpret_cast<const FastEntries*>(fast_entries_.upload(batch.fast_entries, stream_));
  DecodeOutput* outputs = outputs_.upload(batch.outputs, stream_);
  uint64_t* hashes = hashes_.reserve(std::max(states_count, outputs_count));

  uint16_t* entries = nullptr;
  if (batch.most_tables > tuning.shared_tables || !batch.sparse_groups.empty() ||
      batch.most_delta_tables > delta_tuning.shared_tables) {
    const auto* limits = limits_.upload(batch.limits, stream_);
    entries = entries_.reserve(batch.tables.size() * kTableEntries);
    check(build_tables(tables, lengths, limits, static_cast<uint32_t>(batch.tables.size()), entries,
                       stream_));
  }
  check(checksum(data, coded_ranges, states_count, hashes, sizeof(uint64_t), {}, stream_));
  check(huffman_decode(groups, static_cast<uint32_t>(batch.groups.size()), segments, states, hashes,
                       tables, lengths, entries, exact, data, batch.most_tables, content, outputs,
                       tuning, stream_));
  check(fast_decode(fast_groups, static_cast<uint32_t>(batch.fast_groups.size()), segments, states,
                    hashes, tables, fast_entries, data, batch.most_fast_tables, content, outputs,
                    {tuning.warps}, stream_));
  if (!batch.quant.empty()) {
    QuantBatch quantized{};
    quantized.segments = segments;
    quantized.states = states;
    quantized.coded_hashes = hashes;
    quantized.tables = tables;
    quantized.data = data;
    quantized.content = content;
    quantized.outputs = outputs;
    decode_quantized(batch.quant, quantized, lengths);
  }
  if (batch.with_planes) check(from_planes(content, outputs, outputs_count, {}, stream_));
  if (batch.with_base()) {
    const BaseBatch with_base{
        segments, states,  hashes,
        tables,   lengths, contexts_.upload(batch.contexts, stream_),
        entries,  data,    upload_bases(requests, batch.content_at, batch.content_bytes),
        content,  outputs};
    check(delta_decode(with_base, delta_groups_.upload(batch.delta_groups, stream_),
                       static_cast<uint32_t>(batch.delta_groups.size()), batch.most_delta_tables,
                       delta_tuning, stream_));
    if (!batch.sparse_groups.empty())
      check(sparse_decode(with_base, sparse_groups_.upload(batch.sparse_groups, stream_),
                          static_cast<uint32_t>(batch.sparse_groups.size()), stream_));
  }
  check(checksum(content, decoded_ranges, outputs_count, hashes, sizeof(uint64_t), {}, stream_));
  check(judge_decoded(expected, hashes, outputs, outputs_count, stream_));

  const std::vector<DecodeOutput> host_outputs = outputs_.download(outputs_count, stream_);
  size_t at = 0;
  for (size_t i = 0; i < requests.size(); ++i) {
    for (BlockStatus& s : requests[i].status) s = host_outputs[at++].status;
    if (const auto out = requests[i].output; !out.empty())
      check_cuda(cudaMemcpyAsync(out.data(), content + batch.content_at[i], out.size(),
                                 cudaMemcpyDeviceToHost, stream_),
                 "download");
  }
  check_cuda(cudaStreamSynchronize(stream_), "decoding");
}
}  // namespace gramzip
