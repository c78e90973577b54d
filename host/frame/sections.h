// SPDX-License-Identifier: Apache-2.0
// Archive header, section header and trailer (docs/format.md, 2.1, 2.2, 2.6): bytes to fields and
// back. Loading checks every field and throws Error with the place; `where` starts its message.
#pragma once
#include <array>
#include <cstdint>
#include <string>

#include "gramzip/core/limits.h"
#include "host/base/checksum.h"

namespace gramzip::frame {
inline constexpr uint32_t kArchiveHeaderBytes = 128, kSectionHeaderBytes = 64, kTrailerBytes = 128;
inline constexpr uint16_t kVersion = 1;
// Segments refer to models that the archive does not hold.
inline constexpr uint32_t kFeatureModels = 1u << 2;
// A segment may use one of this many model sections before it, the last ones.
inline constexpr size_t kModelsInReach = 8;

enum class SectionType : uint8_t { members = 1, segment = 2, index = 3, model = 4, tensors = 5 };
const char* section_name(SectionType t);

struct SectionHeader {
  SectionType type;
  uint64_t ordinal;
  uint64_t meta_bytes;
  uint64_t data_bytes;
  uint64_t content_offset;
  uint64_t meta_hash;
  uint64_t header_hash;  // set by store and load

  uint64_t data_at() const { return round_up(kSectionHeaderBytes + meta_bytes, kBlockAlign); }
  uint64_t section_bytes() const { return round_up(data_at() + data_bytes, kSectionAlign); }
};

// What the section of a model of so many bytes takes, framing and padding included.
inline uint64_t model_section_bytes(uint64_t model_bytes) {
  SectionHeader h{};
  h.meta_bytes = model_bytes;
  return h.section_bytes();
}

struct Trailer {
  uint64_t index_offset;
  uint64_t archive_bytes;
  uint64_t content_bytes;
  Hash128 content_hash;
  Hash128 index_hash;
};

// True if the bytes start as an archive does.
bool is_archive_magic(const uint8_t* p, size_t n);

// features: bits of docs/format.md, 2.1. Loading refuses all but kFeatureModels and returns them.
void store_archive_header(uint8_t* p, uint32_t features);
uint32_t load_archive_header(const uint8_t* p, const std::string& where);
void store_section_header(uint8_t* p, SectionHeader& h);
SectionHeader load_section_header(const uint8_t* p, const std::string& where);
void store_trailer(uint8_t* p, const Trailer& t);
Trailer load_trailer(const uint8_t* p, const std::string& where);
}  // namespace gramzip::frame
