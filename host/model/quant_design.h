// SPDX-License-Identifier: Apache-2.0
// Quantizers from a tensor's distribution. All of it is deterministic: + - * / and sqrt in double,
// fixed_log2 (host/model/fixed_log.h) or an exact equivalent for logarithms.
#pragma once
#include <span>

#include "host/model/distribution.h"
#include "host/model/quantizer.h"

namespace gramzip::quant {
// What a quantizer would do to the distribution it was made from; bits are those of an ideal code
// without classes.
struct Estimate {
  double bits = 0;           // of all finite weights: their entropy, and elements kept as they are
  double limited_bits = 0;   // the same with codes of at most 12 bits, as codec 5 has them
  double squared_error = 0;  // sum over all finite weights, levels rounded to the type
  double max_error = 0;      // of wide types an upper bound: buckets are known, weights are not
  double cost(double lambda) const { return squared_error + lambda * limited_bits; }
  bool known = true;  // false for levels with scales: bits are those of a fixed rate, errors are 0
};
struct Design {
  Quantizer quantizer;
  Estimate estimate;
};

// Entropy-coded uniform scalar quantization at a slope: lambda is the squared error that one bit is
// worth (> 0). The step follows from it; thresholds are moved by the code lengths (RDOQ, where it
// pays), levels are at the centroids of their bins, those that no weight needs are left out at both
// ends, far outliers are kept exactly if that is cheaper.
Design design_uniform(const Distribution& d, double lambda);
// The least squared error with at most so many bits (limited_bits), and the fewest bits with at
// most so much squared error. Slopes alone cannot have every number of bits: from one slope to the
// next the number of levels changes, and so do the bits, by up to 0.1 a weight. These two have what
// is in between; if that is asked for which no slope has, the nearest there is.
Design design_for_bits(const Distribution& d, double bits);
Design design_for_error(const Distribution& d, double squared_error);
// A design of the same distribution at about this slope, with the ends of its bins moved by what
// levels really take, which whole bits make uneven. bits: of a weight of each level, or none: those
// of one Huffman code. Where few levels are used that is 0.05 to 0.15 dB more at the same coded
// size, twice is a little better than once. Levels have other numbers then.
Design tune_uniform(const Distribution& d, const Quantizer& q, double lambda,
                    std::span<const double> bits = {});
// What one Huffman code of at most 12 bits spends on all finite weights.
double huffman_bits(const Distribution& d, const Quantizer& q);

// As coarse as |error| <= limit allows for every weight, after rounding to the type.
Design design_max_error(const Distribution& d, double limit);

// Uniform and trellis follow a target: trellis is uniform where that is the better one. Then the
// classic methods.
enum class Method : uint8_t {
  uniform,
  trellis,
  linear,
  mean_constrained,
  sorting,
  nf4,
  fp8,
  ternary
};
inline bool has_target(Method m) { return m == Method::uniform || m == Method::trellis; }
struct MethodOptions {
  Method method = Method::linear;
  uint32_t bits = 4;        // linear, mean_constrained, sorting: 2 to 8 (2^bits levels)
  uint32_t group = 0;       // elements that share a scale; 0: all of the tensor
  bool asymmetric = false;  // linear: with zero points
  ScaleType scale_type = ScaleType::f16;  // with groups; F32 where F16 would overflow
};
// ranges: of the tensor's groups (one if group is 0), for the methods that scale.
Design design_method(const MethodOptions& options, const Distribution& d,
                     std::span<const Range> ranges);
const char* method_name(Method m);
}  // namespace gramzip::quant
