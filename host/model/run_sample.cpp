// SPDX-License-Identifier: Apache-2.0
#include "host/model/run_sample.h"

#include <algorithm>
#include <array>

#include "host/model/exact_values.h"

namespace gramzip::model {
namespace {
// One run in 16, and 384 at least if there are as many: classes of all runs save 0.02 % more, and
// training would take as long as coding.
constexpr uint32_t kOneOf = 16;
constexpr uint32_t kLeastSample = 384;

template <class T>
void load_symbols_of(const uint8_t* p, uint32_t n, const Split& split, uint16_t* symbols) {
  for (uint32_t j = 0; j < n; ++j)
    symbols[j] = static_cast<uint16_t>(split.symbol(load_le<T>(p + size_t{j} * sizeof(T))));
}

// Elements `first` on of a block in the order of planes.
void load_planes(const uint8_t* block, const Planes& planes, uint32_t first, uint32_t n,
                 const Split& split, uint16_t* symbols) {
  for (uint32_t j = 0; j < n; ++j)
    symbols[j] = static_cast<uint16_t>(
        split.symbol(load_element(block, plane_position(planes, first + j), split.bytes)));
}
}  // namespace

void load_symbols(const uint8_t* p, uint32_t n, const Split& split, uint16_t* symbols) {
  switch (split.bytes) {
    case 1:
      return load_symbols_of<uint8_t>(p, n, split, symbols);
    case 2:
      return load_symbols_of<uint16_t>(p, n, split, symbols);
    case 4:
      return load_symbols_of<uint32_t>(p, n, split, symbols);
    default:
      return load_symbols_of<uint64_t>(p, n, split, symbols);
  }
}

SymbolWidths symbol_widths(const SegmentHeader& h) {
  if (h.codec == Codec::planes) return {8, 8, 8};
  const uint32_t most = h.codec == Codec::exact_floats ? kMaxExactSymbolBits : kMaxSymbolBits;
  switch (h.type) {
    case ElementType::f16:
      return {8, 10, 5};
    case ElementType::f64:
      return {11, most, 11};
    case ElementType::f8_e4m3:
      return {7, 7, 4};
    case ElementType::f8_e5m2:
      return {7, 7, 5};
    default:
      return {8, 10, 8};
  }
}

Runs count_runs(const SegmentHeader& h) {
  const uint32_t bytes = h.split().bytes;
  Runs r{};
  r.per_block = (1u << h.block_log2) / bytes / kRunElements;
  r.count = static_cast<uint32_t>(ceil_div(h.decoded_bytes / bytes, kRunElements));
  return r;
}

RunSample sample_runs(std::span<const uint8_t> content, const SegmentHeader& h,
                      std::span<const BlockRecord> records, std::span<const uint64_t> exact) {
  RunSample s;
  s.widths = symbol_widths(h);
  s.exact = static_cast<uint32_t>(exact.size());
  const ExactIndex index(exact);
  const Split split = make_split(h.codec, h.type, s.widths.most);
  const Runs runs = count_runs(h);
  std::vector<uint32_t> counting;
  counting.reserve(runs.count);
  for (uint32_t r = 0; r < runs.count; ++r)
    if (records[r / runs.per_block].mode == BlockMode::raw) counting.push_back(r);
  s.all_runs = static_cast<uint32_t>(counting.size());
  const uint32_t want = std::min(s.all_runs, std::max(kLeastSample, s.all_runs / kOneOf));

  s.symbols.resize(size_t{want} * kRunElements);
  s.sizes.reserve(want);
  s.keys.reserve(want);
  s.begin.assign(1, 0);
  std::array<uint16_t, 1u << kMaxSymbolBits> counts{};
  for (uint32_t i = 0; i < want; ++i) {
    const uint32_t r = counting[uint64_t{i} * s.all_runs / want];
    const uint32_t block = r / runs.per_block, first = r % runs.per_block * kRunElements;
    const uint8_t* const bytes = content.data() + h.block_begin(block);
    const uint32_t n = std::min(kRunElements, h.block_bytes(block) / split.bytes - first);
    uint16_t* const symbols = s.symbols.data() + size_t{i} * kRunElements;
    uint32_t plane = 0;
    if (h.period > 0) {
      const Planes planes = make_planes(h.block_bytes(block) / split.bytes, h.period);
      if (h.codec == Codec::planes)
        plane = (h.block_begin(block) + plane_of(planes, first)) % h.period;
      load_planes(bytes, planes, first, n, split, symbols);
    } else {
      const uint8_t* const run = bytes + size_t{first} * split.bytes;
      if (exact.empty())
        load_symbols(run, n, split, symbols);
      else
        exact_symbols({run, size_t{n} * split.bytes}, split, index, symbols);
    }
    uint32_t least = UINT32_MAX, most = 0, sum = 0;
    for (uint32_t j = 0; j < n; ++j) {
      const uint32_t k = s.narrowed(symbols[j], s.widths.coarse);
      ++counts[k];
      sum += k;
      least = std::min(least, k);
      most = std::max(most, k);
    }
    for (uint32_t k = least; k <= most; ++k) {
      if (counts[k] == 0) continue;
      s.coarse.push_back({static_cast<uint16_t>(k), counts[k]});
      counts[k] = 0;
    }
    s.begin.push_back(static_cast<uint32_t>(s.coarse.size()));
    s.sizes.push_back(static_cast<uint16_t>(n));
    // Planes first, then means in 1/16.
    s.keys.push_back(plane << 16 | sum * 16 / n);
  }
  return s;
}
}  // namespace gramzip::model
