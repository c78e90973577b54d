// SPDX-License-Identifier: Apache-2.0
// Decoding n-gram text: upload, hashes of coded bytes, records, bytes and sources, matches, hashes
// of decoded bytes; then download.
//
// A block whose decoded hash is wrong is zero for those behind it (docs/format.md, 9), but its hash
// is known only when matches are resolved. So all blocks are taken as right at first; where one is
// not, those from it on are expanded once more with it as zeros. Each round settles a segment's
// first unsettled wrong block, so a segment of n blocks takes at most n + 1, and one if nothing is
// damaged.
#include <algorithm>

#include "host/backend/cuda_backend.h"

namespace gramzip {
using namespace kernels;

namespace {
struct TextBatch {
  std::vector<DeviceSegment> segments;
  std::vector<TextMachine> machines;  // of each segment
  std::vector<DeviceBlock> blocks;    // all that are asked for
  std::vector<BlockState> states;     // as blocks
  std::vector<HashRange> coded_ranges, decoded_ranges;
  std::vector<uint32_t> settled;  // of each segment: blocks before it have their last status
  uint64_t data_bytes = 0, content_bytes = 0;
  uint32_t longest_segment = 0;
};

void add(TextBatch& batch, const DecodeRequest& r, const TextMachine& machine) {
  const SegmentView& v = r.segment;
  const auto segment = static_cast<uint32_t>(batch.segments.size());
  batch.segments.push_back({v.header, batch.content_bytes, batch.data_bytes,
                            static_cast<uint32_t>(batch.blocks.size()), segment});
  batch.machines.push_back(machine);
  batch.settled.push_back(0);
  for (uint32_t b = 0; b < r.block_count; ++b) {
    const BlockRecord& record = v.records[b];
    batch.blocks.push_back({segment, b});
    batch.states.push_back({record.mode,
                            0,
                            record.coded_bytes,
                            v.offsets[b],
                            {},
                            record.coded_hash,
                            record.decoded_hash});
    batch.coded_ranges.push_back({batch.data_bytes + v.offsets[b], record.coded_bytes});
    batch.decoded_ranges.push_back(
        {batch.content_bytes + v.header.block_begin(b), v.header.block_bytes(b)});
  }
  batch.data_bytes = round_up(batch.data_bytes + v.offsets[r.block_count], 128);
  batch.content_bytes = round_up(batch.content_bytes + r.output.size(), kTextAlign);
  batch.longest_segment = std::max(batch.longest_segment, static_cast<uint32_t>(r.output.size()));
}

// The blocks to expand again: of each segment those from its first unsettled block with a wrong
// hash on, whose own hashes are no longer known to be wrong.
std::vector<DeviceBlock> blocks_again(TextBatch& batch, std::vector<BlockStatus>& statuses) {
  std::vector<DeviceBlock> again;
  for (size_t s = 0; s < batch.segments.size(); ++s) {
    const uint32_t first = batch.segments[s].first_block;
    const auto end = s + 1 < batch.segments.size() ? batch.segments[s + 1].first_block
                                                   : static_cast<uint32_t>(batch.blocks.size());
    uint32_t& settled = batch.settled[s];
    while (first + settled < end && statuses[first + settled] != BlockStatus::bad_decoded_hash)
      ++settled;
    if (first + settled >= end) continue;
    for (uint32_t i = first + settled; i < end; ++i) again.push_back(batch.blocks[i]);
    ++settled;
    for (uint32_t i = first + settled; i < end; ++i)
      if (statuses[i] == BlockStatus::bad_decoded_hash) statuses[i] = BlockStatus::ok;
  }
  return again;
}
}  // namespace

void CudaBackend::decode_text(std::span<const DecodeRequest> requests) {
  TextBatch batch;
  machine_cache_.begin_batch();
  for (const DecodeRequest& r : requests) {
    if (r.segment.text == nullptr)
      fail(ErrorCode::internal, "decoding: a segment of n-gram text came without its model");
    add(batch, r, machine_cache_.get(*r.segment.text, stream_));
  }
  const auto count = static_cast<uint32_t>(batch.blocks.size());

  uint8_t* data = data_.reserve(batch.data_bytes);
  for (size_t i = 0; i < requests.size(); ++i)
    if (const size_t bytes = requests[i].segment.offsets[requests[i].block_count]; bytes > 0)
      check_cuda(cudaMemcpyAsync(data + batch.segments[i].data_at, requests[i].segment.data.data(),
                                 bytes, cudaMemcpyHostToDevice, stream_),
                 "upload");
  uint8_t* content = content_.reserve(batch.content_bytes);
  const auto* segments = segments_.upload(batch.segments, stream_);
  const auto* machines = machines_.upload(batch.machines, stream_);
  const auto* blocks = blocks_.upload(batch.blocks, stream_);
  const auto* states = states_.upload(batch.states, stream_);
  const auto* coded_ranges = coded_ranges_.upload(batch.coded_ranges, stream_);
  const auto* decoded_ranges = decoded_ranges_.upload(batch.decoded_ranges, stream_);
  uint64_t* hashes = hashes_.reserve(count);
  uint32_t* records = records_.reserve(batch.content_bytes);
  uint32_t* record_counts = record_counts_.reserve(size_t{count} * kLanes);
  BlockStatus* statuses = statuses_.reserve(count);
  uint32_t* sources = sources_.reserve(batch.content_bytes);
  uint8_t* unit_done = unit_done_.reserve(batch.content_bytes / kMatchUnit);
  uint32_t* unfinished = unfinished_.reserve(kMaxMatchRounds + 1);

  check(checksum(data, coded_ranges, count, hashes, sizeof(uint64_t), {}, stream_));
  check(text_decode(blocks, count, segments, states, hashes, machines, data, records, record_counts,
                    statuses, {}, stream_));
  std::vector<BlockStatus> host_statuses;
  for (auto expanded = count; expanded > 0;) {
    check(text_expand(blocks, expanded, segments, states, machines, data, records, record_counts,
                      statuses, content, sources, {}, stream_));
    check(text_match_copy(content, sources, batch.content_bytes, batch.longest_segment, unit_done,
                          unfinished, {}, stream_));
    check(checksum(content, decoded_ranges, count, hashes, sizeof(uint64_t), {}, stream_));
    check(text_judge(states, hashes, count, statuses, stream_));
    host_statuses = statuses_.download(count, stream_);
    const std::vector<DeviceBlock> again = blocks_again(batch, host_statuses);
    expanded = static_cast<uint32_t>(again.size());
    if (expanded == 0) break;
    blocks_.upload(again, stream_);
    statuses_.upload(host_statuses, stream_);
  }

  for (size_t i = 0; i < requests.size(); ++i) {
    const DecodeRequest& r = requests[i];
    const uint32_t first = batch.segments[i].first_block;
    std::copy_n(host_statuses.begin() + first, r.block_count, r.status.begin());
    if (!r.output.empty())
      check_cuda(cudaMemcpyAsync(r.output.data(), content + batch.segments[i].content_at,
                                 r.output.size(), cudaMemcpyDeviceToHost, stream_),
                 "download");
  }
  check_cuda(cudaStreamSynchronize(stream_), "decoding");
}
}  // namespace gramzip
