// SPDX-License-Identifier: Apache-2.0
// Lays out the decoder's tables: first tables of all codes, in front, then the tables of longer
// codes. A table is indexed by the next bits of a string, the first of them the lowest, so a code's
// place is its bits in reverse.
#include "host/model/machine.h"

#include <algorithm>
#include <array>

namespace gramzip::model {
namespace {
using text::Entry, text::TableRef;
constexpr uint32_t kLongest = text::kGlobalCodeLimit;
static_assert(text::kClassCodeLimit <= kLongest && text::kDistanceCodeLimit <= kLongest);

// Codes of each length. Those of one length are numbers that follow each other, and the longer ones
// are the larger ones at the same alignment.
struct Counts {
  std::array<uint32_t, kLongest + 1> of{};
  uint32_t longest() const {
    uint32_t l = kLongest;
    while (l > 0 && of[l] == 0) --l;
    return l;
  }
};
Counts count(std::span<const uint8_t> lengths) {
  Counts c;
  for (const uint8_t l : lengths) ++c.of[l];
  c.of[0] = 0;
  return c;
}

uint32_t longer_bits(uint32_t longest, uint32_t bits) {
  return std::max(text::kMinTableBits, longest - bits);
}

// Entries of the tables for codes longer than `bits`. From the longest codes down, each length
// reaches as far as the strings of `bits` bits that its first code begins with, those of longer
// codes less.
uint64_t longer_entries(const Counts& c, uint32_t bits) {
  uint64_t total = 0;
  uint32_t begin = 1u << kLongest;  // of the codes from length l on, at kLongest bits
  uint32_t open = 1u << bits;       // the lowest string that has a table
  for (uint32_t l = kLongest; l > bits; --l) {
    begin -= c.of[l] << (kLongest - l);
    const uint32_t lowest = begin >> (kLongest - bits);
    if (c.of[l] == 0 || lowest >= open) continue;
    total += uint64_t{open - lowest} << longer_bits(l, bits);
    open = lowest;
  }
  return total;
}

// Of every code of a model: its classes, the global table, the length classes of distances.
struct AllCounts {
  std::vector<Counts> classes;
  Counts global;
  std::array<Counts, text::kLengthClasses> distances;

  explicit AllCounts(const NgramModel& m)
      : classes(m.codes.size()), global(count(m.global_lengths)) {
    for (size_t c = 0; c < classes.size(); ++c) {
      classes[c] = count(m.codes[c].lengths);
      ++classes[c].of[m.codes[c].escape];
    }
    for (size_t k = 0; k < distances.size(); ++k) distances[k] = count(m.distance_lengths[k]);
  }
  uint64_t entries(uint32_t bits) const {
    uint64_t total = 0;
    const auto add = [&](const Counts& c) { total += (1u << bits) + longer_entries(c, bits); };
    for (const Counts& c : classes) add(c);
    add(global);
    for (uint32_t b = 0; b < text::kLengthBuckets; ++b) add(distances[text::length_class(b)]);
    return total;
  }
};

constexpr std::array<uint8_t, 256> kReversedBytes = [] {
  std::array<uint8_t, 256> r{};
  for (uint32_t i = 0; i < 256; ++i)
    for (uint32_t b = 0; b < 8; ++b) r[i] = static_cast<uint8_t>(r[i] | ((i >> b & 1u) << (7 - b)));
  return r;
}();
uint32_t reverse(uint32_t code, uint32_t length) {
  const uint32_t r = (uint32_t{kReversedBytes[code & 255]} << 16) |
                     (uint32_t{kReversedBytes[(code >> 8) & 255]} << 8) |
                     kReversedBytes[(code >> 16) & 255];
  return r >> (24 - length);
}

class Builder {
 public:
  Builder(std::vector<Entry>& entries, uint32_t bits, uint64_t capacity)
      : entries_(entries), bits_(bits) {
    entries_.resize(capacity);
  }
  // Room for the first table of a code; a code without longer ones has a table as small as it can.
  TableRef reserve(const Counts& c) {
    return take(std::clamp(c.longest(), text::kMinTableBits, bits_));
  }
  // lengths: of symbols in their order. leaf(i): the entry behind the code of symbol i, its total
  // being the raw bits.
  template <class Leaf>
  void fill(TableRef table, const Counts& c, std::span<const uint8_t> lengths, Leaf leaf) {
    // The number of each code by length, and the symbols in canonical order.
    std::array<uint32_t, kLongest + 2> rank{}, first{};
    for (uint32_t l = 1; l <= kLongest; ++l) {
      rank[l + 1] = rank[l] + c.of[l];
      first[l + 1] = (first[l] + c.of[l]) << 1;
    }
    order_.resize(rank[kLongest + 1]);
    std::array<uint32_t, kLongest + 2> at = rank;
    for (uint32_t i = 0; i < lengths.size(); ++i)
      if (lengths[i] != 0) order_[at[lengths[i]]++] = i;
    const uint32_t bits = text::table_bits(table), size = 1u << bits;
    Entry* const to = entries_.data() + text::table_first(table);
    for (uint32_t l = 1; l <= bits; ++l)
      for (uint32_t k = 0; k < c.of[l]; ++k) {
        const Entry e = leaf(order_[rank[l] + k]) + (Entry{l} << 32);
        for (uint32_t i = reverse(first[l] + k, l); i < size; i += 1u << l) to[i] = e;
      }
    // Longer codes, the longest first: the first one to begin with a string gives its table a size.
    for (uint32_t l = kLongest; l > bits; --l)
      for (uint32_t k = c.of[l]; k-- > 0;) {
        const uint32_t index = reverse(first[l] + k, l), rest = l - bits;
        Entry& head = to[index & (size - 1)];
        if (head == 0) head = text::pack_entry(0, bits, 0, false, take(longer_bits(l, bits)));
        const TableRef next = text::entry_next(head);
        const Entry e = leaf(order_[rank[l] + k]) + (Entry{rest} << 32);
        Entry* const longer = entries_.data() + text::table_first(next);
        for (uint32_t i = index >> bits; i < (1u << text::table_bits(next)); i += 1u << rest)
          longer[i] = e;
      }
  }
  void finish() { entries_.resize(used_); }

 private:
  TableRef take(uint32_t bits) {
    const TableRef t = text::table_ref(used_, bits);
    used_ += 1u << bits;
    return t;
  }
  std::vector<Entry>& entries_;
  uint32_t bits_, used_ = 0;
  std::vector<uint32_t> order_;
};

// The strings in the pool, the frequent ones side by side; returns each symbol's record.
std::vector<uint32_t> fill_pool(const NgramModel& m, std::vector<uint8_t>& pool) {
  std::vector<uint32_t> records(m.strings_end());
  pool.resize(text::kByteSymbols);
  for (uint32_t i = 0; i < text::kByteSymbols; ++i) {
    pool[i] = static_cast<uint8_t>(i);
    records[i] = text::string_record(i, 1);
  }
  // A popularity is -log2 of a share, and 0 stands for none: least of all.
  constexpr uint32_t kRanks = 256;
  std::array<uint32_t, kRanks + 1> at{};
  const auto rank = [&](uint32_t s) { return (m.popularity[s] + kRanks - 1) % kRanks; };
  for (uint32_t s = text::kByteSymbols; s < m.strings_end(); ++s) ++at[rank(s) + 1];
  for (uint32_t r = 0; r < kRanks; ++r) at[r + 1] += at[r];
  std::vector<uint32_t> order(m.strings.size());
  for (uint32_t s = text::kByteSymbols; s < m.strings_end(); ++s) order[at[rank(s)]++] = s;
  size_t bytes = pool.size();
  for (const std::string& s : m.strings) bytes += s.size();
  pool.reserve(bytes + kPoolSlack);
  for (const uint32_t s : order) {
    const std::string& string = m.strings[s - text::kByteSymbols];
    records[s] = text::string_record(static_cast<uint32_t>(pool.size()),
                                     static_cast<uint32_t>(string.size()));
    pool.insert(pool.end(), string.begin(), string.end());
  }
  pool.resize(bytes + kPoolSlack);
  return records;
}
}  // namespace

uint64_t machine_entries(const NgramModel& m, uint32_t bits) { return AllCounts(m).entries(bits); }

DecodeMachine make_machine(const NgramModel& m, uint32_t bits) {
  const AllCounts counts(m);
  uint64_t capacity = counts.entries(bits);
  while (capacity > text::kMaxMachineEntries && bits > 8) capacity = counts.entries(--bits);
  DecodeMachine machine;
  Builder builder(machine.entries, bits, capacity);
  std::vector<TableRef> classes(m.codes.size());
  for (size_t c = 0; c < classes.size(); ++c) classes[c] = builder.reserve(counts.classes[c]);
  const TableRef global = builder.reserve(counts.global);
  std::array<TableRef, text::kLengthBuckets> distances;
  for (uint32_t b = 0; b < text::kLengthBuckets; ++b)
    distances[b] = builder.reserve(counts.distances[text::length_class(b)]);
  machine.start = classes[m.class_of[text::kFirstContext]];

  // Behind each symbol's code.
  const uint32_t v = m.strings_end();
  std::vector<Entry> leaves(m.symbols());
  const std::vector<uint32_t> records = fill_pool(m, machine.pool);
  for (uint32_t s = 0; s < v; ++s)
    leaves[s] = text::pack_entry(records[s], 0, 0, true, classes[m.class_of[s]]);
  for (uint32_t kind = 0; kind <= text::kRepeats; ++kind)
    for (uint32_t b = 0; b < text::kLengthBuckets; ++b) {
      const uint32_t s = text::match_symbol(v, kind, b);
      const text::Bucket length = text::bucket(b);
      leaves[s] = text::pack_entry(text::match_record(kind, length.base + text::kMinMatch),
                                   length.raw_bits, length.raw_bits, true,
                                   kind == 0 ? distances[b] : classes[m.class_of[s]]);
    }

  std::vector<uint8_t> lengths;
  for (size_t c = 0; c < classes.size(); ++c) {
    const ClassCode& code = m.codes[c];
    lengths = code.lengths;
    lengths.push_back(code.escape);
    const Entry escape = text::pack_entry(0, 0, 0, false, global);
    builder.fill(classes[c], counts.classes[c], lengths, [&](uint32_t i) {
      return i < code.symbols.size() ? leaves[code.symbols[i]] : escape;
    });
  }
  builder.fill(global, counts.global, m.global_lengths, [&](uint32_t s) { return leaves[s]; });
  for (uint32_t b = 0; b < text::kLengthBuckets; ++b) {
    const uint32_t k = text::length_class(b);
    const TableRef next = classes[m.class_of[text::match_symbol(v, 0, b)]];
    builder.fill(distances[b], counts.distances[k], m.distance_lengths[k], [&](uint32_t d) {
      const text::Bucket distance = text::bucket(d);
      return text::pack_entry(distance.base, distance.raw_bits, distance.raw_bits, true, next);
    });
  }
  builder.finish();
  return machine;
}
}  // namespace gramzip::model
