// SPDX-License-Identifier: Apache-2.0
// Keys have 31 bits: 16 high ones are counted in the first pass, and in the second the 15 low ones
// of the keys whose high bits are those of the k-th. Types of 8 and 16 bits are counted by pattern.
#include <array>
#include <cstddef>

#include "gramzip/core/float_values.h"
#include "gramzip/core/wire.h"
#include "host/base/error.h"
#include "host/cpu/prune.h"
#include "host/cpu/quantize.h"

namespace gramzip::cpu {
namespace {
constexpr uint32_t kLowBits = 15, kHigh = 1u << 16, kLow = 1u << kLowBits;
constexpr uint32_t kNone = ~0u;

// The first entry at which the running sum exceeds k, and what of k is left there.
size_t find(std::span<const uint64_t> counts, uint64_t& k) {
  size_t i = 0;
  for (; i + 1 < counts.size() && k >= counts[i]; ++i) k -= counts[i];
  return i;
}
void add(std::vector<uint64_t>& to, std::span<const uint64_t> from) {
  if (to.empty()) to.resize(from.size());
  for (size_t i = 0; i < from.size(); ++i) to[i] += from[i];
}
}  // namespace

struct MagnitudeSelect::Impl {
  std::vector<uint64_t> high = std::vector<uint64_t>(kHigh), low;
  std::array<std::vector<uint64_t>, static_cast<size_t>(ElementType::count)> patterns;
  uint32_t chosen = kNone;  // the high bits of the k-th magnitude
  uint64_t rest = 0;        // to be pruned of those that have them

  // f(key, count) for each pattern that was counted.
  template <class F>
  void for_patterns(F&& f) const {
    for (size_t t = 0; t < patterns.size(); ++t)
      with_float_type(static_cast<ElementType>(t), [&]<ElementType type>() {
        using V = FloatValues<type>;
        for (size_t x = 0; x < patterns[t].size(); ++x)
          if (patterns[t][x] != 0)
            f(V::magnitude_key(static_cast<typename V::Bits>(x)), patterns[t][x]);
      });
  }
};

MagnitudeSelect::MagnitudeSelect() : impl_(std::make_unique<Impl>()) {}
MagnitudeSelect::~MagnitudeSelect() = default;
MagnitudeSelect::MagnitudeSelect(MagnitudeSelect&&) noexcept = default;

void MagnitudeSelect::count_high(ElementType type, std::span<const uint8_t> elements) {
  if (!is_float(type)) fail(ErrorCode::internal, "only floats have magnitudes");
  std::vector<uint64_t>& patterns = impl_->patterns[static_cast<size_t>(type)];
  with_float_type(type, [&]<ElementType t>() {
    using V = FloatValues<t>;
    using Bits = typename V::Bits;
    if constexpr (V::kBytes <= 2) patterns.resize(size_t{1} << (8 * V::kBytes));
    if constexpr (V::kBytes == 1) {
      for (const uint8_t x : elements) ++patterns[x];
    } else if constexpr (V::kBytes == 2) {
      pattern_histogram(elements, patterns);
    } else {
      uint64_t* high = impl_->high.data();
      for (size_t i = 0; i + V::kBytes <= elements.size(); i += V::kBytes)
        ++high[V::magnitude_key(load_le<Bits>(elements.data() + i)) >> kLowBits];
    }
  });
}

void MagnitudeSelect::choose(uint64_t smallest) {
  Impl& m = *impl_;
  m.for_patterns([&](uint32_t key, uint64_t n) { m.high[key >> kLowBits] += n; });
  m.rest = smallest;
  m.chosen = static_cast<uint32_t>(find(m.high, m.rest));
  m.low.assign(kLow, 0);
  m.for_patterns([&](uint32_t key, uint64_t n) {
    if (key >> kLowBits == m.chosen) m.low[key % kLow] += n;
  });
}

void MagnitudeSelect::count_low(ElementType type, std::span<const uint8_t> elements) {
  with_float_type(type, [&]<ElementType t>() {
    using V = FloatValues<t>;
    using Bits = typename V::Bits;
    if constexpr (V::kBytes > 2) {
      const uint32_t chosen = impl_->chosen;
      uint64_t* low = impl_->low.data();
      for (size_t i = 0; i + V::kBytes <= elements.size(); i += V::kBytes) {
        const uint32_t key = V::magnitude_key(load_le<Bits>(elements.data() + i));
        if (key >> kLowBits == chosen) ++low[key % kLow];
      }
    }
  });
}

void MagnitudeSelect::add_patterns(ElementType type, std::span<const uint64_t> counts) {
  add(impl_->patterns[static_cast<size_t>(type)], counts);
}
void MagnitudeSelect::add_high(std::span<const uint64_t> counts) { add(impl_->high, counts); }
void MagnitudeSelect::add_low(std::span<const uint64_t> counts) { add(impl_->low, counts); }
uint32_t MagnitudeSelect::chosen_high() const { return impl_->chosen; }

MagnitudeSelect MagnitudeSelect::begin_low() const {
  MagnitudeSelect other;
  other.impl_->chosen = impl_->chosen;
  other.impl_->low.assign(kLow, 0);
  return other;
}

void MagnitudeSelect::merge(const MagnitudeSelect& other) {
  add(impl_->high, other.impl_->high);
  add(impl_->low, other.impl_->low);
  for (size_t t = 0; t < impl_->patterns.size(); ++t)
    add(impl_->patterns[t], other.impl_->patterns[t]);
}

MagnitudeSelect::Cut MagnitudeSelect::cut() const {
  uint64_t ties = impl_->rest;
  const size_t low = find(impl_->low, ties);
  return {impl_->chosen << kLowBits | static_cast<uint32_t>(low), ties};
}
}  // namespace gramzip::cpu
