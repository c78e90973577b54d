// SPDX-License-Identifier: Apache-2.0
// The writing side of context streams: which contexts share a table, then the bits. Contexts are
// merged as long as that makes tables and codes together smaller, the best pair first.
#include <algorithm>
#include <limits>

#include "gramzip/core/bitpack.h"
#include "gramzip/core/table_wire.h"
#include "host/frame/context_stream.h"
#include "host/model/code_lengths.h"
#include "host/model/fixed_log.h"

namespace gramzip::frame {
namespace {
using Counts = std::vector<uint32_t>;

// What a group's codes and its table take, in 1/1024 bit.
uint64_t group_cost(const Counts& a, const Counts* b) {
  uint64_t total = 0, sum = 0;
  uint32_t first = 0, last = 0;
  bool any = false;
  for (uint32_t s = 0; s < a.size(); ++s) {
    const uint32_t n = a[s] + (b != nullptr ? (*b)[s] : 0);
    if (n == 0) continue;
    if (!any) first = s;
    any = true;
    last = s;
    total += n;
    sum += uint64_t{n} * model::fixed_log2(n);
  }
  const uint64_t table = table_wire_bytes(any ? last - first + 1 : 0);
  const uint64_t bits = any ? total * model::fixed_log2(total) - sum : 0;
  return bits + table * 8 * model::kLogUnit;
}

struct Grouping {
  std::vector<uint8_t> group_of;  // by context
  std::vector<Counts> counts;     // by group
};

Grouping choose_groups(std::vector<Counts> counts) {
  const auto contexts = static_cast<uint32_t>(counts.size());
  std::vector<uint32_t> leader(contexts);
  std::vector<uint64_t> cost(contexts);
  std::vector<uint32_t> alive;
  // Contexts that do not occur belong to the first group.
  for (uint32_t c = 0; c < contexts; ++c) {
    leader[c] = c;
    if (std::any_of(counts[c].begin(), counts[c].end(), [](uint32_t n) { return n > 0; }))
      alive.push_back(c);
    cost[c] = group_cost(counts[c], nullptr);
  }
  // loss[i][j], i < j: what putting j into i costs; negative: it pays.
  std::vector<int64_t> loss(size_t{contexts} * contexts);
  const auto weigh = [&](uint32_t i, uint32_t j) {
    loss[size_t{i} * contexts + j] = static_cast<int64_t>(group_cost(counts[i], &counts[j])) -
                                     static_cast<int64_t>(cost[i] + cost[j]);
  };
  for (size_t a = 0; a < alive.size(); ++a)
    for (size_t b = a + 1; b < alive.size(); ++b) weigh(alive[a], alive[b]);
  while (alive.size() > 1) {
    int64_t least = std::numeric_limits<int64_t>::max();
    size_t at = 0, with = 0;
    for (size_t a = 0; a < alive.size(); ++a)
      for (size_t b = a + 1; b < alive.size(); ++b)
        if (const int64_t l = loss[size_t{alive[a]} * contexts + alive[b]]; l < least) {
          least = l;
          at = a;
          with = b;
        }
    // A map comes with the second group.
    const int64_t map = alive.size() == 2 ? int64_t{4} * contexts * model::kLogUnit : 0;
    if (alive.size() <= kMaxGroups && least > map) break;
    const uint32_t into = alive[at], gone = alive[with];
    for (uint32_t s = 0; s < counts[into].size(); ++s) counts[into][s] += counts[gone][s];
    cost[into] = group_cost(counts[into], nullptr);
    for (uint32_t& l : leader)
      if (l == gone) l = into;
    alive.erase(alive.begin() + static_cast<ptrdiff_t>(with));
    for (const uint32_t other : alive)
      if (other != into) weigh(std::min(into, other), std::max(into, other));
  }
  if (alive.empty()) alive.push_back(0);
  Grouping g;
  g.group_of.assign(contexts, 0);
  for (uint32_t k = 0; k < alive.size(); ++k) {
    for (uint32_t c = 0; c < contexts; ++c)
      if (leader[c] == alive[k]) g.group_of[c] = static_cast<uint8_t>(k);
    g.counts.push_back(std::move(counts[alive[k]]));
  }
  return g;
}

// Fields into a bit string.
class BitWriter {
 public:
  explicit BitWriter(std::vector<uint8_t>& out) : out_(out) {}
  void put(uint32_t v, uint32_t bits) {
    pending_ |= uint64_t{v} << fill_;
    fill_ += bits;
    total_ += bits;
    for (; fill_ >= 8; fill_ -= 8, pending_ >>= 8) out_.push_back(static_cast<uint8_t>(pending_));
  }
  uint32_t finish() {
    if (fill_ > 0) out_.push_back(static_cast<uint8_t>(pending_));
    return total_;
  }

 private:
  std::vector<uint8_t>& out_;
  uint64_t pending_ = 0;
  uint32_t fill_ = 0, total_ = 0;
};
}  // namespace

BodyWriter::BodyWriter(std::span<const StreamShape> shapes)
    : shapes_(shapes.begin(), shapes.end()) {}

void BodyWriter::value(uint32_t stream, uint32_t context, uint32_t symbol) {
  fields_.push_back({symbol, static_cast<uint16_t>(context), static_cast<uint8_t>(stream)});
}
void BodyWriter::raw(uint32_t bits, uint32_t v) {
  if (bits > 0) fields_.push_back({v, static_cast<uint16_t>(bits), kRaw});
}

uint32_t BodyWriter::finish(std::vector<uint8_t>& streams, std::vector<uint8_t>& body) {
  std::vector<Grouping> groups(shapes_.size());
  std::vector<std::vector<CodeBook>> books(shapes_.size());
  for (uint32_t x = 0; x < shapes_.size(); ++x) {
    const uint32_t symbols = 1u << shapes_[x].symbol_bits, contexts = shapes_[x].contexts;
    std::vector<Counts> counts(contexts, Counts(symbols, 0));
    for (const Field& f : fields_)
      if (f.stream == x) ++counts[f.context][f.value];
    Grouping& g = groups[x] = choose_groups(std::move(counts));
    streams.insert(streams.end(), {static_cast<uint8_t>(g.counts.size()), 0, 0, 0});
    if (g.counts.size() > 1) {
      const size_t at = streams.size();
      streams.resize(at + round_up((contexts + 1) / 2, 4), 0);
      for (uint32_t c = 0; c < contexts; ++c) or_bits(streams.data() + at, 4 * c, 4, g.group_of[c]);
    }
    for (const Counts& c : g.counts) {
      const CodeBook& book = books[x].emplace_back(make_code_book(c, kStreamCodeLimit));
      const size_t at = streams.size();
      streams.resize(at + table_wire_bytes(symbols));
      streams.resize(at + store_table(book.lengths.data(), symbols, book.used, book.lone,
                                      streams.data() + at));
    }
  }
  BitWriter bits(body);
  for (const Field& f : fields_) {
    if (f.stream == kRaw) {
      bits.put(f.value, f.context);
      continue;
    }
    const uint32_t code = books[f.stream][groups[f.stream].group_of[f.context]].codes[f.value];
    bits.put(huffman::code_bits(code), huffman::code_length(code));
  }
  return bits.finish();
}
}  // namespace gramzip::frame
