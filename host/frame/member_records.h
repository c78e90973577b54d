// SPDX-License-Identifier: Apache-2.0
// Members sections (docs/format.md, 2.3) and the rule for names.
#pragma once
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace gramzip::frame {
struct MemberRecord {
  uint64_t start;
  uint32_t mode;
  uint8_t kind;
  std::string name;
};
// Why a name may not stand in an archive, or null if it may. The empty name is judged elsewhere.
const char* name_fault(std::string_view name);
// Bytes as readable text for an error message: control and non-UTF-8 bytes as \xNN, at most 80.
std::string printable(std::string_view name);

void append_member(std::vector<uint8_t>& meta, const MemberRecord& r);
std::vector<MemberRecord> load_members(std::span<const uint8_t> meta, const std::string& where);
}  // namespace gramzip::frame
