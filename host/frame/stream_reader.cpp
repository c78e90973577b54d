// SPDX-License-Identifier: Apache-2.0
#include "host/frame/stream_reader.h"

#include <algorithm>

#include "gramzip/core/wire.h"
#include "host/base/error.h"

namespace gramzip::frame {
std::string place_of(const SectionHeader& h, uint64_t offset) {
  return std::string(section_name(h.type)) + " section " + std::to_string(h.ordinal) +
         " (archive offset " + std::to_string(offset) + ", content offset " +
         std::to_string(h.content_offset) + ")";
}

SectionBody split_section(const SectionHeader& h, std::span<const uint8_t> body,
                          const std::string& where) {
  SectionBody b;
  b.meta = body.subspan(0, h.meta_bytes);
  const uint64_t data_at = h.data_at() - kSectionHeaderBytes;
  b.data = body.subspan(data_at, h.data_bytes);
  if (hash64(b.meta) != h.meta_hash)
    fail(ErrorCode::corrupt, where + ": the hash of its meta does not match");
  const uint64_t end = data_at + h.data_bytes;
  if (!all_zero(body.data() + h.meta_bytes, data_at - h.meta_bytes) ||
      !all_zero(body.data() + end, body.size() - end))
    fail(ErrorCode::corrupt, where + ": its padding is not zero");
  return b;
}

void check_block_padding(const SegmentMeta& m, std::span<const uint8_t> data,
                         const std::string& where) {
  for (uint32_t b = 0; b < m.header.blocks; ++b) {
    const uint64_t end = uint64_t{m.offsets[b]} + m.records[b].coded_bytes;
    if (!all_zero(data.data() + end, m.offsets[b + 1] - end))
      fail(ErrorCode::corrupt,
           where + ", block " + std::to_string(b) + ": its padding is not zero");
  }
}

void StreamReader::read_exactly(uint8_t* p, size_t n, const std::string& what) {
  const size_t got = in_.read(p, n);
  offset_ += got;
  total_ += got;
  if (got < n)
    fail(ErrorCode::truncated,
         what + ": the archive ends after " + std::to_string(total_) + " bytes; it is truncated");
}

bool StreamReader::next_archive() {
  uint8_t header[kArchiveHeaderBytes];
  const size_t got = in_.read(header, sizeof header);
  if (got == 0 && archives_ > 0) return false;
  const std::string where =
      archives_ == 0 ? "archive header" : "header of the archive at byte " + std::to_string(total_);
  offset_ = got;
  total_ += got;
  if (got < sizeof header) {
    if (is_archive_magic(header, got))
      fail(ErrorCode::truncated, where + ": the archive ends after " + std::to_string(total_) +
                                     " bytes; it is truncated");
    fail(archives_ == 0 ? ErrorCode::not_an_archive : ErrorCode::corrupt,
         archives_ == 0 ? where + ": not a gramzip archive"
                        : where + ": bytes after the archive that are none");
  }
  if (archives_ > 0 && !is_archive_magic(header, got))
    fail(ErrorCode::corrupt, where + ": bytes after the archive that are none");
  header_ = load_archive_header(header, where);
  ++archives_;
  ordinal_ = 0;
  return true;
}

Section StreamReader::next_section(std::vector<uint8_t> body) {
  Section s;
  s.offset = offset_;
  const std::string where =
      "section " + std::to_string(ordinal_) + " (archive offset " + std::to_string(offset_) + ")";
  uint8_t header[kSectionHeaderBytes];
  read_exactly(header, sizeof header, where);
  s.header = load_section_header(header, where);
  if (s.header.ordinal != ordinal_++)
    fail(ErrorCode::corrupt, where + ": sections are out of order");
  if (s.header.type == SectionType::index) return s;  // finish() reads it in pieces

  s.body = std::move(body);
  const std::string place = place_of(s.header, s.offset);
  const uint64_t size = s.header.section_bytes() - kSectionHeaderBytes;
  std::span<const uint8_t> bytes = in_.view(size);
  if (bytes.empty()) {
    s.body.resize(size);
    read_exactly(s.body.data(), size, place);
    bytes = s.body;
  } else {
    offset_ += size;
    total_ += size;
  }
  s.parts = split_section(s.header, bytes, place);
  return s;
}

void StreamReader::finish(const Section& index, const Index& expected, uint64_t content_bytes,
                          const Hash128& hash) {
  const std::string where = place_of(index.header, index.offset);
  const std::vector<uint8_t> meta = store_index(expected);
  if (index.header.content_offset != content_bytes)
    fail(ErrorCode::corrupt, where + ": its content offset is not the size of the content");
  if (index.header.meta_bytes != meta.size() || index.header.meta_hash != hash64(meta))
    fail(ErrorCode::corrupt, where + ": it does not describe the sections and members before it");
  const uint64_t size = index.header.section_bytes() - kSectionHeaderBytes;
  std::vector<uint8_t> piece(std::min<uint64_t>(size, 1u << 16));
  for (uint64_t at = 0; at < size; at += piece.size()) {
    piece.resize(std::min<uint64_t>(size - at, piece.size()));
    read_exactly(piece.data(), piece.size(), where);
    for (size_t i = 0; i < piece.size(); ++i)
      if (piece[i] != (at + i < meta.size() ? meta[at + i] : 0))
        fail(ErrorCode::corrupt, where + ": byte " + std::to_string(at + i) +
                                     " does not describe the sections and members before it");
  }
  const std::string place = "trailer (archive offset " + std::to_string(offset_) + ")";
  uint8_t bytes[kTrailerBytes];
  read_exactly(bytes, sizeof bytes, place);
  const Trailer t = load_trailer(bytes, place);
  if (t.index_offset != index.offset || t.archive_bytes != offset_ ||
      t.content_bytes != content_bytes || !(t.index_hash == hash128(meta)))
    fail(ErrorCode::corrupt, place + ": it does not describe this archive");
  if (!(t.content_hash == hash))
    fail(ErrorCode::corrupt, place + ": the hash of the content does not match");
}
}  // namespace gramzip::frame
