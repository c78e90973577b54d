// SPDX-License-Identifier: Apache-2.0
#include "host/engine/assembler.h"

#include <algorithm>

namespace gramzip {
namespace {
using frame::Section;
using frame::SectionType;
// Content is hashed and handed on in pieces that stay in the cache between the two.
constexpr uint64_t kPiece = 128u << 10;
}  // namespace

void Assembler::take(DecodeItem& item) {
  if (item.archive_begin) return begin_archive();
  const frame::SectionHeader& h = item.section.header;
  if (h.content_offset != content_)
    fail(ErrorCode::corrupt,
         item.where + ": the content before it is " + std::to_string(content_) + " bytes");
  if (h.type == SectionType::index) return end_archive(item.section);
  log_.sections.push_back({item.section.offset, h.section_bytes(), h.content_offset,
                           item.content.size(), h.header_hash, h.type});
  if (h.type == SectionType::members) return announce(item);
  if (h.type == SectionType::note) return;
  if (h.type == SectionType::model) {
    ++summary_.models;
    return;
  }
  if (item.meta.header.codec == Codec::ngram) ++summary_.ngram_segments;
  if (item.meta.header.codec == Codec::reference) ++summary_.references;
  ++summary_.segments;
  for (const BlockRecord& r : item.meta.records) ++summary_.blocks[static_cast<size_t>(r.mode)];
  give(item.content, item.where);
  if (options_.progress) options_.progress(summary_.content_bytes);
}

ArchiveSummary Assembler::finish() {
  summary_.archive_bytes = reader_.total_bytes();
  return summary_;
}

void Assembler::begin_archive() {
  summary_.lossy = summary_.lossy || reader_.header().has(frame::kFeatureLossy);
  log_ = {};
  content_ = 0;
  archives_members_ = 0;
  last_start_ = 0;
}

void Assembler::announce(DecodeItem& item) {
  for (frame::MemberRecord& r : frame::load_members(item.section.parts.meta, item.where)) {
    if (r.start < content_ || r.start < last_start_ || (archives_members_ == 0 && r.start != 0))
      fail(ErrorCode::corrupt, item.where + ": a member starts where it cannot");
    if (archives_members_ > 0 && (r.name.empty() || nameless_))
      fail(ErrorCode::corrupt, item.where + ": a member without a name is not the only one");
    nameless_ = r.name.empty();
    last_start_ = r.start;
    ++archives_members_;
    announced_.push_back(std::move(r));
  }
}

// Starts announced members whose place is `content_`.
void Assembler::begin_due() {
  while (!announced_.empty() && announced_.front().start == content_) {
    end_member();
    const frame::MemberRecord& r = announced_.front();
    member_ = {r.name, r.mode, static_cast<MemberKind>(r.kind), r.start, 0, {}};
    announced_.pop_front();
    in_member_ = true;
    if (!log_.members.empty() && log_.members.size() == 1) content_hash_ = member_hash_;
    member_hash_.reset();
    log_.members.push_back({content_, 0, {}});
    out_.begin(member_);
  }
}

void Assembler::end_member() {
  if (!in_member_) return;
  member_.size = content_ - member_.start;
  member_.hash = member_hash_.digest();
  log_.members.back() = {member_.start, member_.size, member_.hash};
  in_member_ = false;
  ++summary_.members;
  out_.end(member_);
}

void Assembler::give(std::span<const uint8_t> bytes, const std::string& where) {
  if (bytes.size() > options_.max_output - summary_.content_bytes)
    fail(ErrorCode::limit, where + ": the output would exceed the limit of " +
                               std::to_string(options_.max_output) + " bytes");
  while (!bytes.empty()) {
    begin_due();
    if (!in_member_) fail(ErrorCode::corrupt, where + ": content that belongs to no member");
    uint64_t n = std::min<uint64_t>(bytes.size(), kPiece);
    if (!announced_.empty()) n = std::min(n, announced_.front().start - content_);
    const auto part = bytes.first(n);
    member_hash_.update(part);
    if (log_.members.size() > 1) content_hash_.update(part);
    out_.write(part);
    content_ += n;
    summary_.content_bytes += n;
    bytes = bytes.subspan(n);
  }
}

void Assembler::end_archive(const Section& index) {
  begin_due();
  if (!announced_.empty())
    fail(ErrorCode::corrupt, "members section: a member starts behind the end of the content");
  // The member's end is reported only when index and trailer agree.
  frame::Index expected = log_;
  const Hash128 last = member_hash_.digest();
  if (in_member_) expected.members.back() = {member_.start, content_ - member_.start, last};
  const Hash128 hash = expected.members.size() > 1 ? content_hash_.digest()
                       : expected.members.empty()  ? hash128({})
                                                   : last;
  reader_.finish(index, expected, content_, hash);
  end_member();
  summary_.hash = hash;
}
}  // namespace gramzip
