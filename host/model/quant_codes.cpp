// SPDX-License-Identifier: Apache-2.0
#include "host/model/quant_codes.h"

#include <algorithm>

#include "gramzip/core/table_wire.h"

namespace gramzip::quant {
namespace {
// A quantizer that no run of its class enters has a code of no bits: each table must code
// something.
CodeBook make_book(std::span<const uint32_t> counts) {
  CodeBook book = make_code_book(counts, kFloatCodeLimit);
  if (book.used > 0) return book;
  std::vector<uint32_t> lone(counts.size(), 0);
  lone[0] = 1;
  return make_code_book(lone, kFloatCodeLimit);
}

SegmentCodes make_codes(std::span<const uint32_t> counts, uint32_t alphabet, uint32_t quantizers,
                        uint32_t runs) {
  SegmentCodes codes;
  std::vector<uint8_t> wire(table_wire_bytes(alphabet));
  const size_t of_class = size_t{alphabet} * quantizers;
  for (size_t c = 0; c * of_class < counts.size(); ++c) {
    const auto all = counts.subspan(c * of_class, of_class);
    // A class that no run takes has no tables.
    if (std::all_of(all.begin(), all.end(), [](uint32_t n) { return n == 0; })) continue;
    codes.number[c] = static_cast<uint8_t>(codes.classes++);
    for (uint32_t q = 0; q < quantizers; ++q) {
      const auto own = all.subspan(size_t{q} * alphabet, alphabet);
      CodeBook book = make_book(own);
      for (uint32_t s = 0; s < alphabet; ++s) codes.bits += uint64_t{own[s]} * book.lengths[s];
      codes.bits +=
          8 * store_table(book.lengths.data(), alphabet, book.used, book.lone, wire.data());
      codes.books.push_back(std::move(book));
    }
  }
  codes.bits += uint64_t{runs} * ceil_log2(codes.classes);
  return codes;
}
}  // namespace

LevelRange used_levels(std::span<const uint32_t> counts, bool trellis) {
  LevelRange r{0, static_cast<uint32_t>(counts.size())};
  while (r.end - r.begin > 2 && counts[r.end - 1] == 0) --r.end;
  while (r.end - r.begin > 2 && counts[r.begin] == 0) ++r.begin;
  if (trellis) r = {r.begin & ~3u, r.end + (r.end & 1u)};
  return r;
}

SegmentCodes choose_codes(std::span<const uint32_t> counts, uint32_t alphabet, uint32_t quantizers,
                          uint32_t runs) {
  std::vector<uint32_t> all(size_t{alphabet} * quantizers, 0);
  for (size_t i = 0; i < counts.size(); ++i) all[i % all.size()] += counts[i];
  SegmentCodes one = make_codes(all, alphabet, quantizers, runs);
  if (counts.size() == all.size()) return one;
  SegmentCodes several = make_codes(counts, alphabet, quantizers, runs);
  return several.bits < one.bits ? several : one;
}

void store_codes(std::span<const CodeBook> books, std::vector<uint8_t>& out) {
  for (const CodeBook& book : books) {
    const auto alphabet = static_cast<uint32_t>(book.lengths.size());
    const size_t at = out.size();
    out.resize(at + table_wire_bytes(alphabet));
    out.resize(at +
               store_table(book.lengths.data(), alphabet, book.used, book.lone, out.data() + at));
  }
}
}  // namespace gramzip::quant
