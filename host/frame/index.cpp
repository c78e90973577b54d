// SPDX-License-Identifier: Apache-2.0
#include "host/frame/index.h"

#include "gramzip/core/wire.h"
#include "host/base/error.h"

namespace gramzip::frame {
namespace {
constexpr size_t kFixedBytes = kIndexFixedBytes;
}

std::vector<uint8_t> store_index(const Index& index) {
  std::vector<uint8_t> meta(kFixedBytes + index.sections.size() * kSectionEntryBytes +
                            index.members.size() * kMemberEntryBytes);
  uint8_t* p = meta.data();
  store_le<uint64_t>(p, index.sections.size());
  store_le<uint64_t>(p + 8, index.members.size());
  p += kFixedBytes;
  for (const SectionEntry& s : index.sections) {
    store_section_entry(p, {s.offset, s.bytes, s.content_offset, s.content_bytes, s.header_hash,
                            static_cast<uint8_t>(s.type)});
    p += kSectionEntryBytes;
  }
  for (const MemberEntry& m : index.members) {
    store_member_entry(p, m.start, m.size, {m.hash.low, m.hash.high});
    p += kMemberEntryBytes;
  }
  return meta;
}

Index load_index(std::span<const uint8_t> meta, uint64_t index_offset, uint64_t content_bytes,
                 const std::string& where) {
  const auto corrupt = [&where](const std::string& what) {
    fail(ErrorCode::corrupt, where + what);
  };
  if (meta.size() < kFixedBytes) corrupt(": cut short");
  const uint64_t sections = load_le<uint64_t>(meta.data()),
                 members = load_le<uint64_t>(meta.data() + 8);
  const uint64_t most = meta.size() / kMemberEntryBytes;
  if (sections > most || members > most ||
      meta.size() != kFixedBytes + sections * kSectionEntryBytes + members * kMemberEntryBytes)
    corrupt(": its size contradicts its counts");

  Index index;
  index.sections.reserve(sections);
  index.members.reserve(members);
  const uint8_t* p = meta.data() + kFixedBytes;
  uint64_t offset = kArchiveHeaderBytes, content = 0;
  for (uint64_t i = 0; i < sections; ++i, p += kSectionEntryBytes) {
    const uint64_t type = load_le<uint64_t>(p + 40);
    const SectionEntry s{load_le<uint64_t>(p),      load_le<uint64_t>(p + 8),
                         load_le<uint64_t>(p + 16), load_le<uint64_t>(p + 24),
                         load_le<uint64_t>(p + 32), static_cast<SectionType>(type)};
    const bool known = type == 1 || type == 2 || type == 4 || type == 6;
    if (!known || s.offset != offset || s.bytes == 0 || s.bytes % kSectionAlign != 0 ||
        s.bytes > index_offset - offset || s.content_offset != content ||
        s.content_bytes > content_bytes - content || (type == 2) != (s.content_bytes > 0) ||
        s.content_bytes > kMaxSegmentBytes)
      corrupt(", section entry " + std::to_string(i) + ": contradicts its neighbours");
    offset += s.bytes;
    content += s.content_bytes;
    index.sections.push_back(s);
  }
  if (offset != index_offset || content != content_bytes)
    corrupt(": its sections do not fill the archive");
  for (uint64_t i = 0; i < members; ++i, p += kMemberEntryBytes) {
    const MemberEntry m{load_le<uint64_t>(p),
                        load_le<uint64_t>(p + 8),
                        {load_le<uint64_t>(p + 16), load_le<uint64_t>(p + 24)}};
    const uint64_t expected = i == 0 ? 0 : index.members.back().start + index.members.back().size;
    if (m.start != expected || m.size > content_bytes - m.start)
      corrupt(", member entry " + std::to_string(i) + ": contradicts its neighbours");
    index.members.push_back(m);
  }
  const uint64_t end = members == 0 ? 0 : index.members.back().start + index.members.back().size;
  if (end != content_bytes) corrupt(": its members do not fill the content");
  return index;
}
}  // namespace gramzip::frame
