// SPDX-License-Identifier: Apache-2.0
// Reads archives front to back, a section at a time, checking framing, order and hashes as it goes.
#pragma once
#include <string>
#include <vector>

#include "host/base/io.h"
#include "host/frame/index.h"
#include "host/frame/segment_meta.h"

namespace gramzip::frame {
// "segment 12 (archive offset 4096, content offset 12582912)"
std::string place_of(const SectionHeader& h, uint64_t offset);

// Meta, data and padding of a section whose header is h, from `bytes` = the section after its
// header. Throws Error(corrupt). Moves nothing: the spans point into `bytes`.
struct SectionBody {
  std::span<const uint8_t> meta, data;
};
SectionBody split_section(const SectionHeader& h, std::span<const uint8_t> body,
                          const std::string& where);
// The zero bytes behind each block of a segment's data.
void check_block_padding(const SegmentMeta& m, std::span<const uint8_t> data,
                         const std::string& where);

// A section read whole. Moves, but does not copy: `parts` points into `body`, or into the source's
// memory.
struct Section {
  Section() = default;
  Section(Section&&) = default;
  Section& operator=(Section&&) = default;
  SectionHeader header{};
  uint64_t offset = 0;  // in its archive
  std::vector<uint8_t> body;
  SectionBody parts;
};

class StreamReader {
 public:
  explicit StreamReader(Source& in) : in_(in) {}
  // Starts the next archive of the stream. False at the end of the stream, if one archive has been
  // read.
  bool next_archive();
  // The next members, model or segment section, or the index section (after which the trailer
  // follows). body: memory to use for the section's, with any bytes.
  Section next_section(std::vector<uint8_t> body = {});
  // After the index section: what it must be is given, the trailer follows and is compared too.
  void finish(const Section& index, const Index& expected, uint64_t content_bytes,
              const Hash128& hash);
  const ArchiveHeader& header() const { return header_; }  // of the archive at hand
  uint64_t archive_bytes() const { return offset_; }
  uint64_t total_bytes() const { return total_; }

 private:
  void read_exactly(uint8_t* p, size_t n, const std::string& what);

  Source& in_;
  uint64_t offset_ = 0;  // in the archive
  uint64_t total_ = 0;   // in the stream
  uint64_t ordinal_ = 0;
  uint64_t archives_ = 0;
  ArchiveHeader header_;
};
}  // namespace gramzip::frame
