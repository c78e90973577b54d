// SPDX-License-Identifier: Apache-2.0
// The primitives that look at one array: counts, quantization, pruning.
#include <bit>

#include "host/backend/device_image.h"
#include "host/backend/device_primitives.h"
#include "kernels/histogram.h"
#include "kernels/ngram_count.h"
#include "kernels/pattern_histogram.h"
#include "kernels/primitives.h"
#include "kernels/prune.h"
#include "kernels/quantize.h"

namespace gramzip::device {
using namespace kernels;

namespace {
// True if the call asks for a size, which is never 0.
bool sized(void* temp, size_t& temp_bytes, size_t needed) {
  if (needed < kTempAlign) needed = kTempAlign;
  if (temp == nullptr) {
    temp_bytes = needed;
    return true;
  }
  check_temp({temp, temp_bytes}, needed);
  return false;
}
uint8_t* bytes_at(void* p, uint64_t size, const char* what) {
  if (size > 0) require_aligned(p, kArrayAlign, what);
  return static_cast<uint8_t*>(p);
}
}  // namespace

void histogram(void* temp, size_t& temp_bytes, const void* symbols, uint64_t count,
               uint32_t symbol_bytes, uint64_t* counts, Stream stream) {
  if (symbol_bytes != 1 && symbol_bytes != 2)
    fail(ErrorCode::invalid_argument, "symbol_bytes is neither 1 nor 2");
  if (sized(temp, temp_bytes, 0)) return;
  const uint8_t* p = bytes_at(const_cast<void*>(symbols), count, "symbols");
  require_aligned(counts, alignof(uint64_t), "counts");
  auto* to = reinterpret_cast<BinCount*>(counts);
  if (symbol_bytes == 1) return enqueued(byte_histogram(p, count, to, {}, stream));
  enqueued(cudaMemsetAsync(to, 0, kMaxBins * sizeof *to, stream));
  if (count > 0) enqueued(pattern_histogram(p, count, to, {}, stream));
}

void ngram_count(void* temp, size_t& temp_bytes, const void* text, uint64_t size, uint32_t n,
                 uint32_t table_log2, void* cells, void* result, Stream stream) {
  const NgramSpec spec{NgramUnit::bytes, n};
  if (!spec.valid()) fail(ErrorCode::invalid_argument, "n is not 1 to 32");
  if (table_log2 < 10 || table_log2 > 32)
    fail(ErrorCode::invalid_argument, "table_log2 is not 10 to 32");
  if (size >= (uint64_t{1} << 40) - 1)
    fail(ErrorCode::invalid_argument, "size is 2^40 - 1 or more");
  const uint64_t pieces = ceil_div(size, kNgramPieceBytes);
  Layout layout;
  size_t table_bytes = 0;
  enqueued(kernels::ngram_count(nullptr, table_bytes, nullptr, nullptr, 0, spec, nullptr, nullptr,
                                table_log2, {}, stream));
  const auto table = layout.add<uint8_t>(table_bytes);
  const auto list = layout.add<NgramPiece>(pieces);
  if (sized(temp, temp_bytes, layout.bytes())) return;
  if (size > 0 && text == nullptr) fail(ErrorCode::invalid_argument, "text is null");
  require_aligned(cells, alignof(NgramCell), "cells");
  require_aligned(result, alignof(NgramStatus), "result");
  enqueued(ngram_pieces(size, list.in(temp), stream));
  enqueued(kernels::ngram_count(table.in(temp), table_bytes, static_cast<const uint8_t*>(text),
                                list.in(temp), static_cast<uint32_t>(pieces), spec,
                                static_cast<NgramCell*>(cells), static_cast<NgramStatus*>(result),
                                table_log2, {}, stream));
}

void quantize(void* temp, size_t& temp_bytes, ElementType type, void* elements, uint64_t count,
              const float* levels, uint32_t level_count, uint16_t* indexes, Stream stream) {
  if (!is_float(type)) fail(ErrorCode::invalid_argument, "dtype is no float");
  if (level_count == 0 || level_count > quant::kMaxLevels)
    fail(ErrorCode::invalid_argument, "level_count is not 1 to 4095");
  quant::LevelSearch search{};
  search.count = level_count - 1;
  search.cells = 1;
  search.steps = static_cast<uint32_t>(std::bit_width(search.count));
  search.lowest = -std::numeric_limits<double>::infinity();
  search.highest = std::numeric_limits<double>::infinity();
  const uint32_t padded = search.count + (1u << search.steps);
  Layout layout;
  const auto thresholds = layout.add<double>(padded);
  const auto values = layout.add<uint64_t>(level_count);
  const auto first = layout.add<uint16_t>(2);
  if (sized(temp, temp_bytes, layout.bytes())) return;
  uint8_t* p = bytes_at(elements, count, "elements");
  require_aligned(levels, alignof(float), "levels");
  if (indexes != nullptr) require_aligned(indexes, alignof(uint16_t), "indexes");
  enqueued(level_tables(type, levels, level_count, values.in(temp), thresholds.in(temp), padded,
                        first.in(temp), stream));
  search.thresholds = thresholds.in(temp);
  search.first = first.in(temp);
  DeviceLevels device_levels{};
  device_levels.count = level_count;
  device_levels.elements = values.in(temp);
  enqueued(indexes != nullptr
               ? index_elements(type, p, count, device_levels, search, indexes, {}, stream)
               : quantize_elements(type, p, count, device_levels, search, {}, stream));
}

void prune_below(void* temp, size_t& temp_bytes, ElementType type, void* elements, uint64_t count,
                 uint64_t cut, uint64_t* pruned, Stream stream) {
  size_t needed = 0;
  enqueued(prune_edges(nullptr, needed, type, nullptr, count, {}, nullptr, {}, stream));
  if (sized(temp, temp_bytes, needed)) return;
  uint8_t* p = bytes_at(elements, count, "elements");
  require_aligned(pruned, alignof(uint64_t), "pruned");
  static_assert(sizeof(PruneResult) == 2 * sizeof(uint64_t));
  enqueued(prune_edges(temp, needed, type, p, count, {cut, cut, 0},
                       reinterpret_cast<PruneResult*>(pruned), {}, stream));
}

void prune_two_of_four(void* temp, size_t& temp_bytes, ElementType type, void* elements,
                       uint64_t count, uint64_t columns, Stream stream) {
  if (columns == 0 ? count > 0 : count % columns != 0)
    fail(ErrorCode::invalid_argument, "the elements are no whole rows");
  if (sized(temp, temp_bytes, 0) || count == 0) return;
  uint8_t* p = bytes_at(elements, count, "elements");
  enqueued(kernels::prune_two_of_four(type, p, count / columns, columns, {}, stream));
}
}  // namespace gramzip::device
