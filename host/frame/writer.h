// SPDX-License-Identifier: Apache-2.0
// Writes one archive front to back: the only code that lays archive bytes. Throws what the sink
// throws.
#pragma once
#include <span>
#include <string_view>
#include <vector>

#include "host/backend/backend.h"
#include "host/base/io.h"
#include "host/frame/index.h"
#include "host/frame/member_records.h"

namespace gramzip::frame {
class ArchiveWriter {
 public:
  // Writes the header.
  explicit ArchiveWriter(Sink& out, const ArchiveHeader& header = {});
  // Before the first segment that holds a byte of them. Names are checked by the caller.
  void members(std::span<const MemberRecord> records);
  // Before the first segment that uses it; later segments may, until eight more have been written.
  void model(std::span<const uint8_t> bytes) { section(SectionType::model, bytes, {}, 0); }
  void segment(const EncodedSegment& s);
  // UTF-8, 1 byte to 16 MiB: describes the archive for its users. Last, before finish().
  void note(std::string_view text);
  // Index and trailer. `members`: one entry a record, in order.
  void finish(std::vector<MemberEntry> members, const Hash128& content_hash);
  uint64_t content_bytes() const { return content_; }
  uint64_t archive_bytes() const { return offset_; }
  uint64_t segments() const { return segments_; }

 private:
  void section(SectionType type, std::span<const uint8_t> meta, std::span<const uint8_t> data,
               uint64_t content_bytes);
  void put(std::span<const uint8_t> bytes);
  void pad(uint64_t align);

  Sink& out_;
  uint64_t offset_ = 0;
  uint64_t content_ = 0;
  uint64_t segments_ = 0;
  Index index_;
};
}  // namespace gramzip::frame
