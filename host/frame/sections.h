// SPDX-License-Identifier: Apache-2.0
// Archive header, section header and trailer (docs/format.md, 2.1, 2.2, 2.6): bytes to fields and
// back. Loading checks every field and throws Error with the place; `where` starts its message.
#pragma once
#include <array>
#include <cstdint>
#include <string>

#include "gramzip/core/archive_wire.h"
#include "gramzip/core/limits.h"
#include "host/base/checksum.h"

namespace gramzip::frame {
using gramzip::kArchiveHeaderBytes, gramzip::kSectionHeaderBytes, gramzip::kTrailerBytes;
inline constexpr uint16_t kVersion = 1;
// Features (docs/format.md, 2.1). The content is not what the writer was given. Segments may be
// coded against a base, may refer to models that the archive does not hold, may stand for earlier
// content.
inline constexpr uint32_t kFeatureLossy = 1u << 0, kFeatureDelta = 1u << 1,
                          kFeatureModels = 1u << 2, kFeatureReferences = 1u << 3;
// A segment may use one of this many model sections before it, the last ones.
inline constexpr size_t kModelsInReach = 8;

inline constexpr uint64_t kMaxNoteBytes = 16u << 20;

enum class SectionType : uint8_t {
  members = 1,
  segment = 2,
  index = 3,
  model = 4,
  tensors = 5,
  note = 6
};
const char* section_name(SectionType t);

struct SectionHeader {
  SectionType type;
  uint64_t ordinal;
  uint64_t meta_bytes;
  uint64_t data_bytes;
  uint64_t content_offset;
  uint64_t meta_hash;
  uint64_t header_hash;  // set by store and load

  uint64_t data_at() const { return section_data_at(meta_bytes); }
  uint64_t section_bytes() const { return gramzip::section_bytes(meta_bytes, data_bytes); }
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

// Names content by its bytes.
struct ContentId {
  uint64_t bytes = 0;
  Hash128 hash;
  bool operator==(const ContentId&) const = default;
};

struct ArchiveHeader {
  uint32_t features = 0;
  uint64_t window = 0;  // kFeatureReferences: how far back they reach, in bytes of content
  ContentId base;       // kFeatureDelta
  bool has(uint32_t feature) const { return (features & feature) != 0; }
};

// True if the bytes start as an archive does.
bool is_archive_magic(const uint8_t* p, size_t n);

// Loading refuses features that this release does not have.
void store_archive_header(uint8_t* p, const ArchiveHeader& h);
ArchiveHeader load_archive_header(const uint8_t* p, const std::string& where);
void store_section_header(uint8_t* p, SectionHeader& h);
SectionHeader load_section_header(const uint8_t* p, const std::string& where);
void store_trailer(uint8_t* p, const Trailer& t);
Trailer load_trailer(const uint8_t* p, const std::string& where);
}  // namespace gramzip::frame
