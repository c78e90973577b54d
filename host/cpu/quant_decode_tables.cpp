// SPDX-License-Identifier: Apache-2.0
// What the loops of codec quantized look up, from the tables of a segment.
#include "host/cpu/quant_decode.h"

namespace gramzip::cpu {
namespace {
constexpr uint64_t kMostChunk = 4096;  // numbers whose digits are looked up at once

// What stands for level i: its element, or its number where elements depend on the group.
uint64_t unit_of(const quant::Table& t, uint32_t i) {
  return t.levels.group != 0 ? i : t.levels.element(i, 0);
}
}  // namespace

QuantDecodeTables::QuantDecodeTables(const SegmentView& s)
    : levels(s.quantized),
      unit_bytes(levels->levels.group != 0 ? 2 : element_info(s.header.type).bytes),
      longest(1),
      classes(s.header.tables) {
  switch (static_cast<quant::Coder>(s.header.coder)) {
    case quant::Coder::huffman:
      make_phrases(s);
      break;
    case quant::Coder::horner:
      make_digits();
      break;
    case quant::Coder::trellis:
      make_trellis(s);
      break;
  }
}

void QuantDecodeTables::put(size_t at, uint64_t unit) {
  store_element(units.data(), at, unit_bytes, unit);
}

void QuantDecodeTables::make_digits() {
  const uint32_t n = levels->count();
  chunk = n;
  chunk_digits = 1;
  while (chunk * n <= kMostChunk) chunk *= n, ++chunk_digits;
  longest = chunk_digits;
  units.assign(chunk * chunk_digits * unit_bytes + kUnitPad, 0);
  for (uint64_t v = 0; v < chunk; ++v) {
    uint64_t rest = v;
    for (uint32_t d = 0; d < chunk_digits; ++d, rest /= n)
      put(v * chunk_digits + d, unit_of(*levels, static_cast<uint32_t>(rest % n)));
  }
}

void QuantDecodeTables::make_phrases(const SegmentView& s) {
  const quant::Phrases phrases = quant::make_phrases(levels->count(), levels->expansions);
  longest = phrases.longest;
  units.assign(phrases.levels.size() * unit_bytes + kUnitPad, 0);
  for (size_t k = 0; k < phrases.levels.size(); ++k) put(k, unit_of(*levels, phrases.levels[k]));
  codes = make_decode_tables(s.tables, Codec::quantized);
  std::vector<uint32_t> of_symbol(levels->alphabet());
  for (uint32_t symbol = 0; symbol < of_symbol.size(); ++symbol)
    of_symbol[symbol] = phrases.begin[symbol] << kUnitShift | phrases.length(symbol)
                                                                  << kPhraseShift;
  entries.resize(codes.single.size());
  for (size_t i = 0; i < entries.size(); ++i)
    entries[i] =
        of_symbol[huffman::entry_symbol(codes.single[i])] | huffman::entry_length(codes.single[i]);
}

void QuantDecodeTables::make_trellis(const SegmentView& s) {
  const uint32_t n = levels->count(), escape = n / 2;
  const quant::Trellis trellis = quant::trellis_of(levels->levels.trellis);
  classes = s.header.tables / 2;
  codes = make_decode_tables(s.tables, Codec::quantized);
  // A run may enter either quantizer.
  for (uint32_t c = 0; c < classes; ++c)
    codes.codes_nothing[c] = codes.codes_nothing[2 * c] || codes.codes_nothing[2 * c + 1];
  units.assign(n * unit_bytes + kUnitPad, 0);
  for (uint32_t i = 0; i < n; ++i) put(i, unit_of(*levels, i));
  entries.resize(codes.single.size());
  for (size_t i = 0; i < entries.size(); ++i) {
    const uint32_t q = (i >> kFloatCodeLimit) & 1u;
    const uint32_t symbol = huffman::entry_symbol(codes.single[i]);
    const bool escaped = symbol == escape;
    // State q is 0 but for the lowest bit, so what comes behind it is what is to be added.
    const uint32_t added = trellis.next(q, escaped ? 0 : symbol & 1u), level = 2 * symbol + q;
    uint64_t unit = escaped ? 0 : level;
    if (!escaped && unit_bytes <= 2) unit = load_element(units.data(), level, unit_bytes);
    entries[i] = static_cast<uint32_t>(unit) << kTrellisUnitShift | added << kTrellisStateShift |
                 (escaped ? kTrellisEscape : 0) | huffman::entry_length(codes.single[i]);
  }
}
}  // namespace gramzip::cpu
