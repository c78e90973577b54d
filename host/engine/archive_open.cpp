// SPDX-License-Identifier: Apache-2.0
// Opens archives for random access: trailers from the end of the file, indexes, names of members.
#include <algorithm>

#include "host/engine/archive_impl.h"
#include "host/frame/member_records.h"
#include "host/frame/stream_reader.h"

namespace gramzip {
using frame::SectionType;

// The section's header, which must be the one that the index names.
frame::SectionHeader ArchiveReader::Impl::section_header(const frame::SectionEntry& e,
                                                         uint64_t archive_at) const {
  const std::string where = std::string(section_name(e.type)) + " section (archive offset " +
                            std::to_string(e.offset) + ")";
  uint8_t bytes[frame::kSectionHeaderBytes];
  read_exactly(*in, archive_at + e.offset, bytes, sizeof bytes, where);
  const frame::SectionHeader h = frame::load_section_header(bytes, where);
  if (h.header_hash != e.header_hash || h.type != e.type || h.section_bytes() != e.bytes ||
      h.content_offset != e.content_offset)
    fail(ErrorCode::corrupt, where + ": it is not the section that the index names");
  return h;
}

void ArchiveReader::Impl::open() {
  // Trailers are found back to front, archives are then listed front to back.
  struct Found {
    uint64_t at;
    frame::Trailer trailer;
    frame::Index index;
    frame::ArchiveHeader header;
  };
  std::vector<Found> found;
  uint64_t end = in->size();
  archive_bytes = end;
  do {
    const std::string where =
        end == in->size() ? "trailer"
                          : "trailer of the archive that ends at byte " + std::to_string(end);
    uint8_t head[frame::kArchiveHeaderBytes];
    if (end < frame::kArchiveHeaderBytes + frame::kTrailerBytes) {
      const size_t got = in->read_at(0, head, sizeof head);
      if (!frame::is_archive_magic(head, got))
        fail(ErrorCode::not_an_archive, "archive header: not a gramzip archive");
      fail(ErrorCode::truncated, where + ": the archive is truncated");
    }
    uint8_t bytes[frame::kTrailerBytes];
    read_exactly(*in, end - sizeof bytes, bytes, sizeof bytes, where);
    Found f;
    try {
      f.trailer = frame::load_trailer(bytes, where);
    } catch (const Error&) {
      // Say the more useful thing: not an archive at all, a newer version, or cut off.
      read_exactly(*in, 0, head, sizeof head, "archive header");
      frame::load_archive_header(head, "archive header");
      fail(ErrorCode::truncated,
           where +
               ": not found or damaged; the archive is truncated, or bytes follow it. "
               "Decompressing front to back reads what is there");
    }
    const frame::Trailer& t = f.trailer;
    if (t.archive_bytes > end || t.archive_bytes < sizeof head + sizeof bytes ||
        t.index_offset > t.archive_bytes - sizeof bytes - frame::kSectionHeaderBytes ||
        t.index_offset < sizeof head)
      fail(ErrorCode::corrupt, where + ": it does not describe this archive");
    f.at = end - t.archive_bytes;
    read_exactly(*in, f.at, head, sizeof head, "archive header");
    f.header = frame::load_archive_header(head, "archive header at byte " + std::to_string(f.at));

    const std::string place =
        "index section (archive offset " + std::to_string(t.index_offset) + ")";
    uint8_t section[frame::kSectionHeaderBytes];
    read_exactly(*in, f.at + t.index_offset, section, sizeof section, place);
    const frame::SectionHeader h = frame::load_section_header(section, place);
    if (h.type != SectionType::index ||
        t.index_offset + h.section_bytes() + sizeof bytes != t.archive_bytes ||
        h.content_offset != t.content_bytes)
      fail(ErrorCode::corrupt, place + ": it does not fit its trailer");
    std::vector<uint8_t> body(h.section_bytes() - sizeof section);  // at most the file's size
    read_exactly(*in, f.at + t.index_offset + sizeof section, body.data(), body.size(), place);
    const auto meta = frame::split_section(h, body, place).meta;
    if (!(hash128(meta) == t.index_hash))
      fail(ErrorCode::corrupt, place + ": its hash is not the trailer's");
    f.index = frame::load_index(meta, t.index_offset, t.content_bytes, place);
    if (h.ordinal != f.index.sections.size())
      fail(ErrorCode::corrupt, place + ": sections are missing");
    end = f.at;
    found.push_back(std::move(f));
  } while (end > 0);
  if (found.size() == 1) hash = found[0].trailer.content_hash;
  for (auto f = found.rbegin(); f != found.rend(); ++f)
    load_archive(f->at, f->trailer.content_bytes, f->index, f->header);
}

void ArchiveReader::Impl::load_archive(uint64_t at, uint64_t content, const frame::Index& index,
                                       const frame::ArchiveHeader& header) {
  size_t member = 0;
  const size_t models_before = models.size(), archive = headers.size();
  headers.push_back(header);
  first_segments.push_back(segments.size());
  for (const frame::SectionEntry& e : index.sections) {
    if (e.type == SectionType::segment) {
      segments.push_back(
          {at + e.offset, e.bytes, content_bytes + e.content_offset, e.content_bytes});
      const size_t before = models.size() - models_before;
      places.push_back(
          {e, at, archive, models.size() - std::min(before, frame::kModelsInReach), models.size()});
      continue;
    }
    if (e.type == SectionType::model) {
      models.push_back({e, at, archive});
      continue;
    }
    if (e.type == SectionType::note) {
      notes.push_back({e, at, archive});
      continue;
    }
    const frame::SectionHeader h = section_header(e, at);
    const std::string where = frame::place_of(h, e.offset);
    std::vector<uint8_t> body(h.section_bytes() - frame::kSectionHeaderBytes);
    read_exactly(*in, at + e.offset + frame::kSectionHeaderBytes, body.data(), body.size(), where);
    for (const frame::MemberRecord& r :
         frame::load_members(frame::split_section(h, body, where).meta, where)) {
      if (member >= index.members.size() || index.members[member].start != r.start)
        fail(ErrorCode::corrupt, where + ": its members are not those of the index");
      const frame::MemberEntry& m = index.members[member++];
      if (r.name.empty() && index.members.size() > 1)
        fail(ErrorCode::corrupt, where + ": a member without a name is not the only one");
      members.push_back({r.name, r.mode, static_cast<MemberKind>(r.kind), content_bytes + m.start,
                         m.size, m.hash});
    }
  }
  if (member != index.members.size())
    fail(ErrorCode::corrupt, "index section: it names members that the archive has not");
  content_bytes += content;
}
}  // namespace gramzip
