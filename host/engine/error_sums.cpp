// SPDX-License-Identifier: Apache-2.0
// The loops of ErrorSums. Sums of a chunk are gathered in 8 stripes, element i in stripe i mod 8,
// so that the compiler may make vectors of them; stripes, chunks and pieces are added in order.
#include <algorithm>
#include <bit>

#include "host/base/error.h"
#include "host/cpu/float_values.h"
#include "host/engine/error_report.h"

namespace gramzip {
namespace {
// Errors by sign, exponent and top bits of the mantissa. Exponents beyond these are clamped: they
// hold all differences of 32-bit floats.
constexpr uint32_t kSizeBits = 4, kLeastExponent = 1023 - 160, kMostExponent = 1023 + 130;
constexpr uint32_t kSizes = (kMostExponent - kLeastExponent + 1) << kSizeBits;  // of one sign
constexpr uint32_t kLeastCode = kLeastExponent << kSizeBits;

// 0: the error is 0; else 1 + its size, above kSizes for negative ones.
uint32_t size_code(double error) {
  const uint64_t bits = std::bit_cast<uint64_t>(error);
  const auto code = static_cast<uint32_t>((bits & ~(uint64_t{1} << 63)) >> (52 - kSizeBits));
  const uint32_t size = std::min(std::max(code, kLeastCode) - kLeastCode, kSizes - 1);
  return bits << 1 == 0 ? 0 : 1 + size + (bits >> 63 ? kSizes : 0);
}
// Where the errors of a size begin.
double size_begin(uint32_t size) {
  return std::bit_cast<double>(uint64_t{kLeastCode + size} << (52 - kSizeBits));
}

bool finite(double x) { return x - x == 0; }
}  // namespace

void ErrorSums::Sums::add(const Sums& s) {
  signal += s.signal;
  noise += s.noise;
  abs_error += s.abs_error;
  error += s.error;
}

ErrorSums::ErrorSums() : sizes_(1 + 2 * kSizes) {}

void ErrorSums::add(std::span<const uint8_t> original, std::span<const uint8_t> other,
                    ElementType type) {
  const size_t bytes = element_info(type).bytes;
  if (original.size() != other.size() || original.size() % bytes != 0)
    fail(ErrorCode::invalid_argument, "tensors of different sizes cannot be compared");
  add(original.data(), type, other.data(), type, original.size() / bytes);
}

void ErrorSums::add(const uint8_t* original, ElementType original_type, const uint8_t* other,
                    ElementType other_type, size_t n) {
  double a[kChunk], b[kChunk];
  const size_t a_bytes = element_info(original_type).bytes;
  const size_t b_bytes = element_info(other_type).bytes;
  while (n > 0) {
    const size_t k = std::min(n, kChunk - in_chunk_);
    cpu::to_doubles(original_type, original, k, a);
    cpu::to_doubles(other_type, other, k, b);
    add_chunk(a, b, k);
    original += k * a_bytes;
    other += k * b_bytes;
    n -= k;
  }
}

void ErrorSums::add(std::span<const double> original, std::span<const double> other) {
  if (original.size() != other.size())
    fail(ErrorCode::invalid_argument, "tensors of different sizes cannot be compared");
  for (size_t done = 0; done < original.size();) {
    const size_t k = std::min(original.size() - done, kChunk - in_chunk_);
    add_chunk(original.data() + done, other.data() + done, k);
    done += k;
  }
}

// n elements that fit in the chunk at hand.
void ErrorSums::add_chunk(const double* a, const double* b, size_t n) {
  double errors[kChunk];
  uint32_t differing = 0, odd = 0, zeros_a = 0, zeros_b = 0;
  Stripes s = stripes_;
  const auto element = [&](size_t i, size_t stripe) {
    const bool usual = finite(a[i]) & finite(b[i]);
    const double w = usual ? a[i] : 0.0, d = usual ? b[i] - a[i] : 0.0, size = d < 0 ? -d : d;
    errors[i] = d;
    s.signal[stripe] += w * w;
    s.noise[stripe] += d * d;
    s.abs_error[stripe] += size;
    s.error[stripe] += d;
    s.max_error[stripe] = s.max_error[stripe] < size ? size : s.max_error[stripe];
  };
  size_t i = 0;
  for (; i < n && (in_chunk_ + i) % kStripes != 0; ++i) element(i, (in_chunk_ + i) % kStripes);
  for (; i + kStripes <= n; i += kStripes)
    for (size_t stripe = 0; stripe < kStripes; ++stripe) element(i + stripe, stripe);
  for (; i < n; ++i) element(i, (in_chunk_ + i) % kStripes);
  stripes_ = s;
  for (size_t k = 0; k < n; ++k) {
    differing += a[k] != b[k];
    odd += !(finite(a[k]) & finite(b[k]));
    zeros_a += a[k] == 0;
    zeros_b += b[k] == 0;
  }
  uint32_t usual = static_cast<uint32_t>(n) - odd;
  for (size_t k = 0; k < n && odd > 0; ++k) {
    if (finite(a[k]) && finite(b[k])) continue;
    --odd;
    const bool both_nan = a[k] != a[k] && b[k] != b[k];
    differing -= both_nan;
    ++(both_nan || a[k] == b[k] ? nonfinite_equal_ : nonfinite_differ_);
    errors[k] = std::numeric_limits<double>::quiet_NaN();
  }
  count_errors(errors, n, usual == n);
  elements_ += n;
  differing_ += differing;
  zeros_original_ += zeros_a;
  zeros_other_ += zeros_b;
  in_chunk_ += n;
  if (in_chunk_ == kChunk) {
    piece_.add(chunk_sums());
    for (const double m : stripes_.max_error) max_error_ = max_error_ < m ? m : max_error_;
    stripes_ = Stripes();
    in_chunk_ = 0;
  }
  if (elements_ % kPieceElements == 0) {
    pieces_.push_back(piece_);
    piece_ = Sums();
  }
}

void ErrorSums::count_errors(const double* errors, size_t n, bool all_finite) {
  uint64_t* counts = sizes_.data();
  if (all_finite) {
    for (size_t i = 0; i < n; ++i) ++counts[size_code(errors[i])];
    return;
  }
  for (size_t i = 0; i < n; ++i)
    if (finite(errors[i])) ++counts[size_code(errors[i])];
}

ErrorSums::Sums ErrorSums::chunk_sums() const {
  Sums s;
  for (size_t i = 0; i < kStripes; ++i)
    s.add({stripes_.signal[i], stripes_.noise[i], stripes_.abs_error[i], stripes_.error[i]});
  return s;
}

void ErrorSums::merge(const ErrorSums& next) {
  if (elements_ % kPieceElements != 0)
    fail(ErrorCode::internal, "error sums are merged within a piece");
  pieces_.insert(pieces_.end(), next.pieces_.begin(), next.pieces_.end());
  piece_ = next.piece_;
  stripes_ = next.stripes_;
  in_chunk_ = next.in_chunk_;
  elements_ += next.elements_;
  differing_ += next.differing_;
  nonfinite_equal_ += next.nonfinite_equal_;
  nonfinite_differ_ += next.nonfinite_differ_;
  zeros_original_ += next.zeros_original_;
  zeros_other_ += next.zeros_other_;
  max_error_ = std::max(max_error_, next.max_error_);
  for (size_t i = 0; i < sizes_.size(); ++i) sizes_[i] += next.sizes_[i];
}

ErrorFigures ErrorSums::figures() const {
  ErrorFigures f;
  f.elements = elements_;
  f.differing = differing_;
  f.nonfinite_equal = nonfinite_equal_;
  f.nonfinite_differ = nonfinite_differ_;
  f.zeros_original = zeros_original_;
  f.zeros_other = zeros_other_;
  Sums all;
  for (const Sums& s : pieces_) all.add(s);
  Sums last = piece_;
  last.add(chunk_sums());
  all.add(last);
  f.signal = all.signal, f.noise = all.noise;
  f.sum_abs_error = all.abs_error, f.sum_error = all.error;
  f.max_error = max_error_;
  for (const double m : stripes_.max_error) f.max_error = std::max(f.max_error, m);
  fill_histogram(f);
  return f;
}

// Cuts bins from the sizes; a size that lies in several is taken as spread evenly over them.
void ErrorSums::fill_histogram(ErrorFigures& f) const {
  constexpr auto kBins = static_cast<double>(ErrorFigures::kBins);
  const double rms = f.rms_error();
  if (!(rms > 0) || !finite(rms)) return;
  std::array<double, ErrorFigures::kBins> bins{};
  const double unit = rms / 8;
  const auto add = [&](double from, double to, double count) {
    // In bins, clamped to what there is.
    from = std::clamp(from / unit + kBins / 2, 0.0, kBins);
    to = std::clamp(to / unit + kBins / 2, 0.0, kBins);
    const auto first = static_cast<size_t>(std::min(from, kBins - 1));
    const auto last = static_cast<size_t>(std::min(to, kBins - 1));
    if (first == last) {
      bins[first] += count;
      return;
    }
    for (size_t b = first; b <= last; ++b) {
      const double begin = std::max(from, static_cast<double>(b));
      const double end = std::min(to, static_cast<double>(b + 1));
      bins[b] += count * (end - begin) / (to - from);
    }
  };
  add(0, 0, static_cast<double>(sizes_[0]));
  for (uint32_t i = 0; i < kSizes; ++i) {
    const double begin = size_begin(i), end = size_begin(i + 1);
    if (sizes_[1 + i] > 0) add(begin, end, static_cast<double>(sizes_[1 + i]));
    if (sizes_[1 + kSizes + i] > 0) add(-end, -begin, static_cast<double>(sizes_[1 + kSizes + i]));
  }
  for (size_t b = 0; b < bins.size(); ++b) f.histogram[b] = static_cast<uint64_t>(bins[b] + 0.5);
}
}  // namespace gramzip
