// SPDX-License-Identifier: Apache-2.0
// Segments that have a base, on the device.
#include <algorithm>

#include "gramzip/core/delta.h"
#include "host/backend/cpu_delta.h"
#include "host/backend/cuda_backend.h"
#include "host/backend/encode_batch.h"

namespace gramzip {
using namespace kernels;

const uint8_t* CudaBackend::upload_bases(std::span<const DecodeRequest> requests,
                                         std::span<const uint64_t> content_at,
                                         uint64_t content_bytes) {
  uint8_t* base = base_.reserve(content_bytes);
  for (size_t i = 0; i < requests.size(); ++i) {
    const DecodeRequest& r = requests[i];
    if (!r.segment.header.of_base) continue;
    if (r.base.size() != r.output.size())
      fail(ErrorCode::internal, "delta: a base of another size");
    if (!r.base.empty())
      check_cuda(cudaMemcpyAsync(base + content_at[i], r.base.data(), r.base.size(),
                                 cudaMemcpyHostToDevice, stream_),
                 "upload");
  }
  return base;
}

const uint8_t* CudaBackend::upload_bases(std::span<const SegmentInput> in,
                                         std::span<const DeviceSegment> segments, uint64_t bytes) {
  uint8_t* base = base_.reserve(bytes);
  for (size_t i = 0; i < in.size(); ++i)
    check_cuda(cudaMemcpyAsync(base + segments[i].content_at, in[i].base.data(), in[i].base.size(),
                               cudaMemcpyHostToDevice, stream_),
               "upload");
  return base;
}

namespace {
EncodeBatch lay_out(std::span<const SegmentInput> in) {
  EncodeBatch batch;
  for (const SegmentInput& s : in)
    batch.add(make_delta_header(Codec::delta, s.type, static_cast<uint32_t>(s.content.size()),
                                s.base_at));
  return batch;
}

// The models of a batch and their parts as the kernels see them.
struct Models {
  std::vector<model::DeltaModel> models;  // a segment
  std::vector<DeltaCoding> codings;       // likewise
  std::vector<uint8_t> class_ids, table_of_sum;
  std::vector<uint32_t> codes;

  // records: the modes of the segment's blocks. False if codec sparse_delta promises less.
  bool train(const SegmentInput& in, const SegmentHeader& h, std::span<const BlockRecord> records,
             bool sparse_too) {
    const uint32_t block_runs = (1u << h.block_log2) / element_info(in.type).bytes / kRunElements;
    thread_local cpu::DenseSplit split;
    cpu::split_dense(in, h, records, sparse_too, split);
    model::DeltaModel& m = split.model;
    if (model::sparse_is_less(m, h.decoded_bytes)) {
      codings.push_back({});
      models.emplace_back();
      return false;
    }
    codings.push_back({m.classes, static_cast<uint32_t>(class_ids.size()), block_runs,
                       static_cast<uint32_t>(table_of_sum.size()),
                       static_cast<uint32_t>(codes.size())});
    for (uint32_t b = 0; b < h.blocks; ++b) {
      const size_t at = class_ids.size();
      class_ids.resize(at + block_runs, 0);
      if (records[b].mode != BlockMode::raw) continue;
      const auto runs =
          ceil_div(h.block_bytes(b) / element_info(in.type).bytes, uint64_t{kRunElements});
      std::copy_n(m.class_of_run.begin() + static_cast<ptrdiff_t>(split.first[b] / kRunElements),
                  runs, class_ids.begin() + static_cast<ptrdiff_t>(at));
    }
    const auto tables = static_cast<uint32_t>(m.books.size());
    const uint32_t sums = delta::arithmetic(in.type).exponents() + delta::kMaxClasses;
    for (uint32_t s = 0; s < sums; ++s)
      table_of_sum.push_back(static_cast<uint8_t>(delta::table_of(m.bounds.data(), tables, s)));
    for (const CodeBook& book : m.books)
      codes.insert(codes.end(), book.codes.begin(), book.codes.end());
    models.push_back(std::move(m));
    return true;
  }
};
}  // namespace

std::vector<size_t> CudaBackend::encode_dense(std::span<const cpu::DenseInput> in,
                                              std::span<EncodedSegment* const> out) {
  std::vector<SegmentInput> inputs;
  for (const cpu::DenseInput& i : in) inputs.push_back(i.segment);
  const EncodeBatch batch = lay_out(inputs);
  const auto count = static_cast<uint32_t>(batch.blocks.size()),
             segment_count = static_cast<uint32_t>(in.size());
  const uint8_t* content = upload_content(inputs, batch.segments, batch.content_bytes);
  const uint8_t* base = upload_bases(inputs, batch.segments, batch.content_bytes);
  uint8_t* data = data_.reserve(batch.data_bytes);
  const auto* segments = segments_.upload(batch.segments, stream_);
  const auto* blocks = blocks_.upload(batch.blocks, stream_);
  const auto* ranges = decoded_ranges_.upload(batch.ranges, stream_);
  BlockState* states = states_.reserve(count);
  HashRange* coded_ranges = coded_ranges_.reserve(count);
  uint32_t* lane_words = lane_words_.reserve(size_t{count} * kLanes);
  SegmentTotals* totals = totals_.reserve(segment_count);
  constexpr uint32_t stride = sizeof(BlockState);
  check(checksum(content, ranges, count, &states->decoded_hash, stride, {}, stream_));
  check(classify_delta(content, base, segments, blocks, states, count, stream_));

  Models models;
  std::vector<size_t> left;
  std::vector<BlockState> host_states = states_.download(count, stream_);
  for (size_t i = 0; i < in.size(); ++i) {
    const SegmentHeader& h = batch.segments[i].header;
    const std::span of_segment =
        std::span(host_states).subspan(batch.segments[i].first_block, h.blocks);
    std::vector<BlockRecord> records;
    for (const BlockState& state : of_segment) records.push_back({state.mode, 0, 0, 0});
    if (models.train(inputs[i], h, records, in[i].sparse_too)) continue;
    left.push_back(i);  // blocks of this mode take no work
    for (BlockState& state : of_segment) state.mode = BlockMode::base;
  }
  if (!left.empty()) states = states_.upload(host_states, stream_);
  const DeltaBatch work{content,
                        base,
                        segments,
                        blocks,
                        count,
                        codings_.upload(models.codings, stream_),
                        class_of_run_.upload(models.class_ids, stream_),
                        table_of_sum_.upload(models.table_of_sum, stream_),
                        codes_.upload(models.codes, stream_)};
  check(delta_measure(work, states, lane_words, {}, stream_));
  check(encode_layout(segments, segment_count, states, coded_ranges, totals, stream_));
  check(delta_write(work, states, lane_words, data, {}, stream_));
  check(checksum(data, coded_ranges, count, &states->coded_hash, stride, {}, stream_));

  host_states = states_.download(count, stream_);
  const std::vector<SegmentTotals> host_totals = totals_.download(segment_count, stream_);
  for (uint32_t i = 0; i < segment_count; ++i) {
    if (std::ranges::binary_search(left, i)) continue;
    take_blocks(batch.segments[i], host_states, data, host_totals[i].data_bytes, *out[i]);
    if (host_totals[i].coded > 0) cpu::store_dense_tables(models.models[i], *out[i]);
  }
  check_cuda(cudaStreamSynchronize(stream_), "encoding");
  return left;
}

void CudaBackend::encode_with_base(std::span<const SegmentInput> in,
                                   std::span<EncodedSegment* const> out) {
  using Inputs = std::span<const SegmentInput>;
  using Outputs = std::span<EncodedSegment* const>;
  cpu::encode_with_base(
      in,
      {[this](std::span<const cpu::DenseInput> some, Outputs to) { return encode_dense(some, to); },
       [this](Inputs some, Outputs to) { encode_sparse(some, to); },
       [this](Inputs some, Outputs to) { encode_without_base(some, to); }},
      out);
}
}  // namespace gramzip
