// SPDX-License-Identifier: Apache-2.0
#include "host/model/sparse_model.h"

#include <algorithm>

#include "host/model/fixed_log.h"

namespace gramzip::model {
namespace {
constexpr uint64_t kGapTable = 16 * 8 * kLogUnit;  // a table of gaps as they use to be

// n log2 n in 1/1024 bit.
uint64_t self_log(uint64_t n) { return n == 0 ? 0 : n * fixed_log2(n); }

// Gaps as the entropy of which elements change, and the codes of changes.
uint64_t codes_cost(const Context& c) {
  return self_log(c.elements) - self_log(c.changes) - self_log(c.elements - c.changes) +
         code_cost(c.counts);
}

}  // namespace

delta::Groups make_groups(const ChangeCounts& counts) {
  std::vector<Context> contexts;
  for (uint32_t e = 0; e < counts.symbols.size() / kContextSymbols; ++e) {
    Context c{.first = e};
    std::copy_n(counts.symbols.begin() + size_t{e} * kContextSymbols, kContextSymbols,
                c.counts.begin());
    for (const uint32_t n : c.counts) c.elements += n;
    if (c.elements == 0) continue;
    c.changes = c.elements - c.counts[kUnchanged];
    c.counts[kUnchanged] = 0;
    contexts.push_back(c);
  }
  if (contexts.empty()) contexts.emplace_back();
  contexts.front().first = 0;
  merge_contexts(contexts, delta::kMaxGroups,
                 [](const Context& c) { return codes_cost(c) + kGapTable + table_cost(c.counts); });
  delta::Groups groups{};
  groups.count = static_cast<uint32_t>(contexts.size());
  // Rates in proportion, the highest one 2^16 - 1.
  const auto rate = [](const Context& c) {
    return c.elements == 0 ? 0 : (c.changes << 32) / c.elements;
  };
  uint64_t most = 1;
  for (const Context& c : contexts) most = std::max(most, rate(c));
  for (uint32_t g = 0; g < groups.count; ++g) {
    groups.bound[g] = static_cast<uint16_t>(contexts[g].first);
    groups.rate[g] =
        static_cast<uint16_t>(std::max<uint64_t>(1, rate(contexts[g]) * UINT16_MAX / most));
  }
  return groups;
}

uint64_t estimate_sparse(std::vector<Context> dense,
                         const std::function<uint64_t(uint64_t)>& scaled) {
  std::vector<Context> contexts;
  uint64_t raw = 0;
  for (Context& c : dense) {
    for (uint32_t s = 0; s < kContextSymbols; ++s) {
      c.elements += c.counts[s];
      raw += uint64_t{c.counts[s]} * delta::raw_bits(s);
    }
    if (c.elements == 0) continue;
    c.changes = c.elements - c.counts[0];
    c.counts[0] = 0;
    contexts.push_back(c);
  }
  merge_contexts(contexts, delta::kMaxGroups, [&](const Context& c) {
    return scaled(codes_cost(c)) + kGapTable + table_cost(c.counts);
  });
  return (cost_of_all(contexts) + scaled(raw * kLogUnit)) / (8 * kLogUnit);
}

std::vector<CodeBook> make_sparse_books(std::span<std::vector<uint32_t>> counts) {
  std::vector<CodeBook> books;
  for (size_t t = 0; t < counts.size(); ++t) {
    std::vector<uint32_t>& c = counts[t];
    const bool gaps = t % 2 == 0;
    // A change takes a bit or more, for a lane ends where its bits do.
    size_t used =
        static_cast<size_t>(std::count_if(c.begin(), c.end(), [](uint32_t n) { return n > 0; }));
    for (size_t s = 0; used < (gaps ? 2u : 1u); ++s)
      if (c[s] == 0) {
        c[s] = 1;
        ++used;
      }
    books.push_back(make_code_book(c, delta::kCodeLimit));
  }
  return books;
}
}  // namespace gramzip::model
