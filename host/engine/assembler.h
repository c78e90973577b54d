// SPDX-License-Identifier: Apache-2.0
// Hands decoded content to the members, in order, and checks what sections say of each other.
#pragma once
#include <deque>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "host/engine/model_slots.h"
#include "host/frame/member_records.h"
#include "host/frame/stream_reader.h"

namespace gramzip {
// A section on its way through decompress().
struct DecodeItem {
  bool archive_begin = false;
  frame::Section section;  // else
  std::string where;
  std::span<uint8_t> content;  // of a segment, in `buffer` or where the sink wants it
  std::vector<uint8_t> buffer;
  frame::SegmentMeta meta;
  std::shared_ptr<ModelSlot> model;            // of a model section
  std::shared_ptr<const ModelSlots> in_reach;  // of a segment
};

class Assembler {
 public:
  Assembler(frame::StreamReader& reader, MemberSink& out, const DecompressOptions& options)
      : reader_(reader), out_(out), options_(options) {}
  void take(DecodeItem& item);
  uint64_t content_bytes() const { return summary_.content_bytes; }
  ArchiveSummary finish();

 private:
  void begin_archive();
  void announce(DecodeItem& item);
  void begin_due();
  void end_member();
  void give(std::span<const uint8_t> bytes, const std::string& where);
  void end_archive(const frame::Section& index);

  frame::StreamReader& reader_;
  MemberSink& out_;
  const DecompressOptions& options_;
  ArchiveSummary summary_;
  frame::Index log_;
  uint64_t content_ = 0;  // of this archive
  uint64_t archives_members_ = 0, last_start_ = 0;
  bool nameless_ = false, in_member_ = false;
  std::deque<frame::MemberRecord> announced_;
  Member member_;
  Hasher128 member_hash_, content_hash_;
};
}  // namespace gramzip
