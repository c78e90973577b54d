// SPDX-License-Identifier: Apache-2.0
#include "host/cpu/prune.h"

#include <array>

#include "gramzip/core/float_values.h"
#include "gramzip/core/prune.h"
#include "gramzip/core/wire.h"
#include "host/base/error.h"

namespace gramzip::cpu {
namespace {
constexpr size_t kSums = 32;

template <class F>
void with_type(ElementType t, F&& f) {
  if (!with_float_type(t, f)) fail(ErrorCode::internal, "only floats are pruned");
}

// The least magnitude whose key is at least this; one above the largest if none is.
template <ElementType type>
uint64_t least_with(uint64_t key) {
  using V = FloatValues<type>;
  uint64_t lo = 0, hi = uint64_t{V::kMagnitude} + 1;
  while (lo < hi) {
    const uint64_t mid = lo + (hi - lo) / 2;
    if (V::magnitude_key(static_cast<typename V::Bits>(mid)) >= key)
      hi = mid;
    else
      lo = mid + 1;
  }
  return lo;
}

template <ElementType type, uint32_t n>
void prune_half(uint8_t* p) {
  using V = FloatValues<type>;
  using Bits = typename V::Bits;
  Bits m[n];
  for (uint32_t i = 0; i < n; ++i) m[i] = V::magnitude(load_le<Bits>(p + i * V::kBytes));
  const uint32_t pruned = smaller_half(m, n);
  for (uint32_t i = 0; i < n; ++i)
    if ((pruned >> i & 1) != 0) store_le<Bits>(p + i * V::kBytes, 0);
}
}  // namespace

NativeCut native_cut(ElementType type, const MagnitudeSelect::Cut& cut) {
  NativeCut native{};
  with_type(type, [&]<ElementType t>() {
    native = {least_with<t>(cut.below), least_with<t>(uint64_t{cut.below} + 1)};
  });
  return native;
}

uint64_t prune_edges(ElementType type, MagnitudeSelect::Cut& cut, std::span<uint8_t> elements) {
  uint64_t pruned = 0;
  with_type(type, [&]<ElementType t>() {
    using V = FloatValues<t>;
    using Bits = typename V::Bits;
    const NativeCut native = native_cut(t, cut);
    uint8_t *p = elements.data(), *end = p + elements.size() / V::kBytes * V::kBytes;
    for (; p < end && cut.ties > 0; p += V::kBytes) {
      const Bits m = V::magnitude(load_le<Bits>(p));
      if (m >= native.to) continue;
      if (m >= native.from) --cut.ties;
      store_le<Bits>(p, 0);
      ++pruned;
    }
    if (native.from == 0) return;
    const auto most = static_cast<Bits>(native.from - 1);
    for (; p < end; p += V::kBytes) {
      const auto x = load_le<Bits>(p);
      const bool small = V::magnitude(x) <= most;
      store_le<Bits>(p, small ? Bits{0} : x);
      pruned += small;
    }
  });
  return pruned;
}

uint64_t count_ties(ElementType type, const MagnitudeSelect::Cut& cut,
                    std::span<const uint8_t> elements) {
  uint64_t ties = 0;
  with_type(type, [&]<ElementType t>() {
    using V = FloatValues<t>;
    using Bits = typename V::Bits;
    const NativeCut native = native_cut(t, cut);
    if (native.from == native.to) return;
    const auto from = static_cast<Bits>(native.from), most = static_cast<Bits>(native.to - 1);
    for (size_t i = 0; i + V::kBytes <= elements.size(); i += V::kBytes) {
      const Bits m = V::magnitude(load_le<Bits>(elements.data() + i));
      ties += m >= from && m <= most;
    }
  });
  return ties;
}

std::vector<double> row_norms(ElementType type, std::span<const uint8_t> elements,
                              uint64_t columns) {
  std::vector<double> norms;
  with_type(type, [&]<ElementType t>() {
    using V = FloatValues<t>;
    using Bits = typename V::Bits;
    const size_t n = elements.size() / V::kBytes;
    for (size_t begin = 0; begin < n; begin += columns) {
      const size_t m = std::min<size_t>(columns, n - begin);
      const uint8_t* p = elements.data() + begin * V::kBytes;
      std::array<double, kSums> sums{};
      for (size_t i = 0; i < m; i += kSums)
        for (size_t l = 0; l < std::min(kSums, m - i); ++l) {
          const auto x = load_le<Bits>(p + (i + l) * V::kBytes);
          const double w = V::to_double(V::finite(x) ? x : Bits{0});
          sums[l] += w * w;
        }
      for (size_t s = kSums / 2; s > 0; s /= 2)
        for (size_t l = 0; l < s; ++l) sums[l] += sums[l + s];
      norms.push_back(sums[0]);
    }
  });
  return norms;
}

void prune_two_of_four(ElementType type, std::span<uint8_t> elements, uint64_t columns) {
  with_type(type, [&]<ElementType t>() {
    constexpr size_t bytes = FloatValues<t>::kBytes;
    const size_t row = columns * bytes;
    for (size_t begin = 0; begin < elements.size(); begin += row) {
      uint8_t* p = elements.data() + begin;
      const uint8_t* end = p + std::min(row, elements.size() - begin);
      for (; p + 4 * bytes <= end; p += 4 * bytes) prune_half<t, 4>(p);
      if (end - p == 3 * bytes) prune_half<t, 3>(p);
      if (end - p == 2 * bytes) prune_half<t, 2>(p);
    }
  });
}
}  // namespace gramzip::cpu
