// SPDX-License-Identifier: Apache-2.0
// Logarithms and powers that are the same on every machine: products and square roots of doubles
// alone, which IEEE-754 rounds one way.
#pragma once
#include <cmath>

namespace gramzip {
// A scale of slopes that grows like 2^x: exact at whole x, straight between.
inline double slope_at(double x) {
  const double whole = std::floor(x);
  return std::ldexp(1 + (x - whole), static_cast<int>(whole));
}
// Its inverse; slope > 0.
inline double slope_place(double slope) {
  int exponent = 0;
  const double m = std::frexp(slope, &exponent);
  return exponent - 1 + (2 * m - 1);
}
// 10^y, to some 1e-12; |y| below 300.
inline double power_of_ten(double y) {
  if (y < 0) return 1 / power_of_ten(-y);
  double p = 1, root = 10;
  const double whole = std::floor(y);
  for (double i = 0; i < whole; ++i) p *= 10;
  double rest = y - whole;
  for (int bit = 0; bit < 48 && rest > 0; ++bit) {
    root = std::sqrt(root);
    rest *= 2;
    if (rest >= 1) p *= root, rest -= 1;
  }
  return p;
}
// 10 log10(x), to some 1e-8; x > 0 and finite.
inline double fixed_decibels(double x) {
  int exponent = 0;
  double m = 2 * std::frexp(x, &exponent), log2 = 0, unit = 1;  // m: 1 to below 2
  for (int bit = 0; bit < 32; ++bit) {
    m *= m, unit /= 2;
    if (m >= 2) m /= 2, log2 += unit;
  }
  return (exponent - 1 + log2) * 3.0102999566398120;
}
}  // namespace gramzip
