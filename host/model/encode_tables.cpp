// SPDX-License-Identifier: Apache-2.0
#include "host/model/encode_tables.h"

#include <algorithm>

#include "host/model/code_lengths.h"

namespace gramzip::model {
TextEncodeTables::TextEncodeTables(const NgramModel& m)
    : symbols(m.symbols()),
      strings_end(m.strings_end()),
      global(canonical_codes(m.global_lengths)),
      class_of(m.class_of),
      cost_tables(m) {
  codes.assign(size_t{symbols} * m.codes.size(), 0);
  for (size_t c = 0; c < m.codes.size(); ++c) {
    std::vector<uint8_t> lengths = m.codes[c].lengths;
    lengths.push_back(m.codes[c].escape);  // the highest symbol
    const std::vector<uint32_t> packed = canonical_codes(lengths);
    escapes.push_back(packed.back());
    for (size_t i = 0; i < m.codes[c].symbols.size(); ++i)
      codes[c * symbols + m.codes[c].symbols[i]] = packed[i];
  }
  for (uint32_t k = 0; k < text::kLengthClasses; ++k) {
    const std::vector<uint32_t> packed = canonical_codes(m.distance_lengths[k]);
    std::copy(packed.begin(), packed.end(), distance[k].begin());
  }
}
}  // namespace gramzip::model
