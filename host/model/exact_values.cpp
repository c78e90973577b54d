// SPDX-License-Identifier: Apache-2.0
#include "host/model/exact_values.h"

#include <algorithm>
#include <cstring>

#include "gramzip/core/wire.h"
#include "host/model/fixed_log.h"

namespace gramzip::model {
namespace {
using Blocks = std::vector<std::span<const uint8_t>>;
constexpr uint32_t kRarest = 5000;     // an exact value is one element of so many, or more
constexpr uint32_t kLeastCount = 3;    // in the sample
constexpr uint64_t kLeastShare = 256;  // all together save one bit of so many, or more
constexpr uint64_t kValueBits = 128;   // what a value takes beside the tables' other lengths

struct Counted {
  uint64_t value;
  uint32_t count;
};

// An element of each of kExactSample stretches of equal length, at a place that a fixed sequence
// gives, so that no period of the content hides a value.
std::vector<uint64_t> sample_of(const Blocks& blocks, uint32_t bytes, uint64_t elements) {
  const uint64_t samples = std::min<uint64_t>(elements, kExactSample);
  std::vector<uint64_t> sample(samples);
  uint64_t sequence = 0, before = 0;
  size_t block = 0;
  for (uint64_t s = 0; s < samples; ++s) {
    sequence = sequence * 6364136223846793005u + 1442695040888963407u;
    const uint64_t begin = s * elements / samples, end = (s + 1) * elements / samples;
    const uint64_t i = begin + (sequence >> 33) % (end - begin);
    while (i - before >= blocks[block].size() / bytes) before += blocks[block++].size() / bytes;
    sample[s] = load_element(blocks[block].data(), i - before, bytes);
  }
  return sample;
}

// Values that occur `least` times or more; the most frequent ones first, ties by value.
std::vector<Counted> frequent_values(std::span<const uint64_t> sample, uint32_t bytes,
                                     uint32_t least) {
  // Values of 16 bits have a slot each. Of wider ones most fall out by the count of those that
  // share their slot, and the rest is sorted.
  constexpr uint32_t kSlotBits = 16;
  const auto slot_of = [bytes](uint64_t x) {
    return bytes <= 2 ? x : (x ^ x >> 32) * 0x9e3779b97f4a7c15u >> (64 - kSlotBits);
  };
  std::vector<uint16_t> slots(size_t{1} << kSlotBits, 0);
  for (const uint64_t x : sample) ++slots[slot_of(x)];
  std::vector<Counted> values;
  if (bytes <= 2) {
    for (uint64_t v = 0; v < slots.size(); ++v)
      if (slots[v] >= least) values.push_back({v, slots[v]});
  } else {
    std::vector<uint64_t> left;
    for (const uint64_t x : sample)
      if (slots[slot_of(x)] >= least) left.push_back(x);
    std::sort(left.begin(), left.end());
    for (size_t i = 0, j = 0; i < left.size(); i = j) {
      while (j < left.size() && left[j] == left[i]) ++j;
      if (j - i >= least) values.push_back({left[i], static_cast<uint32_t>(j - i)});
    }
  }
  std::stable_sort(values.begin(), values.end(),
                   [](const Counted& a, const Counted& b) { return a.count > b.count; });
  return values;
}

// count * log2(total / count) in 1/kLogUnit bit.
uint64_t share_cost(uint32_t count, uint32_t total) {
  return count == 0 ? 0 : uint64_t{count} * (fixed_log2(total) - fixed_log2(count));
}

template <class T>
void symbols_as(std::span<const uint8_t> content, const Split& split, const ExactIndex& exact,
                uint16_t* symbols) {
  const size_t n = content.size() / sizeof(T);
  for (size_t j = 0; j < n; ++j) {
    const uint64_t x = load_le<T>(content.data() + j * sizeof(T));
    const uint32_t d = exact.find(x);
    symbols[j] = static_cast<uint16_t>(d != ExactIndex::kNone ? (1u << split.symbol_bits) + d
                                                              : split.symbol(x));
  }
}
}  // namespace

void exact_symbols(std::span<const uint8_t> content, const Split& split, const ExactIndex& exact,
                   uint16_t* symbols) {
  switch (split.bytes) {
    case 1:
      return symbols_as<uint8_t>(content, split, exact, symbols);
    case 2:
      return symbols_as<uint16_t>(content, split, exact, symbols);
    case 4:
      return symbols_as<uint32_t>(content, split, exact, symbols);
    default:
      return symbols_as<uint64_t>(content, split, exact, symbols);
  }
}

ExactIndex::ExactIndex(std::span<const uint64_t> values)
    : count_(static_cast<uint32_t>(values.size())) {
  std::copy(values.begin(), values.end(), values_.begin());
  for (uint32_t placed = 0; placed < count_;) {  // until no two share a slot
    factor_ = (factor_ * 6364136223846793005u + 1442695040888963407u) | 1;
    std::array<bool, 1u << kSlotBits> taken{};
    for (placed = 0; placed < count_ && !taken[slot_of(values_[placed])]; ++placed) {
      taken[slot_of(values_[placed])] = true;
      slots_[slot_of(values_[placed])] = static_cast<uint8_t>(placed);
    }
  }
}

std::vector<uint64_t> choose_exact_values(std::span<const uint8_t> content, ElementType type) {
  const ElementInfo info = element_info(type);
  const size_t block = size_t{1} << info.block_log2;
  Blocks blocks;
  uint64_t elements = 0;
  for (size_t at = 0; at < content.size(); at += block) {
    const auto b = content.subspan(at, std::min(block, content.size() - at));
    if (std::memcmp(b.data(), b.data() + info.bytes, b.size() - info.bytes) == 0) continue;
    blocks.push_back(b);
    elements += b.size() / info.bytes;
  }
  if (elements == 0) return {};
  const std::vector<uint64_t> sample = sample_of(blocks, info.bytes, elements);
  const auto samples = static_cast<uint32_t>(sample.size());
  const std::vector<Counted> frequent =
      frequent_values(sample, info.bytes, std::max(kLeastCount, (samples + kRarest - 1) / kRarest));
  if (frequent.empty()) return {};

  // What a value saves: its raw bits, less what it costs to tell it from the others of its symbol.
  const uint32_t symbol_bits =
      std::min({info.exponent_bits + 3u, 8u * info.bytes - 1, kMaxExactSymbolBits});
  const Split split = make_split(Codec::exact_floats, type, symbol_bits);
  std::vector<uint32_t> of_symbol(size_t{1} << symbol_bits, 0);
  for (const uint64_t x : sample) ++of_symbol[split.symbol(x)];
  std::vector<uint64_t> chosen;
  uint64_t saved = 0;
  for (const auto& [value, count] : frequent) {
    uint32_t& all = of_symbol[split.symbol(value)];
    const uint64_t raw = uint64_t{split.raw_bits} * count * kLogUnit;
    const uint64_t told = share_cost(count, all) + share_cost(all - count, all);
    if (raw <= told || (raw - told) / kLogUnit * elements / samples <= kValueBits) continue;
    saved += raw - told;
    all -= count;
    chosen.push_back(value);
    if (chosen.size() == kMaxExactValues) break;
  }
  if (saved * kLeastShare < uint64_t{samples} * 8 * info.bytes * kLogUnit) return {};
  std::sort(chosen.begin(), chosen.end());
  return chosen;
}
}  // namespace gramzip::model
