// SPDX-License-Identifier: Apache-2.0
// Segments by codec sparse_delta on the device: counts, groups on the host, order and symbols, code
// tables on the host, sizes, offsets, blocks, hashes.
#include <algorithm>

#include "host/backend/cpu_delta.h"
#include "host/backend/cuda_backend.h"
#include "host/backend/encode_batch.h"
#include "host/model/sparse_model.h"

namespace gramzip {
using namespace kernels;

namespace {
constexpr uint32_t kSymbols = 1u << delta::kSymbolBits;

EncodeBatch lay_out(std::span<const SegmentInput> in) {
  EncodeBatch batch;
  for (const SegmentInput& s : in)
    batch.add(make_delta_header(Codec::sparse_delta, s.type,
                                static_cast<uint32_t>(s.content.size()), s.base_at));
  return batch;
}

// counts: as the device has made them for a segment.
model::ChangeCounts changes_of(const uint32_t* counts, uint32_t exponents) {
  model::ChangeCounts c(exponents);
  std::copy_n(counts, c.symbols.size(), c.symbols.begin());
  return c;
}
static_assert(model::kUnchanged == kUnchangedSymbol);

std::vector<CodeBook> books_of(const uint32_t* counts, uint32_t tables) {
  std::vector<std::vector<uint32_t>> of_tables;
  for (uint32_t t = 0; t < tables; ++t)
    of_tables.emplace_back(counts + size_t{t} * kSymbols, counts + size_t{t + 1} * kSymbols);
  return model::make_sparse_books(of_tables);
}
}  // namespace

void CudaBackend::encode_sparse(std::span<const SegmentInput> in,
                                std::span<EncodedSegment* const> out) {
  const EncodeBatch batch = lay_out(in);
  const auto count = static_cast<uint32_t>(batch.blocks.size()),
             segment_count = static_cast<uint32_t>(in.size());
  const uint8_t* content = upload_content(in, batch.segments, batch.content_bytes);
  const uint8_t* base = upload_bases(in, batch.segments, batch.content_bytes);
  uint8_t* data = data_.reserve(batch.data_bytes);
  const auto* ranges = decoded_ranges_.upload(batch.ranges, stream_);
  BlockState* states = states_.reserve(count);
  HashRange* coded_ranges = coded_ranges_.reserve(count);
  uint32_t* lane_bits = lane_words_.reserve(size_t{count} * kLanes);
  SegmentTotals* totals = totals_.reserve(segment_count);
  std::vector<SparseCoding> codings(in.size());
  uint32_t words = 0;
  for (size_t i = 0; i < in.size(); ++i) {
    codings[i].exponents_at = words;
    words += exponent_words(delta::arithmetic(in[i].type).exponents());
  }
  SparseBatch work{content,
                   base,
                   segments_.upload(batch.segments, stream_),
                   blocks_.upload(batch.blocks, stream_),
                   count,
                   sparse_codings_.upload(codings, stream_),
                   differences_.reserve(batch.content_bytes),
                   changed_.reserve(batch.content_bytes / 32),
                   sparse_orders_.reserve(count)};
  constexpr uint32_t stride = sizeof(BlockState);
  check(checksum(content, ranges, count, &states->decoded_hash, stride, {}, stream_));
  check(classify_delta(content, base, work.segments, work.blocks, states, count, stream_));
  const auto clear = [&](size_t n) {
    uint32_t* counts = counts_.reserve(n);
    check_cuda(cudaMemsetAsync(counts, 0, n * sizeof(uint32_t), stream_), "clearing counts");
    return counts;
  };
  check(sparse_count(work, states, clear(words), stream_));

  std::vector<uint32_t> counts = counts_.download(words, stream_);
  uint32_t tables = 0;
  for (size_t i = 0; i < in.size(); ++i) {
    SparseCoding& c = codings[i];
    c.groups = model::make_groups(
        changes_of(counts.data() + c.exponents_at, delta::arithmetic(in[i].type).exponents()));
    c.tables_at = tables * kSymbols;
    tables += 2 * c.groups.count;
  }
  work.codings = sparse_codings_.upload(codings, stream_);
  check(sparse_order(work, states, stream_));
  check(sparse_symbols(work, states, clear(size_t{tables} * kSymbols), {}, stream_));

  counts = counts_.download(size_t{tables} * kSymbols, stream_);
  std::vector<std::vector<CodeBook>> books;
  std::vector<uint32_t> host_codes;
  for (const SparseCoding& c : codings) {
    books.push_back(books_of(counts.data() + c.tables_at, 2 * c.groups.count));
    for (const CodeBook& book : books.back())
      host_codes.insert(host_codes.end(), book.codes.begin(), book.codes.end());
  }
  const uint32_t* codes = codes_.upload(host_codes, stream_);
  check(sparse_measure(work, codes, states, lane_bits, {}, stream_));
  check(encode_layout(work.segments, segment_count, states, coded_ranges, totals, stream_));
  check(sparse_write(work, codes, states, lane_bits, data, {}, stream_));
  check(checksum(data, coded_ranges, count, &states->coded_hash, stride, {}, stream_));

  const std::vector<BlockState> host_states = states_.download(count, stream_);
  const std::vector<SegmentTotals> host_totals = totals_.download(segment_count, stream_);
  for (uint32_t i = 0; i < segment_count; ++i) {
    take_blocks(batch.segments[i], host_states, data, host_totals[i].data_bytes, *out[i]);
    if (host_totals[i].coded > 0) cpu::store_sparse_tables(codings[i].groups, books[i], *out[i]);
  }
  check_cuda(cudaStreamSynchronize(stream_), "encoding");
}
}  // namespace gramzip
