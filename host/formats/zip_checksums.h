// SPDX-License-Identifier: Apache-2.0
// The CRC-32 of entries of a zip archive whose bytes have changed in place.
#pragma once
#include <array>
#include <cstdint>
#include <functional>
#include <vector>

#include "host/base/io.h"

namespace gramzip::zip {
// Four bytes of a file that are to be others.
struct Patch {
  uint64_t at;
  std::array<uint8_t, 4> bytes;
};
uint32_t crc32(std::span<const uint8_t> bytes, uint32_t before = 0);

// changed: the archive with other bytes in some stored entries; touched(begin, end): whether those
// are such bytes. The places of their checksums, by increasing place, and the new ones: in the
// directory, in the local header, in the data descriptor. Long entries are read by the threads of
// the arena at hand.
std::vector<Patch> changed_checksums(RandomSource& original, RandomSource& changed,
                                     const std::function<bool(uint64_t, uint64_t)>& touched);
}  // namespace gramzip::zip
