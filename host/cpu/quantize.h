// SPDX-License-Identifier: Apache-2.0
// The loops of quantization over a tensor's elements, at any alignment. The kernels of the same
// names give the same results.
#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "host/model/distribution.h"
#include "host/model/quantizer.h"
#include "host/model/search_tables.h"
#include "host/model/trellis_path.h"

namespace gramzip::cpu {
// Counts of 16-bit elements by their pattern: adds to counts[65536].
void pattern_histogram(std::span<const uint8_t> elements, std::span<uint64_t> counts);

// Bytes of a tensor go in piece by piece, whole elements each. What comes out depends on the tensor
// alone, not on the pieces nor on their order: all sums are of integers. The sums of F64 are those
// of the nearest finite F32.
class DistributionCounter {
 public:
  explicit DistributionCounter(ElementType type);
  ~DistributionCounter();
  void add(std::span<const uint8_t> elements);
  // Counts made elsewhere: of a type of 8 or 16 bits by pattern; of others by the upper 20 bits of
  // nearest_finite_f32, with sums of the low bits and of their squares, and the whole's totals.
  void add_patterns(std::span<const uint64_t> counts);
  void add_bucket(uint32_t bucket, uint64_t count, uint64_t low, uint64_t low_squares);
  void add_totals(uint64_t not_finite, uint64_t least_order, uint64_t most_order);
  // What another counter of the same type has counted, which begins anew.
  void merge(DistributionCounter& other);
  quant::Distribution finish();  // and begins anew

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};
// The same from counts by pattern: 65536 of a 16-bit type, 256 of an 8-bit one.
quant::Distribution distribution_of_patterns(ElementType type, std::span<const uint64_t> counts);

// Least and greatest finite value, if there is one.
std::optional<quant::Range> finite_range(ElementType type, std::span<const uint8_t> elements);
// Least and greatest finite value of each group of `group` elements (the last may be shorter); 0, 0
// if it has none.
std::vector<quant::Range> group_ranges(ElementType type, std::span<const uint8_t> elements,
                                       uint32_t group);

// A quantizer with its tables, made once for all pieces of a tensor; any number of threads may use
// it. The quantizer must outlive it. `first` is the number of a piece's first element in its
// tensor; with a trellis pieces begin at multiples of 256.
class PreparedQuantizer {
 public:
  explicit PreparedQuantizer(const quant::Quantizer& q);
  // The number of the level of each element: levels.count() for elements kept as they are.
  void to_indexes(uint64_t first, std::span<const uint8_t> elements,
                  std::span<uint16_t> indexes) const;
  // Each element by that of its level, in place.
  void quantize(uint64_t first, std::span<uint8_t> elements) const;

  // For other loops over the same tables. By pattern, of types of 8 and 16 bits without scales:
  // empty for others.
  std::span<const uint16_t> pattern_indexes() const { return pattern_indexes_; }
  std::span<const uint16_t> pattern_elements() const { return pattern_elements_; }
  const quant::SearchTables& tables() const { return tables_; }
  // Null without one.
  const quant::TrellisLevels* trellis() const { return trellis_ ? &*trellis_ : nullptr; }

 private:
  template <ElementType type>
  void prepare_patterns();
  // The levels that the search finds, and what a trellis makes of them.
  template <ElementType type>
  void nearest(uint64_t first, std::span<const uint8_t> elements, uint16_t* indexes) const;
  template <ElementType type>
  void walk(uint64_t first, std::span<const uint8_t> elements, uint16_t* indexes) const;

  const quant::Quantizer& q_;
  quant::SearchTables tables_;
  std::vector<uint16_t> pattern_indexes_;   // types of 8 and 16 bits without scales: by pattern
  std::vector<uint16_t> pattern_elements_;  // likewise
  std::vector<uint64_t> elements_;          // without scales: by level
  std::vector<float> levels_;               // with scales: by level
  std::optional<quant::TrellisLevels> trellis_;
};

// As above, for a single piece.
void quantize_to_indexes(const quant::Quantizer& q, uint64_t first,
                         std::span<const uint8_t> elements, std::span<uint16_t> indexes);
void quantize(const quant::Quantizer& q, uint64_t first, std::span<uint8_t> elements);
// Elements of levels by number in place of those in `elements`; others stay.
void dequantize(const quant::Levels& levels, uint64_t first, std::span<const uint16_t> indexes,
                std::span<uint8_t> elements);

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
