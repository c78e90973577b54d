// SPDX-License-Identifier: Apache-2.0
#include "host/model/exact_classes.h"

#include <algorithm>
#include <numeric>

#include "gramzip/core/exact.h"
#include "host/model/exact_values.h"
#include "host/model/fixed_log.h"

namespace gramzip::model {
ExactClasses train_exact_classes(std::span<const uint8_t> content, const SegmentHeader& h,
                                 std::span<const uint64_t> values,
                                 std::span<const BlockRecord> records) {
  const ElementInfo info = element_info(h.type);
  const uint32_t wanted = info.bytes == 2 && info.exponent_bits == 5 ? 9 : info.exponent_bits + 2u;
  ExactClasses out;
  out.symbol_bits = std::min({wanted, 8u * info.bytes - 1, kMaxExactSymbolBits});
  const Split split = make_split(Codec::exact_floats, h.type, info.exponent_bits);
  const uint32_t symbols = (1u << info.exponent_bits) + static_cast<uint32_t>(values.size());
  const ExactIndex index(values);
  const uint64_t n = content.size() / info.bytes;
  const auto runs = static_cast<uint32_t>(ceil_div(n, kRunElements));
  out.ids.assign(runs, 0);
  std::vector<uint16_t> symbol(n);
  std::vector<uint32_t> counting;
  std::vector<uint64_t> keys(runs);
  for (uint32_t r = 0; r < runs; ++r) {
    if (records[(uint64_t{r} * kRunElements * info.bytes) >> h.block_log2].mode != BlockMode::raw)
      continue;
    counting.push_back(r);
    const uint64_t begin = uint64_t{r} * kRunElements, end = std::min(begin + kRunElements, n);
    for (uint64_t j = begin; j < end; ++j) {
      const uint64_t x = load_element(content.data(), j, info.bytes);
      const uint32_t d = index.find(x);
      symbol[j] = static_cast<uint16_t>(d != ExactIndex::kNone ? (1u << info.exponent_bits) + d
                                                               : split.symbol(x));
      keys[r] += symbol[j];
    }
    keys[r] = keys[r] * 16 / (end - begin);
  }
  const auto count = static_cast<uint32_t>(counting.size());
  uint32_t classes = 1;
  while (classes < kMaxTables && count / 48 >= 2 * classes) classes *= 2;
  std::stable_sort(counting.begin(), counting.end(),
                   [&](uint32_t a, uint32_t b) { return keys[a] < keys[b]; });
  for (uint32_t i = 0; i < count; ++i)
    out.ids[counting[i]] = static_cast<uint8_t>(uint64_t{i} * classes / count);
  for (uint32_t round = 0; round < 8 && classes > 1; ++round) {
    std::vector<uint32_t> counts(size_t{classes} * symbols, 0), sums(classes, 0),
        costs(counts.size());
    for (const uint32_t r : counting)
      for (uint64_t j = uint64_t{r} * kRunElements;
           j < std::min<uint64_t>(n, uint64_t{r + 1} * kRunElements); ++j) {
        ++counts[out.ids[r] * size_t{symbols} + symbol[j]];
        ++sums[out.ids[r]];
      }
    for (uint32_t c = 0; c < classes; ++c)
      for (uint32_t s = 0; s < symbols; ++s)
        costs[s * size_t{classes} + c] =
            fixed_log2(uint64_t{sums[c]} * 16 + symbols) -
            fixed_log2(counts[c * size_t{symbols} + s] * uint64_t{16} + 1);
    for (const uint32_t r : counting) {
      std::vector<uint64_t> cost(classes, 0);
      for (uint64_t j = uint64_t{r} * kRunElements;
           j < std::min<uint64_t>(n, uint64_t{r + 1} * kRunElements); ++j)
        for (uint32_t c = 0; c < classes; ++c) cost[c] += costs[symbol[j] * size_t{classes} + c];
      out.ids[r] = static_cast<uint8_t>(std::min_element(cost.begin(), cost.end()) - cost.begin());
    }
  }
  std::vector<uint8_t> number(classes, 255);
  uint8_t used = 0;
  for (const uint32_t r : counting)
    if (number[out.ids[r]] == 255) number[out.ids[r]] = used++;
  for (const uint32_t r : counting) out.ids[r] = number[out.ids[r]];
  out.classes = std::max<uint32_t>(used, 1);
  return out;
}
}  // namespace gramzip::model
