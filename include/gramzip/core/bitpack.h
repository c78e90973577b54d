// SPDX-License-Identifier: Apache-2.0
// Bit strings (docs/format.md, 1): bit k is bit k mod 8 of byte k div 8; a field's least
// significant bit comes first. As u32 words and as bytes the string is the same.
#pragma once
#include "gramzip/core/wire.h"

namespace gramzip {
// The field of `bits` (0 to 64) bits at bit `at`, reading only bytes that hold a bit of it.
GRAMZIP_HD inline uint64_t load_bits(const uint8_t* p, uint64_t at, uint32_t bits) {
  if (bits == 0) return 0;
  const uint8_t* b = p + (at >> 3);
  const uint32_t shift = static_cast<uint32_t>(at & 7);
  const uint32_t last = (shift + bits - 1) >> 3;  // 0 to 8
  uint64_t v = 0;
  for (uint32_t i = 0; i <= last && i < 8; ++i) v |= static_cast<uint64_t>(b[i]) << (8 * i);
  v >>= shift;
  if (last == 8) v |= static_cast<uint64_t>(b[8]) << (64 - shift);
  return bits == 64 ? v : v & ((uint64_t{1} << bits) - 1);
}

// Ors a field into bytes that were zero.
GRAMZIP_HD inline void or_bits(uint8_t* p, uint64_t at, uint32_t bits, uint64_t v) {
  uint32_t shift = static_cast<uint32_t>(at & 7);
  for (uint8_t* b = p + (at >> 3); bits > 0; ++b) {
    const uint32_t take = bits < 8 - shift ? bits : 8 - shift;
    *b = static_cast<uint8_t>(*b | ((v & ((1u << take) - 1u)) << shift));
    v >>= take;
    bits -= take;
    shift = 0;
  }
}

// A part of a block that begins at byte `at` and has `bits` bits: the bits of its last byte beyond them and
// the bytes from there to `end` are zero.
GRAMZIP_HD inline bool rest_is_zero(const uint8_t* block, uint32_t at, uint64_t bits, uint32_t end) {
  uint32_t from = at + static_cast<uint32_t>(bits / 8);
  if (bits % 8 != 0 && (block[from++] >> (bits % 8)) != 0) return false;
  return all_zero(block + from, end - from);
}

// Eight fields of `bits` (1 to 4) bits, one a byte of v, side by side, and back.
GRAMZIP_HD inline uint64_t pack_bytes(uint64_t v, uint32_t bits) {
  const uint64_t pair = (uint64_t{1} << (2 * bits)) - 1, four = (uint64_t{1} << (4 * bits)) - 1;
  v = (v | (v >> (8 - bits))) & (pair * 0x0001000100010001u);
  v = (v | (v >> (16 - 2 * bits))) & (four * 0x0000000100000001u);
  return (v | (v >> (32 - 4 * bits))) & ((four << (4 * bits)) | four);
}
GRAMZIP_HD inline uint64_t unpack_bytes(uint64_t v, uint32_t bits) {
  const uint64_t one = (uint64_t{1} << bits) - 1, pair = (uint64_t{1} << (2 * bits)) - 1,
                 four = (uint64_t{1} << (4 * bits)) - 1;
  v = (v | (v << (32 - 4 * bits))) & (four * 0x0000000100000001u);
  v = (v | (v << (16 - 2 * bits))) & (pair * 0x0001000100010001u);
  return (v | (v << (8 - bits))) & (one * 0x0101010101010101u);
}

// The low n bits of v in reverse order: codes go into bit strings most significant bit first.
GRAMZIP_HD inline uint32_t reverse_bits(uint32_t v, uint32_t n) {
  uint32_t r = 0;
  for (uint32_t i = 0; i < n; ++i) r |= ((v >> i) & 1u) << (n - 1 - i);
  return r;
}
}  // namespace gramzip
