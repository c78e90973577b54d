// SPDX-License-Identifier: Apache-2.0
#include "host/engine/error_report.h"

namespace gramzip {
namespace {
double share(uint64_t part, uint64_t whole) {
  return whole == 0 ? 0 : static_cast<double>(part) / static_cast<double>(whole);
}
double mean(double sum, uint64_t n) { return n == 0 ? 0 : sum / static_cast<double>(n); }
}  // namespace

double ErrorFigures::sqnr_db() const {
  constexpr double kInfinite = std::numeric_limits<double>::infinity();
  if (nonfinite_differ > 0) return std::numeric_limits<double>::quiet_NaN();
  if (differing == 0) return kInfinite;
  // Squares below or beyond what doubles hold say nothing.
  if (!(noise > 0) || !(noise < kInfinite) || !(signal < kInfinite))
    return std::numeric_limits<double>::quiet_NaN();
  return 10 * std::log10(signal / noise);
}
double ErrorFigures::rms_error() const { return std::sqrt(mean(noise, finite())); }
double ErrorFigures::mean_abs_error() const { return mean(sum_abs_error, finite()); }
double ErrorFigures::mean_error() const { return mean(sum_error, finite()); }
double ErrorFigures::sparsity_original() const { return share(zeros_original, elements); }
double ErrorFigures::sparsity_other() const { return share(zeros_other, elements); }

void ErrorFigures::add(const ErrorFigures& f) {
  elements += f.elements;
  differing += f.differing;
  nonfinite_equal += f.nonfinite_equal;
  nonfinite_differ += f.nonfinite_differ;
  zeros_original += f.zeros_original;
  zeros_other += f.zeros_other;
  signal += f.signal;
  noise += f.noise;
  max_error = f.max_error > max_error ? f.max_error : max_error;
  sum_abs_error += f.sum_abs_error;
  sum_error += f.sum_error;
  for (size_t b = 0; b < kBins; ++b) histogram[b] += f.histogram[b];
}

std::optional<double> TensorError::bits_per_weight() const {
  const uint64_t n = elements > 0 ? elements : figures.elements;
  if (!stored_bytes || n == 0) return std::nullopt;
  return 8 * share(*stored_bytes, n);
}
std::optional<double> TensorError::ratio() const {
  if (!stored_bytes || *stored_bytes == 0) return std::nullopt;
  return share(original_bytes, *stored_bytes);
}

void ErrorReport::add_up() {
  total = TensorError();
  uint64_t stored = 0;
  bool all_known = true;
  for (const TensorError& t : tensors) {
    if (!t.exact) total.figures.add(t.figures);
    total.elements += t.elements > 0 ? t.elements : t.figures.elements;
    total.original_bytes += t.original_bytes;
    stored += t.stored_bytes.value_or(0);
    all_known = all_known && t.stored_bytes.has_value();
    if (t.seconds) total.seconds = total.seconds.value_or(0) + *t.seconds;
  }
  if (all_known && !tensors.empty()) total.stored_bytes = stored;
}

bool ErrorReport::same_tensors() const {
  if (!only_in_original.empty() || !only_in_other.empty() || !not_comparable.empty()) return false;
  for (const TensorError& t : tensors)
    if (t.exact && t.figures.differing > 0) return false;
  return true;
}
}  // namespace gramzip
