// SPDX-License-Identifier: Apache-2.0
// How the fields of sections, index and trailer lie (docs/format.md, 2.2 to 2.6), for host/frame
// and for the kernel that frames archives on the device.
#pragma once
#include "gramzip/core/checksum.h"
#include "gramzip/core/format.h"

namespace gramzip {
inline constexpr uint32_t kArchiveHeaderBytes = 128, kSectionHeaderBytes = 64, kTrailerBytes = 128;
inline constexpr uint32_t kIndexFixedBytes = 16, kSectionEntryBytes = 48, kMemberEntryBytes = 32;
inline constexpr uint32_t kSectionMagic = 0x01535a47;          // "GZS\1"
inline constexpr uint64_t kTrailerMagic = 0x0a0d444e455a5247;  // "GRZEND\r\n"

GRAMZIP_HD inline void fill_zeros(uint8_t* p, uint32_t n) {
  for (uint32_t i = 0; i < n; ++i) p[i] = 0;
}

struct SectionFields {
  uint8_t type;
  uint64_t ordinal, meta_bytes, data_bytes, content_offset, meta_hash;
};
GRAMZIP_HD constexpr uint64_t section_data_at(uint64_t meta_bytes) {
  return round_up(kSectionHeaderBytes + meta_bytes, kBlockAlign);
}
GRAMZIP_HD constexpr uint64_t section_bytes(uint64_t meta_bytes, uint64_t data_bytes) {
  return round_up(section_data_at(meta_bytes) + data_bytes, kSectionAlign);
}
// Returns the header's hash.
GRAMZIP_HD inline uint64_t store_section_fields(uint8_t* p, const SectionFields& f) {
  constexpr uint32_t kHashed = kSectionHeaderBytes - 8;
  fill_zeros(p, kSectionHeaderBytes);
  store_le<uint32_t>(p, kSectionMagic);
  p[4] = f.type;
  store_le<uint64_t>(p + 8, f.ordinal);
  store_le<uint64_t>(p + 16, f.meta_bytes);
  store_le<uint64_t>(p + 24, f.data_bytes);
  store_le<uint64_t>(p + 32, f.content_offset);
  store_le<uint64_t>(p + 40, f.meta_hash);
  const uint64_t hash = xxh3::hash_short(p, kHashed);
  store_le<uint64_t>(p + kHashed, hash);
  return hash;
}

struct SectionEntryFields {
  uint64_t offset, bytes, content_offset, content_bytes, header_hash;
  uint8_t type;
};
GRAMZIP_HD inline void store_section_entry(uint8_t* p, const SectionEntryFields& f) {
  store_le<uint64_t>(p, f.offset);
  store_le<uint64_t>(p + 8, f.bytes);
  store_le<uint64_t>(p + 16, f.content_offset);
  store_le<uint64_t>(p + 24, f.content_bytes);
  store_le<uint64_t>(p + 32, f.header_hash);
  store_le<uint64_t>(p + 40, f.type);
}
struct HashFields {
  uint64_t low, high;
};
GRAMZIP_HD inline void store_hash128(uint8_t* p, const HashFields& h) {
  store_le<uint64_t>(p, h.low);
  store_le<uint64_t>(p + 8, h.high);
}
GRAMZIP_HD inline void store_member_entry(uint8_t* p, uint64_t start, uint64_t size,
                                          const HashFields& hash) {
  store_le<uint64_t>(p, start);
  store_le<uint64_t>(p + 8, size);
  store_hash128(p + 16, hash);
}

struct TrailerFields {
  uint64_t index_offset, archive_bytes, content_bytes;
  HashFields content_hash, index_hash;
};
GRAMZIP_HD inline void store_trailer_fields(uint8_t* p, const TrailerFields& f) {
  constexpr uint32_t kHashed = kTrailerBytes - 8;
  fill_zeros(p, kTrailerBytes);
  store_le<uint64_t>(p, kTrailerMagic);
  store_le<uint64_t>(p + 8, f.index_offset);
  store_le<uint64_t>(p + 16, f.archive_bytes);
  store_le<uint64_t>(p + 24, f.content_bytes);
  store_hash128(p + 32, f.content_hash);
  store_hash128(p + 48, f.index_hash);
  store_le<uint64_t>(p + kHashed, xxh3::hash_short(p, kHashed));
}

// p: kSegmentHeaderBytes bytes, zero.
GRAMZIP_HD inline void store_segment_header(uint8_t* p, const SegmentHeader& h) {
  p[0] = static_cast<uint8_t>(h.codec);
  p[1] = h.word_order;
  p[2] = static_cast<uint8_t>(h.type);
  p[3] = h.block_log2;
  p[4] = h.symbol_bits;
  p[5] = h.code_limit;
  p[6] = h.tables;
  p[7] = h.run_log2;
  store_le<uint32_t>(p + 8, h.blocks);
  store_le<uint32_t>(p + 12, h.table_bytes);
  store_le<uint64_t>(p + 16, h.decoded_bytes);
  store_le<uint64_t>(p + 24, h.reference_at);
  store_le<uint64_t>(p + 32, h.model_low);
  store_le<uint64_t>(p + 40, h.model_high);
  store_le<uint16_t>(p + 48, h.period);
  p[50] = h.exact_values;
  p[51] = h.of_base ? 1 : 0;
  p[52] = h.zero_bits;
  p[53] = h.coder;
}
}  // namespace gramzip
