// SPDX-License-Identifier: Apache-2.0
// The index section (docs/format.md, 2.5).
#pragma once
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "host/frame/sections.h"

namespace gramzip::frame {
struct SectionEntry {
  uint64_t offset;
  uint64_t bytes;
  uint64_t content_offset;
  uint64_t content_bytes;
  uint64_t header_hash;
  SectionType type;
  bool operator==(const SectionEntry&) const = default;
};
struct MemberEntry {
  uint64_t start;
  uint64_t size;
  Hash128 hash;
  bool operator==(const MemberEntry&) const = default;
};
struct Index {
  std::vector<SectionEntry> sections;
  std::vector<MemberEntry> members;
};
std::vector<uint8_t> store_index(const Index& index);
// Checks layout, and that sections tile [128, index_offset) and content [0, content_bytes).
Index load_index(std::span<const uint8_t> meta, uint64_t index_offset, uint64_t content_bytes,
                 const std::string& where);
}  // namespace gramzip::frame
