// SPDX-License-Identifier: Apache-2.0
// Which symbol followed which: the statistics that classes and codes are made of.
#pragma once
#include <cstdint>
#include <span>
#include <vector>

namespace gramzip::model {
// Row s: the symbols that followed s, in the order of the text.
struct Bigrams {
  std::vector<uint64_t> row_begin;  // symbols + 1
  std::vector<uint16_t> next;

  uint32_t symbols() const { return static_cast<uint32_t>(row_begin.size()) - 1; }
  uint64_t row_size(uint32_t s) const { return row_begin[s + 1] - row_begin[s]; }
  std::span<const uint16_t> row(uint32_t s) const {
    return {next.data() + row_begin[s], next.data() + row_begin[s + 1]};
  }
};
}  // namespace gramzip::model
