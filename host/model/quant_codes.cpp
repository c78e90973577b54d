// SPDX-License-Identifier: Apache-2.0
#include "host/model/quant_codes.h"

#include "gramzip/core/table_wire.h"

namespace gramzip::quant {
namespace {
SegmentCodes make_codes(std::span<const uint32_t> counts, uint32_t alphabet, uint32_t runs) {
  SegmentCodes codes;
  std::vector<uint8_t> wire(table_wire_bytes(alphabet));
  for (size_t c = 0; c * alphabet < counts.size(); ++c) {
    const auto of_class = counts.subspan(c * alphabet, alphabet);
    CodeBook book = make_code_book(of_class, kFloatCodeLimit);
    if (book.used == 0) continue;  // a class that no run takes has no table
    codes.number[c] = static_cast<uint8_t>(codes.books.size());
    for (uint32_t s = 0; s < alphabet; ++s) codes.bits += uint64_t{of_class[s]} * book.lengths[s];
    codes.bits += 8 * store_table(book.lengths.data(), alphabet, book.used, book.lone, wire.data());
    codes.books.push_back(std::move(book));
  }
  codes.bits += uint64_t{runs} * ceil_log2(static_cast<uint32_t>(codes.books.size()));
  return codes;
}
}  // namespace

LevelRange used_levels(std::span<const uint32_t> counts) {
  LevelRange r{0, static_cast<uint32_t>(counts.size())};
  while (r.end - r.begin > 2 && counts[r.end - 1] == 0) --r.end;
  while (r.end - r.begin > 2 && counts[r.begin] == 0) ++r.begin;
  return r;
}

SegmentCodes choose_codes(std::span<const uint32_t> counts, uint32_t alphabet, uint32_t runs) {
  std::vector<uint32_t> all(alphabet, 0);
  for (size_t i = 0; i < counts.size(); ++i) all[i % alphabet] += counts[i];
  SegmentCodes one = make_codes(all, alphabet, runs);
  if (counts.size() == alphabet) return one;
  SegmentCodes several = make_codes(counts, alphabet, runs);
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
