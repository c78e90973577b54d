// SPDX-License-Identifier: Apache-2.0
// The class of a run of 256 floats by the mean of its exponents, without training: for encoders
// that decide nothing on the host (docs/device.md).
#pragma once
#include "gramzip/core/elements.h"

namespace gramzip {
inline constexpr uint32_t kKeyClasses = 16;       // of a segment, at most; a power of two
inline constexpr uint32_t kRunsOfAKeyClass = 16;  // of the segment, at least, on average

// How many classes the runs of a segment are sorted into.
GRAMZIP_HD inline uint32_t key_classes(uint32_t runs) {
  const uint32_t classes = runs / kRunsOfAKeyClass;
  return classes < 1 ? 1 : classes < kKeyClasses ? classes : kKeyClasses;
}
// Symbols hold the exponent above so many bits.
GRAMZIP_HD inline uint32_t key_shift(const Split& s, ElementType t) {
  return s.symbol_bits - element_info(t).exponent_bits;
}
// In quarters of an octave. exponents: the sum over the n elements of the run.
GRAMZIP_HD inline uint32_t run_key(uint32_t exponents, uint32_t n) {
  return (4 * exponents + n / 2) / n;
}
// Classes stand around the mean of all runs, a quarter of an octave each; the outermost take what
// is beyond. keys: the sum of the keys of `runs` runs.
GRAMZIP_HD inline uint32_t class_of_key(uint32_t key, uint64_t keys, uint32_t runs,
                                        uint32_t classes) {
  const auto mean = static_cast<int32_t>((keys + runs / 2) / runs);
  const int32_t c = static_cast<int32_t>(key) - mean + static_cast<int32_t>(classes / 2);
  const auto last = static_cast<int32_t>(classes) - 1;
  return static_cast<uint32_t>(c < 0 ? 0 : c < last ? c : last);
}
}  // namespace gramzip
