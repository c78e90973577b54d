// SPDX-License-Identifier: Apache-2.0
// The loops of ErrorSums. Stripes of a chunk, chunks and pieces are added in order.
#include <algorithm>
#include <bit>
#include <cstring>

#include "host/base/error.h"
#include "host/cpu/float_values.h"
#include "host/engine/error_report.h"

namespace gramzip {
namespace {
// Errors by sign, exponent and top bits of the mantissa. Exponents beyond these are clamped: they
// hold all differences of 32-bit floats.
static_assert(sizeof(double) == 8);
constexpr uint32_t kSizeBits = 4, kLeastExponent = 1023 - 160, kMostExponent = 1023 + 130;
constexpr uint32_t kSizes = (kMostExponent - kLeastExponent + 1) << kSizeBits;  // of one sign
constexpr uint32_t kLeastCode = kLeastExponent << kSizeBits;

// Counters of positive errors, then of negative ones; the first of each counts errors of 0 and
// below 2^-160.
constexpr uint32_t kCounters = 1 + kSizes;
uint32_t counter_of(double error) {
  const auto top = static_cast<uint32_t>(std::bit_cast<uint64_t>(error) >> (52 - kSizeBits));
  const auto code = static_cast<int32_t>(top & 0x7fffu) - static_cast<int32_t>(kLeastCode - 1);
  const int32_t size = std::clamp(code, 0, static_cast<int32_t>(kSizes));
  return static_cast<uint32_t>(size) + (top >> 15) * kCounters;
}
// Where the errors of a size begin.
double size_begin(uint32_t size) {
  return std::bit_cast<double>(uint64_t{kLeastCode + size} << (52 - kSizeBits));
}

bool is_finite(double x) { return x - x == 0; }

struct ChunkCounts {
  uint32_t differing = 0, nonfinite = 0, zeros_original = 0, zeros_other = 0;
};

// Sums of a chunk in 4 stripes, element i in stripe i mod 4, of two vectors: what every 64-bit
// machine has.
using Pair [[gnu::vector_size(16)]] = double;
using Count [[gnu::vector_size(16)]] = int64_t;
constexpr size_t kPairs = 2, kStripes = 2 * kPairs;

double in_order(const Pair (&p)[kPairs]) { return p[0][0] + p[0][1] + p[1][0] + p[1][1]; }
// Comparisons give -1 where they hold.
uint32_t counted(const Count (&c)[kPairs]) {
  return static_cast<uint32_t>(-(c[0][0] + c[0][1] + c[1][0] + c[1][1]));
}

// A chunk's sums, extremes, counts and errors; elements that are not finite in both have error 0.
template <class Sums>
void add_up(const double* __restrict a, const double* __restrict b, size_t n,
            double* __restrict errors, Sums& sums, double& max_error, ChunkCounts& counts) {
  Pair signal[kPairs] = {}, noise[kPairs] = {}, sizes[kPairs] = {}, sum[kPairs] = {};
  Pair most[kPairs] = {};
  Count differing[kPairs] = {}, finite[kPairs] = {}, zeros_a[kPairs] = {}, zeros_b[kPairs] = {};
  constexpr int64_t kMagnitude = std::numeric_limits<int64_t>::max();
  for (size_t i = 0; i < n; i += kStripes) {
    for (size_t p = 0; p < kPairs; ++p) {
      Pair x, y;
      std::memcpy(&x, a + i + 2 * p, sizeof x);
      std::memcpy(&y, b + i + 2 * p, sizeof y);
      const Count usual = x * 0 + y * 0 == 0;  // not if either is infinite or NaN
      const auto w = (Pair)((Count)x & usual), d = (Pair)((Count)(y - x) & usual);
      const auto size = (Pair)((Count)d & kMagnitude);
      std::memcpy(errors + i + 2 * p, &d, sizeof d);
      signal[p] += w * w;
      noise[p] += d * d;
      sizes[p] += size;
      sum[p] += d;
      most[p] = most[p] < size ? size : most[p];
      differing[p] += x != y;
      finite[p] += usual;
      zeros_a[p] += x == 0;
      zeros_b[p] += y == 0;
    }
  }
  sums.add({in_order(signal), in_order(noise), in_order(sizes), in_order(sum)});
  for (const Pair& p : most) max_error = std::max({max_error, p[0], p[1]});
  counts.differing = counted(differing);
  counts.nonfinite = static_cast<uint32_t>(n) - counted(finite);
  counts.zeros_original = counted(zeros_a);
  counts.zeros_other = counted(zeros_b);
}
}  // namespace

void ErrorSums::Sums::add(const Sums& s) {
  signal += s.signal;
  noise += s.noise;
  abs_error += s.abs_error;
  error += s.error;
}

ErrorSums::ErrorSums() : original_(kChunk), other_(kChunk), sizes_(2 * kCounters) {}

void ErrorSums::add(std::span<const uint8_t> original, std::span<const uint8_t> other,
                    ElementType type) {
  const size_t bytes = element_info(type).bytes;
  if (original.size() != other.size() || original.size() % bytes != 0)
    fail(ErrorCode::invalid_argument, "tensors of different sizes cannot be compared");
  add(original.data(), type, other.data(), type, original.size() / bytes);
}

void ErrorSums::add(const uint8_t* original, ElementType original_type, const uint8_t* other,
                    ElementType other_type, size_t n) {
  const size_t a_bytes = element_info(original_type).bytes;
  const size_t b_bytes = element_info(other_type).bytes;
  while (n > 0) {
    const size_t k = std::min(n, kChunk - held_);
    cpu::to_doubles(original_type, original, k, original_.data() + held_);
    cpu::to_doubles(other_type, other, k, other_.data() + held_);
    hold(k);
    original += k * a_bytes;
    other += k * b_bytes;
    n -= k;
  }
}

void ErrorSums::add(std::span<const double> original, std::span<const double> other) {
  if (original.size() != other.size())
    fail(ErrorCode::invalid_argument, "tensors of different sizes cannot be compared");
  for (size_t done = 0; done < original.size();) {
    const size_t k = std::min(original.size() - done, kChunk - held_);
    std::copy_n(original.data() + done, k, original_.data() + held_);
    std::copy_n(other.data() + done, k, other_.data() + held_);
    hold(k);
    done += k;
  }
}

// k more elements are in the chunk at hand.
void ErrorSums::hold(size_t k) {
  held_ += k;
  counts_.elements += k;
  if (held_ == kChunk) close_chunk();
  if (counts_.elements % kPieceElements == 0) {
    pieces_.push_back(piece_);
    piece_ = Sums();
  }
}

// Adds the chunk at hand, whole or not. Elements beyond its end count as two zeros.
void ErrorSums::close_chunk() {
  const size_t n = held_;
  std::fill(original_.begin() + static_cast<ptrdiff_t>(n), original_.end(), 0.0);
  std::fill(other_.begin() + static_cast<ptrdiff_t>(n), other_.end(), 0.0);
  const auto padding = static_cast<uint32_t>(kChunk - n);
  ChunkCounts c;
  double errors[kChunk];
  uint32_t counters[kChunk];
  Sums sums;
  add_up(original_.data(), other_.data(), kChunk, errors, sums, counts_.max_error, c);
  uint32_t left = c.nonfinite;
  for (size_t k = 0; left > 0; ++k) {
    const double a = original_[k], b = other_[k];
    if (is_finite(a) && is_finite(b)) continue;
    --left;
    const bool both_nan = a != a && b != b;
    c.differing -= both_nan;
    ++(both_nan || a == b ? counts_.nonfinite_equal : counts_.nonfinite_differ);
  }
  for (size_t k = 0; k < kChunk; ++k) counters[k] = counter_of(errors[k]);
  for (size_t k = 0; k < kChunk; ++k) ++sizes_[counters[k]];
  sizes_[0] -= padding + c.nonfinite;
  piece_.add(sums);
  counts_.differing += c.differing;
  counts_.zeros_original += c.zeros_original - padding;
  counts_.zeros_other += c.zeros_other - padding;
  held_ = 0;
}

void ErrorSums::merge(const ErrorSums& next) {
  if (counts_.elements % kPieceElements != 0)
    fail(ErrorCode::internal, "error sums are merged within a piece");
  pieces_.insert(pieces_.end(), next.pieces_.begin(), next.pieces_.end());
  piece_ = next.piece_;
  held_ = next.held_;
  std::copy_n(next.original_.begin(), held_, original_.begin());
  std::copy_n(next.other_.begin(), held_, other_.begin());
  counts_.add(next.counts_);
  for (size_t i = 0; i < sizes_.size(); ++i) sizes_[i] += next.sizes_[i];
}

ErrorFigures ErrorSums::figures() const {
  if (held_ > 0) {
    ErrorSums whole = *this;
    whole.close_chunk();
    return whole.figures();
  }
  ErrorFigures f = counts_;
  Sums all;
  for (const Sums& s : pieces_) all.add(s);
  all.add(piece_);
  f.signal = all.signal, f.noise = all.noise;
  f.sum_abs_error = all.abs_error, f.sum_error = all.error;
  fill_histogram(f);
  return f;
}

// Cuts bins from the sizes; a size that lies in several is taken as spread evenly over them.
void ErrorSums::fill_histogram(ErrorFigures& f) const {
  constexpr auto kBins = static_cast<double>(ErrorFigures::kBins);
  const double rms = f.rms_error();
  if (!(rms > 0) || !is_finite(rms)) return;
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
  add(0, 0, static_cast<double>(sizes_[0] + sizes_[kCounters]));
  for (uint32_t i = 0; i < kSizes; ++i) {
    const double begin = size_begin(i), end = size_begin(i + 1);
    const uint64_t above = sizes_[1 + i], below = sizes_[kCounters + 1 + i];
    if (above > 0) add(begin, end, static_cast<double>(above));
    if (below > 0) add(-end, -begin, static_cast<double>(below));
  }
  // Rounded from the first on, so that they add up.
  double sum = 0;
  uint64_t before = 0;
  for (size_t b = 0; b < bins.size(); ++b) {
    sum += bins[b];
    const auto upto = static_cast<uint64_t>(sum + 0.5);
    f.histogram[b] = upto - before;
    before = upto;
  }
}
}  // namespace gramzip
