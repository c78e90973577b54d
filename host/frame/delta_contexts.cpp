// SPDX-License-Identifier: Apache-2.0
#include "host/frame/delta_contexts.h"

#include "gramzip/core/sparse_delta.h"
#include "host/base/error.h"

namespace gramzip::frame {
uint32_t load_contexts(const SegmentHeader& h, std::span<const uint8_t> bytes,
                       std::vector<uint16_t>& contexts, const std::string& where) {
  const auto corrupt = [&where](const char* what) {
    fail(ErrorCode::corrupt, where + ": " + what);
  };
  const uint32_t size = delta::context_bytes(h.tables);
  if (bytes.size() < size) corrupt("its tables are cut short");
  contexts.resize(h.tables);
  for (uint32_t i = 0; i < h.tables; ++i) contexts[i] = load_le<uint16_t>(bytes.data() + 2 * i);
  if (!all_zero(bytes.data() + 2 * h.tables, size - 2 * h.tables))
    corrupt("a reserved byte is set");
  if (h.tables == 0) return size;
  if (h.codec == Codec::delta) {
    if (contexts[0] == 0 || contexts[0] > delta::kMaxClasses)
      corrupt("impossible number of classes");
    if (h.tables == 1 && contexts[0] != 1) corrupt("classes that share one table");
    for (uint32_t t = 1; t < h.tables; ++t)
      if (contexts[t] <= (t == 1 ? 0 : contexts[t - 1]))
        corrupt("the bounds of its tables do not rise");
  } else {
    for (uint32_t g = 0; g < h.tables / 2u; ++g) {
      const uint16_t bound = contexts[2 * g];
      if (g == 0 ? bound != 0 : bound <= contexts[2 * g - 2])
        corrupt("the bounds of its groups do not rise");
      if (contexts[2 * g + 1] == 0) corrupt("a group has the rate 0");
    }
  }
  return size;
}

void check_delta_tables(const SegmentHeader& h, std::span<const CodeTable> tables,
                        const std::string& where) {
  const uint32_t values = delta::bucket_symbols(8 * element_info(h.type).bytes);
  for (size_t t = 0; t < tables.size(); ++t) {
    const bool gaps = h.codec == Codec::sparse_delta && t % 2 == 0;
    const uint32_t least = gaps ? 2 : 1, symbols = gaps ? delta::kGapSymbols : values;
    if (tables[t].count < least || uint32_t{tables[t].first} + tables[t].count > symbols)
      fail(ErrorCode::corrupt,
           where + ", code table " + std::to_string(t) + ": too few symbols, or impossible ones");
  }
}
}  // namespace gramzip::frame
