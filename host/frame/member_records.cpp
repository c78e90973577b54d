// SPDX-License-Identifier: Apache-2.0
#include "host/frame/member_records.h"

#include <cstdio>
#include <cstring>

#include "gramzip/core/limits.h"
#include "gramzip/core/wire.h"
#include "host/base/error.h"

namespace gramzip::frame {
namespace {
constexpr size_t kFixedBytes = 16;
}

const char* name_fault(std::string_view name) {
  if (name.size() > kMaxNameBytes) return "is longer than 4096 bytes";
  if (name.find('\0') != std::string_view::npos) return "holds a NUL";
  size_t begin = 0;
  while (begin <= name.size()) {
    size_t end = name.find('/', begin);
    if (end == std::string_view::npos) end = name.size();
    const std::string_view part = name.substr(begin, end - begin);
    if (part.empty()) return begin == 0 ? "is absolute" : "has an empty part";
    if (part == "." || part == "..") return "has a part '.' or '..'";
    begin = end + 1;
  }
  return nullptr;
}

std::string printable(std::string_view name) {
  std::string text;
  for (const char c : name.substr(0, 80)) {
    const auto u = static_cast<unsigned char>(c);
    if (u >= 0x20 && u < 0x7f && u != '\\') {
      text += c;
    } else {
      char escape[5];
      std::snprintf(escape, sizeof escape, "\\x%02x", u);
      text += escape;
    }
  }
  return name.size() > 80 ? text + "..." : text;
}

void append_member(std::vector<uint8_t>& meta, const MemberRecord& r) {
  const size_t at = meta.size();
  meta.resize(at + round_up(kFixedBytes + r.name.size(), 8), 0);
  uint8_t* p = meta.data() + at;
  store_le<uint64_t>(p, r.start);
  store_le<uint32_t>(p + 8, r.mode);
  p[12] = r.kind;
  store_le<uint16_t>(p + 14, static_cast<uint16_t>(r.name.size()));
  std::memcpy(p + kFixedBytes, r.name.data(), r.name.size());
}

std::vector<MemberRecord> load_members(std::span<const uint8_t> meta, const std::string& where) {
  std::vector<MemberRecord> records;
  size_t at = 0;
  while (at < meta.size()) {
    const std::string place = where + ", member " + std::to_string(records.size());
    if (meta.size() - at < kFixedBytes) fail(ErrorCode::corrupt, place + ": cut short");
    const uint8_t* p = meta.data() + at;
    MemberRecord r{load_le<uint64_t>(p), load_le<uint32_t>(p + 8), p[12], {}};
    const size_t name_bytes = load_le<uint16_t>(p + 14),
                 end = round_up(kFixedBytes + name_bytes, 8);
    if (meta.size() - at < end) fail(ErrorCode::corrupt, place + ": its name is cut short");
    r.name.assign(reinterpret_cast<const char*>(p + kFixedBytes), name_bytes);
    if (p[13] != 0 || !all_zero(p + kFixedBytes + name_bytes, end - kFixedBytes - name_bytes))
      fail(ErrorCode::corrupt, place + ": a reserved byte is set");
    if (r.mode > 07777) fail(ErrorCode::corrupt, place + ": impossible permission bits");
    if (r.kind > 4)
      fail(ErrorCode::unsupported, place + ": member kind " + std::to_string(r.kind) +
                                       ", which this gramzip does not know; use a newer one");
    if (!r.name.empty())
      if (const char* fault = name_fault(r.name))
        fail(ErrorCode::unsafe_name, place + ": the name '" + printable(r.name) + "' " + fault);
    records.push_back(std::move(r));
    at += end;
  }
  return records;
}
}  // namespace gramzip::frame
