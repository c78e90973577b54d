// SPDX-License-Identifier: Apache-2.0
// Segments of fast floats: upload, hashes, modes; first tables are learnt on the host; then the
// class of each run and counts; tables are made on the host; then sizes, offsets, blocks, hashes;
// then download.
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

struct FastSegments : EncodeBatch {
  std::vector<EncodePlaces> places;  // as segments
  std::vector<ClassCost> costs;
  uint32_t runs = 0, tables = 0, symbols = 0;
  uint32_t most_bins = 0;  // of a segment

  // records: the modes of the blocks of the next segment.
  void train(const SegmentInput& in, std::span<const BlockRecord> records) {
    const DeviceSegment& d = segments[places.size()];
    const SegmentHeader& h = d.header;
    cpu::split_fast(in.content, h, records, cpu::RawPlanes::unwanted, parts_);
    const model::FastTraining t =
        model::train_fast_classes(parts_.all_exponents(), parts_.run_begin);
    places.push_back(
        {d.content_at, t.classes, tables, symbols, static_cast<uint32_t>(costs.size()), 0, runs});
    if (t.classes > 1)
      costs.insert(costs.end(), t.costs.begin(), t.costs.begin() + h.alphabet() * kMaxTables);
    most_bins = std::max(most_bins, t.classes * h.alphabet());
    tables += t.classes;
    symbols += t.classes * h.alphabet();
    runs += h.blocks * runs_of_a_block(h);
  }

 private:
  cpu::FastSplit parts_;  // working memory
};
}  // namespace

void CudaBackend::encode_fast(std::span<const SegmentInput> in,
                              std::span<EncodedSegment* const> out) {
  FastSegments batch;
  for (const SegmentInput& s : in)
    batch.add(fast::make_header(s.type, static_cast<uint32_t>(s.content.size())));
  const auto count = static_cast<uint32_t>(batch.blocks.size()),
             segment_count = static_cast<uint32_t>(in.size());
  uint8_t* content = upload_content(in, batch.segments, batch.content_bytes);
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

  std::vector<BlockState> host_states = states_.download(count, stream_);
  std::vector<BlockRecord> records;
  for (size_t i = 0; i < in.size(); ++i) {
    const DeviceSegment& segment = batch.segments[i];
    records.clear();
    for (uint32_t b = 0; b < segment.header.blocks; ++b)
      records.push_back({host_states[segment.first_block + b].mode, 0, 0, 0});
    batch.train(in[i], records);
  }
  const auto* places = places_.upload(batch.places, stream_);
  const auto* costs = costs_.upload(batch.costs, stream_);
  uint8_t* class_ids = class_ids_.reserve(batch.runs);
  uint32_t* counts = counts_.reserve(batch.symbols);
  check_cuda(cudaMemsetAsync(counts, 0, batch.symbols * sizeof(uint32_t), stream_),
             "clearing counts");
  check(assign_classes(content, segments, places, blocks, states, count, costs, nullptr,
                       batch.most_bins, class_ids, counts, {}, stream_));

  const std::vector<uint32_t> host_counts = counts_.download(batch.symbols, stream_);
  std::vector<CodeBook> books;
  std::vector<FastCodeTable> codes;
  for (size_t i = 0; i < in.size(); ++i) {
    const uint32_t alphabet = batch.segments[i].header.alphabet();
    for (uint32_t c = 0; c < batch.places[i].classes; ++c) {
      books.push_back(model::make_fast_book(std::span(host_counts)
                                                .subspan(batch.places[i].symbols_at)
                                                .subspan(size_t{c} * alphabet, alphabet)));
      codes.push_back(make_code_table(books.back()));
    }
  }
  const FastBatch work{
      content, segments, blocks, count, places, class_ids, fast_codes_.upload(codes, stream_)};
  check(fast_measure(work, states, sizes, {}, stream_));
  check(encode_layout(segments, segment_count, states, coded_ranges, totals, stream_));
  check(fast_write(work, states, sizes, data, {}, stream_));
  check(checksum(data, coded_ranges, count, &states->coded_hash, stride, {}, stream_));

  host_states = states_.download(count, stream_);
  const std::vector<SegmentTotals> host_totals = totals_.download(segment_count, stream_);
  for (uint32_t i = 0; i < segment_count; ++i) {
    take_blocks(batch.segments[i], host_states, data, host_totals[i].data_bytes, *out[i]);
    if (host_totals[i].coded > 0)
      cpu::store_fast_tables(
          std::span(books).subspan(batch.places[i].first_alphabet, batch.places[i].classes),
          *out[i]);
  }
  check_cuda(cudaStreamSynchronize(stream_), "encoding");
}
}  // namespace gramzip
