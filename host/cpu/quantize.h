// SPDX-License-Identifier: Apache-2.0
// The loops of quantization over a tensor's elements, at any alignment. The kernels of the same
// names give the same results.
#pragma once
#include <cstdint>
#include <span>
#include <vector>

#include "host/model/distribution.h"
#include "host/model/quantizer.h"

namespace gramzip::cpu {
// Bytes of a tensor go in piece by piece, in order, whole elements each; what comes out depends on
// the tensor alone, not on the pieces.
class DistributionCounter {
 public:
  explicit DistributionCounter(ElementType type);
  ~DistributionCounter();
  void add(std::span<const uint8_t> elements);
  quant::Distribution finish();

 private:
  struct Impl;
  Impl* impl_;
};

// Least and greatest finite value of each group of `group` elements (the last may be shorter); 0, 0
// if it has none.
std::vector<quant::Range> group_ranges(ElementType type, std::span<const uint8_t> elements,
                                       uint32_t group);

// The number of the level of each element: levels.count() for elements kept as they are. `first` is
// the number of the first element in its tensor.
void quantize_to_indexes(const quant::Quantizer& q, uint64_t first,
                         std::span<const uint8_t> elements, std::span<uint16_t> indexes);
// Elements of levels by number in place of those in `elements`; others stay.
void dequantize(const quant::Levels& levels, uint64_t first, std::span<const uint16_t> indexes,
                std::span<uint8_t> elements);
// Both: in place.
void quantize(const quant::Quantizer& q, uint64_t first, std::span<uint8_t> elements);

// For elements that are all levels or kept ones: the lowest number of a level that is the element
// in its group, or levels.count(). What the encoder of codec 5 begins with.
void level_indexes(const quant::Levels& levels, uint64_t first, std::span<const uint8_t> elements,
                   std::span<uint16_t> indexes);

// Moves the roundings nearest to a tie, row by row, until each row's mean of levels is as near to
// that of the weights as one step allows: |difference of means| <= gap of levels / columns. Rows of
// `columns` elements, whole ones; `original` are the weights. Indexes change by one level at most.
void constrain_means(const quant::Quantizer& q, uint64_t first, uint32_t columns,
                     std::span<const uint8_t> original, std::span<uint16_t> indexes);
}  // namespace gramzip::cpu
