// SPDX-License-Identifier: Apache-2.0
// The tables of core/level_search.h for a quantizer.
#pragma once
#include <cstdint>
#include <vector>

#include "gramzip/core/level_search.h"
#include "host/model/quantizer.h"

namespace gramzip::quant {
struct SearchTables {
  // Throws Error if the quantizer's thresholds do not ascend or are not one fewer than its levels.
  explicit SearchTables(const Quantizer& q);

  std::vector<double> thresholds;
  std::vector<uint16_t> first;  // one a cell, and one more
  // With these tables at other addresses: on a device.
  LevelSearch search(const double* thresholds_at, const uint16_t* first_at) const;
  LevelSearch search() const { return search(thresholds.data(), first.data()); }

 private:
  LevelSearch search_{};
};
}  // namespace gramzip::quant
