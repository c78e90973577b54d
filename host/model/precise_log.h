// SPDX-License-Identifier: Apache-2.0
// log2 in double, the same on every machine: exact operations alone.
#pragma once
#include <bit>
#include <cstdint>

namespace gramzip::model {
inline constexpr double kLog2E = 1.4426950408889634074;  // bits in a nat

// log2(x) of a normal x > 0, at most 3e-11 off. Exact for powers of two. Loops over it vectorize.
// With contraction off (-ffp-contract=off) each operation rounds once.
inline double precise_log2(double x) {
  constexpr uint64_t kRootHalf = 0x3fe6a09e667f3bcd;  // sqrt(1/2)
  constexpr uint64_t kBias = uint64_t{1} << 62;       // keeps the difference above 0
  const auto bits = std::bit_cast<uint64_t>(x);
  const uint64_t above = bits - kRootHalf + kBias;
  // x = m 2^e with m from sqrt(1/2) to sqrt(2).
  const uint64_t exponent = above >> 52;
  const auto e = std::bit_cast<double>(exponent | uint64_t{0x433} << 52) - 0x1p52 - 1024;
  const auto m = std::bit_cast<double>(bits - ((exponent << 52) - kBias));
  // log2(m) = 2 log2(e) artanh(z), |z| < 0.1716
  const double z = (m - 1) / (m + 1), q = z * z;
  const double series =
      1 + q * (1.0 / 3 + q * (1.0 / 5 + q * (1.0 / 7 + q * (1.0 / 9 + q * (1.0 / 11)))));
  return e + 2 * kLog2E * z * series;
}
}  // namespace gramzip::model
