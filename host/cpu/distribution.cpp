// SPDX-License-Identifier: Apache-2.0
// Types of 8 and 16 bits are counted by pattern. The values of a bucket of others are
// base + u l, where u is the last place of an F32 and l a number of 12 bits, so that sums of l and
// l^2, which are exact in integers, give those of the values.
#include <algorithm>
#include <array>
#include <bit>

#include "gramzip/core/float_values.h"
#include "gramzip/core/wire.h"
#include "host/base/error.h"
#include "host/cpu/quantize.h"

namespace gramzip::cpu {
using quant::Bucket;
using quant::Distribution;

namespace {
constexpr uint32_t kPages = 512;
using F32 = FloatValues<ElementType::f32>;

struct Counts {
  uint64_t count = 0, low = 0, low_squares = 0;
};
// The buckets of a sign and exponent, which exist when a weight has them.
constexpr uint32_t kBuckets = 1u << (F32::kMantissaBits - kBucketLowBits);
using Page = std::array<Counts, kBuckets>;

// `bits` are of the least magnitude in the bucket.
Bucket bucket_of(uint32_t bits, const Counts& c) {
  const double base = F32::to_double(bits);
  const double u = F32::to_double(bits + 1) - base;  // 0 upwards by sign
  const auto n = static_cast<double>(c.count), low = static_cast<double>(c.low);
  Bucket b;
  b.count = c.count;
  b.sum = base * n + u * low;
  b.sum_of_squares =
      base * base * n + 2 * base * u * low + u * u * static_cast<double>(c.low_squares);
  return b;
}

void sum_up(Distribution& d) {
  for (const Bucket& b : d.buckets) {
    d.count += b.count;
    d.sum += b.sum;
    d.sum_of_squares += b.sum_of_squares;
  }
}

// Equal values are one bucket: -0 and +0.
void add_pattern(Distribution& d, double value, uint64_t count) {
  const auto n = static_cast<double>(count);
  if (!d.buckets.empty() && value == 0 && d.buckets.back().sum == 0) {
    d.buckets.back().count += count;
    return;
  }
  Bucket b;
  b.count = count;
  b.sum = value * n + 0.0;
  b.sum_of_squares = value * value * n;
  d.buckets.push_back(b);
}

template <ElementType type>
Distribution of_patterns(std::span<const uint64_t> counts) {
  using V = FloatValues<type>;
  Distribution d;
  d.type = type;
  double least = 0, most = 0;
  for (size_t o = 0; o < counts.size(); ++o) {
    const auto x = V::from_order(static_cast<typename V::Bits>(o));
    if (counts[x] == 0) continue;
    if (!V::finite(x)) {
      d.not_finite += counts[x];
      continue;
    }
    most = V::to_double(x);
    if (d.buckets.empty()) least = most;
    add_pattern(d, most, counts[x]);
  }
  d.least = least + 0.0;
  d.most = most + 0.0;
  sum_up(d);
  return d;
}
}  // namespace

Distribution distribution_of_patterns(ElementType type, std::span<const uint64_t> counts) {
  Distribution d;
  with_float_type(type, [&]<ElementType t>() {
    if constexpr (FloatValues<t>::kBytes <= 2) d = of_patterns<t>(counts);
  });
  return d;
}

struct DistributionCounter::Impl {
  ElementType type;
  std::vector<uint64_t> patterns;                        // 8 and 16 bits
  std::array<std::unique_ptr<Page>, kPages> pages = {};  // others: by sign and exponent of the F32
  uint64_t not_finite = 0;
  uint64_t least = ~uint64_t{0}, most = 0;  // others: by FloatValues::order

  explicit Impl(ElementType t) : type(t) {
    const uint32_t bytes = element_info(t).bytes;
    if (bytes <= 2) patterns.assign(size_t{1} << (8 * bytes), 0);
  }
  Counts& bucket(uint32_t number) {
    std::unique_ptr<Page>& page = pages[number / kBuckets];
    if (!page) page = std::make_unique<Page>();
    return (*page)[number % kBuckets];
  }
  template <ElementType t>
  void add(std::span<const uint8_t> elements);
  template <ElementType t>
  Distribution finish() const;
};

template <ElementType t>
void DistributionCounter::Impl::add(std::span<const uint8_t> elements) {
  using V = FloatValues<t>;
  using Bits = typename V::Bits;
  if constexpr (V::kBytes == 1) {
    for (const uint8_t x : elements) ++patterns[x];
  } else if constexpr (V::kBytes == 2) {
    pattern_histogram(elements, patterns);
  } else {
    Bits lo = static_cast<Bits>(least), hi = static_cast<Bits>(most);
    const uint8_t *p = elements.data(), *end = p + elements.size() / V::kBytes * V::kBytes;
    for (; p < end; p += V::kBytes) {
      const auto x = load_le<Bits>(p);
      if (!V::finite(x)) {
        ++not_finite;
        continue;
      }
      const Bits o = V::order(x);
      lo = std::min(lo, o);
      hi = std::max(hi, o);
      const uint32_t f = nearest_finite_f32<t>(x);
      Counts& c = bucket(f >> kBucketLowBits);
      const uint64_t low = f & ((1u << kBucketLowBits) - 1);
      ++c.count;
      c.low += low;
      c.low_squares += low * low;
    }
    least = lo;
    most = hi;
  }
}

template <ElementType t>
Distribution DistributionCounter::Impl::finish() const {
  using V = FloatValues<t>;
  if constexpr (V::kBytes <= 2) {
    return of_patterns<t>(patterns);
  } else {
    Distribution d;
    d.type = t;
    d.not_finite = not_finite;
    const auto add_bucket = [&](uint32_t page, uint32_t i, const Counts& c) {
      if (c.count != 0)
        d.buckets.push_back(bucket_of(page << F32::kMantissaBits | i << kBucketLowBits, c));
    };
    Counts zeros;  // -0 goes to the bucket of +0
    for (uint32_t s = kPages; s-- > kPages / 2;)
      if (pages[s])
        for (uint32_t i = kBuckets; i-- > 0;) {
          const Counts& c = (*pages[s])[i];
          if (s == kPages / 2 && i == 0 && c.low == 0)
            zeros = c;
          else
            add_bucket(s, i, c);
        }
    if (zeros.count != 0 && !pages[0]) add_bucket(0, 0, zeros);
    for (uint32_t s = 0; s < kPages / 2; ++s)
      if (pages[s])
        for (uint32_t i = 0; i < kBuckets; ++i) {
          Counts c = (*pages[s])[i];
          if (s == 0 && i == 0) c.count += zeros.count;
          add_bucket(s, i, c);
        }
    if (!d.buckets.empty()) {
      const auto lo = V::from_order(static_cast<typename V::Bits>(least)),
                 hi = V::from_order(static_cast<typename V::Bits>(most));
      d.least = V::to_double(lo) + 0.0;
      d.most = V::to_double(hi) + 0.0;
    }
    sum_up(d);
    return d;
  }
}

DistributionCounter::DistributionCounter(ElementType type) : impl_(std::make_unique<Impl>(type)) {
  if (!is_float(type)) fail(ErrorCode::internal, "only floats have a distribution");
}
DistributionCounter::~DistributionCounter() = default;

void DistributionCounter::add(std::span<const uint8_t> elements) {
  with_float_type(impl_->type, [&]<ElementType t>() { impl_->add<t>(elements); });
}

void DistributionCounter::add_patterns(std::span<const uint64_t> counts) {
  for (size_t x = 0; x < counts.size(); ++x) impl_->patterns[x] += counts[x];
}
void DistributionCounter::add_bucket(uint32_t bucket, uint64_t count, uint64_t low,
                                     uint64_t low_squares) {
  Counts& c = impl_->bucket(bucket);
  c.count += count;
  c.low += low;
  c.low_squares += low_squares;
}
void DistributionCounter::add_totals(uint64_t not_finite, uint64_t least_order,
                                     uint64_t most_order) {
  impl_->not_finite += not_finite;
  impl_->least = std::min(impl_->least, least_order);
  impl_->most = std::max(impl_->most, most_order);
}

void DistributionCounter::merge(DistributionCounter& other) {
  Impl &a = *impl_, &b = *other.impl_;
  for (size_t x = 0; x < a.patterns.size(); ++x) a.patterns[x] += b.patterns[x];
  for (size_t s = 0; s < a.pages.size(); ++s) {
    if (!a.pages[s]) {
      a.pages[s] = std::move(b.pages[s]);
    } else if (b.pages[s]) {
      for (size_t i = 0; i < kBuckets; ++i) {
        Counts& to = (*a.pages[s])[i];
        const Counts& from = (*b.pages[s])[i];
        to.count += from.count;
        to.low += from.low;
        to.low_squares += from.low_squares;
      }
    }
  }
  a.not_finite += b.not_finite;
  a.least = std::min(a.least, b.least);
  a.most = std::max(a.most, b.most);
  other.impl_ = std::make_unique<Impl>(a.type);
}

Distribution DistributionCounter::finish() {
  Distribution d;
  with_float_type(impl_->type, [&]<ElementType t>() { d = impl_->finish<t>(); });
  impl_ = std::make_unique<Impl>(impl_->type);
  return d;
}
}  // namespace gramzip::cpu
