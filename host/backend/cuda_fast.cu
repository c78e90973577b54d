// SPDX-License-Identifier: Apache-2.0
// Segments of fast floats, on the device; the host chooses their tables and classes.
#include <algorithm>

#include "host/backend/cpu_fast.h"
#include "host/backend/cuda_backend.h"
#include "host/backend/encode_batch.h"
#include "host/cpu/fast_encode.h"

namespace gramzip {
using namespace kernels;

namespace {
FastCodeTable make_code_table(const CodeBook& book) {
  static_assert(FastCodeTable::kException == cpu::FastCodes::kException);
  const cpu::FastCodes codes(book);
  FastCodeTable t{};
  std::copy(std::begin(codes.both), std::end(codes.both), t.code);
  t.fill = static_cast<uint16_t>(codes.length[codes.first] << 8);
  return t;
}

// The classes of a batch and their parts as the kernels see them.
struct Models {
  std::vector<model::FastClasses> classes;  // a segment
  std::vector<FastCoding> codings;          // likewise
  std::vector<uint8_t> class_ids;
  std::vector<FastCodeTable> codes;

  // records: the modes of the segment's blocks.
  void train(const SegmentInput& in, const SegmentHeader& h, std::span<const BlockRecord> records) {
    cpu::split_fast(in.content, h, records, parts_);
    model::FastClasses c = cpu::choose_classes(parts_);
    const uint32_t block_runs = runs_of_a_block(h);
    const size_t runs_at = class_ids.size();
    codings.push_back({static_cast<uint32_t>(c.books.size()), static_cast<uint32_t>(codes.size()),
                       static_cast<uint32_t>(runs_at), block_runs});
    class_ids.resize(runs_at + size_t{h.blocks} * block_runs, 0);
    for (uint32_t b = 0; b < h.blocks; ++b) {
      if (records[b].mode != BlockMode::raw) continue;
      const uint64_t runs = ceil_div(h.block_bytes(b) / h.split().bytes, uint64_t{kRunElements});
      std::copy_n(c.ids.begin() + parts_.first_run[b], runs,
                  class_ids.begin() + static_cast<ptrdiff_t>(runs_at + size_t{b} * block_runs));
    }
    for (const CodeBook& book : c.books) codes.push_back(make_code_table(book));
    classes.push_back(std::move(c));
  }

 private:
  cpu::FastSplit parts_;  // working memory
};
}  // namespace

void CudaBackend::encode_fast(std::span<const SegmentInput> in,
                              std::span<EncodedSegment* const> out) {
  EncodeBatch batch;
  for (const SegmentInput& s : in)
    batch.add(fast::make_header(s.type, static_cast<uint32_t>(s.content.size())));
  const auto count = static_cast<uint32_t>(batch.blocks.size()),
             segment_count = static_cast<uint32_t>(in.size());
  uint8_t* content = content_.reserve(batch.content_bytes);
  for (size_t i = 0; i < in.size(); ++i)
    check_cuda(cudaMemcpyAsync(content + batch.segments[i].content_at, in[i].content.data(),
                               in[i].content.size(), cudaMemcpyHostToDevice, stream_),
               "upload");
  uint8_t* data = data_.reserve(batch.data_bytes);
  const auto* segments = segments_.upload(batch.segments, stream_);
  const auto* blocks = blocks_.upload(batch.blocks, stream_);
  const auto* ranges = decoded_ranges_.upload(batch.ranges, stream_);
  BlockState* states = states_.reserve(count);
  HashRange* coded_ranges = coded_ranges_.reserve(count);
  FastSize* sizes = fast_sizes_.reserve(count);
  SegmentTotals* totals = totals_.reserve(segment_count);
  constexpr uint32_t stride = sizeof(BlockState);
  check(checksum(content, ranges, count, &states->decoded_hash, stride, {}, stream_));
  check(classify(content, segments, blocks, states, count, {}, stream_));

  Models models;
  std::vector<BlockState> host_states = states_.download(count, stream_);
  std::vector<BlockRecord> records;
  for (size_t i = 0; i < in.size(); ++i) {
    const DeviceSegment& segment = batch.segments[i];
    records.clear();
    for (uint32_t b = 0; b < segment.header.blocks; ++b)
      records.push_back({host_states[segment.first_block + b].mode, 0, 0, 0});
    models.train(in[i], segment.header, records);
  }
  const FastBatch work{content,
                       segments,
                       blocks,
                       count,
                       fast_codings_.upload(models.codings, stream_),
                       class_ids_.upload(models.class_ids, stream_),
                       fast_codes_.upload(models.codes, stream_)};
  check(fast_measure(work, states, sizes, {}, stream_));
  check(encode_layout(segments, segment_count, states, coded_ranges, totals, stream_));
  check(fast_write(work, states, sizes, data, {}, stream_));
  check(checksum(data, coded_ranges, count, &states->coded_hash, stride, {}, stream_));

  host_states = states_.download(count, stream_);
  const std::vector<SegmentTotals> host_totals = totals_.download(segment_count, stream_);
  for (uint32_t i = 0; i < segment_count; ++i) {
    take_blocks(batch.segments[i], host_states, data, host_totals[i].data_bytes, *out[i]);
    if (host_totals[i].coded > 0) cpu::store_fast_tables(models.classes[i], *out[i]);
  }
  check_cuda(cudaStreamSynchronize(stream_), "encoding");
}
}  // namespace gramzip
