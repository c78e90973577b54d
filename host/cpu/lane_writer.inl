// SPDX-License-Identifier: Apache-2.0
// The bit string of one lane. Bits gather in a register of 64; bytes that are full go out by one
// unaligned store, so 56 bits fit between two flushes. Included by the loops of each instruction
// set.
#pragma once
#include "gramzip/core/plan.h"
#include "gramzip/core/wire.h"
#include "host/cpu/encode_tables.h"

namespace gramzip::cpu {
namespace {
// Stores run up to 8 bytes past the lane's bits; the lanes have that room.
struct LaneWriter {
  uint8_t* at = nullptr;
  uint64_t bits = 0;
  uint64_t count = 0;

  void put(Code c) {
    bits |= uint64_t{c.bits} << (count & 63);
    count += c.length;
  }
  // A field of up to 56 bits with nothing above them.
  void put_raw(uint64_t raw, uint32_t raw_bits) {
    bits |= raw << (count & 63);
    count += raw_bits;
  }
  void flush() {
    store_le<uint64_t>(at, bits);
    at += count >> 3;
    bits >>= count & 56;
    count &= 7;
  }
  // Completes the last word with zero bits; returns the lane's words.
  uint32_t finish(const uint8_t* begin) {
    flush();
    store_le<uint64_t>(at, bits);  // at most 7 bits, so zeros to the end of the word
    return words_of_bits(static_cast<uint32_t>(at - begin) * 8 + static_cast<uint32_t>(count));
  }
};
}  // namespace
}  // namespace gramzip::cpu
