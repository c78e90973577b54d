// SPDX-License-Identifier: Apache-2.0
#include "host/frame/writer.h"

#include "host/base/error.h"
#include "host/frame/segment_meta.h"

namespace gramzip::frame {
ArchiveWriter::ArchiveWriter(Sink& out, const ArchiveHeader& header) : out_(out) {
  uint8_t bytes[kArchiveHeaderBytes];
  store_archive_header(bytes, header);
  put(bytes);
}

void ArchiveWriter::put(std::span<const uint8_t> bytes) {
  out_.write(bytes);
  offset_ += bytes.size();
}

void ArchiveWriter::pad(uint64_t align) {
  static constexpr uint8_t zeros[kSectionAlign] = {};
  put({zeros, round_up(offset_, align) - offset_});
}

void ArchiveWriter::section(SectionType type, std::span<const uint8_t> meta,
                            std::span<const uint8_t> data, uint64_t content_bytes) {
  SectionHeader h{};
  h.type = type;
  h.ordinal = index_.sections.size();
  h.meta_bytes = meta.size();
  h.data_bytes = data.size();
  h.content_offset = content_;
  h.meta_hash = hash64(meta);
  uint8_t header[kSectionHeaderBytes];
  store_section_header(header, h);
  const uint64_t at = offset_;
  put(header);
  put(meta);
  pad(kBlockAlign);
  put(data);
  pad(kSectionAlign);
  index_.sections.push_back({at, offset_ - at, content_, content_bytes, h.header_hash, type});
  content_ += content_bytes;
}

void ArchiveWriter::members(std::span<const MemberRecord> records) {
  std::vector<uint8_t> meta;
  for (const MemberRecord& r : records) {
    const size_t before = meta.size();
    append_member(meta, r);
    if (meta.size() <= kMaxMembersMeta) continue;
    const std::vector<uint8_t> last(meta.begin() + static_cast<ptrdiff_t>(before), meta.end());
    meta.resize(before);
    section(SectionType::members, meta, {}, 0);
    meta = last;
  }
  if (!meta.empty()) section(SectionType::members, meta, {}, 0);
}

void ArchiveWriter::segment(const EncodedSegment& s) {
  section(SectionType::segment, store_segment_meta(s), s.data, s.header.decoded_bytes);
  ++segments_;
}

void ArchiveWriter::note(std::string_view text) {
  if (text.empty() || text.size() > kMaxNoteBytes)
    fail(ErrorCode::invalid_argument,
         "a note of " + std::to_string(text.size()) + " bytes: 1 to 16 MiB fit");
  section(SectionType::note, {reinterpret_cast<const uint8_t*>(text.data()), text.size()}, {}, 0);
}

void ArchiveWriter::finish(std::vector<MemberEntry> members, const Hash128& content_hash) {
  index_.members = std::move(members);
  const std::vector<uint8_t> meta = store_index(index_);
  Trailer t{};
  t.index_offset = offset_;
  t.content_bytes = content_;
  t.content_hash = content_hash;
  t.index_hash = hash128(meta);
  section(SectionType::index, meta, {}, 0);
  t.archive_bytes = offset_ + kTrailerBytes;
  uint8_t trailer[kTrailerBytes];
  store_trailer(trailer, t);
  put(trailer);
}
}  // namespace gramzip::frame
