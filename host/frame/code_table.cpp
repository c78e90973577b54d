// SPDX-License-Identifier: Apache-2.0
#include "host/frame/code_table.h"

#include "gramzip/core/huffman.h"
#include "host/base/error.h"

namespace gramzip::frame {
uint32_t load_code_table(std::span<const uint8_t> wire, uint32_t symbols, uint32_t code_limit,
                         CodeTable& t, const std::string& where) {
  const uint8_t* p = wire.data();
  const auto corrupt = [&where](const char* what) {
    fail(ErrorCode::corrupt, where + ": " + what);
  };
  if (wire.size() < 4) corrupt("cut short");
  t.first = load_le<uint16_t>(p);
  t.count = load_le<uint16_t>(p + 2);
  const uint32_t bytes = table_wire_bytes(t.count);
  if (uint32_t{t.first} + t.count > symbols) corrupt("symbols outside the alphabet");
  if (wire.size() < bytes) corrupt("cut short");
  t.lengths.resize(t.count);
  uint32_t per_length[kMaxSymbolBits + 1] = {};
  uint32_t used = 0;
  for (uint32_t i = 0; i < t.count; ++i) {
    const uint32_t l = (p[4 + i / 2] >> (4 * (i & 1))) & 15u;
    if (l > code_limit) corrupt("a code is longer than allowed");
    t.lengths[i] = static_cast<uint8_t>(l);
    ++per_length[l];
    used += l > 0 ? 1 : 0;
  }
  const uint32_t nibbles = t.count + (t.count & 1);
  if ((t.count & 1) != 0 && (p[4 + t.count / 2] >> 4) != 0) corrupt("a reserved bit is set");
  if (!all_zero(p + 4 + nibbles / 2, bytes - 4 - nibbles / 2)) corrupt("a reserved byte is set");
  if (t.count == 0 && t.first != 0) corrupt("an empty table names a symbol");
  if (t.count == 1 && used != 0) corrupt("a lone symbol has a code");
  if (t.count >= 2) {
    if (t.lengths.front() == 0 || t.lengths.back() == 0)
      corrupt("the outermost symbol has no code");
    huffman::Canonical c;
    if (!huffman::make_canonical(per_length, code_limit, used, c))
      corrupt("the code lengths make no prefix code (Kraft sum is not 1)");
  }
  return bytes;
}
}  // namespace gramzip::frame
