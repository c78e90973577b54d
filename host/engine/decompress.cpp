// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <deque>

#include "host/engine/buffer_pool.h"
#include "host/engine/decode_blocks.h"
#include "host/engine/engine.h"
#include "host/engine/model_slots.h"
#include "host/engine/pipeline.h"
#include "host/frame/member_records.h"
#include "host/frame/stream_reader.h"

namespace gramzip {
namespace {
using frame::Section;
using frame::SectionType;

struct Item {
  bool archive_begin = false;
  Section section;  // else
  std::string where;
  std::span<uint8_t> content;  // of a segment, in `buffer` or where the sink wants it
  std::vector<uint8_t> buffer;
  frame::SegmentMeta meta;
  std::shared_ptr<ModelSlot> model;            // of a model section
  std::shared_ptr<const ModelSlots> in_reach;  // of a segment
};

// Hands content to the members, in order, and checks what sections say of each other.
class Assembler {
  // Content is hashed and handed on in pieces that stay in the cache between the two.
  static constexpr uint64_t kPiece = 128u << 10;

 public:
  Assembler(frame::StreamReader& reader, MemberSink& out, const DecompressOptions& options)
      : reader_(reader), out_(out), options_(options) {}

  void take(Item& item) {
    if (item.archive_begin) return begin_archive();
    const frame::SectionHeader& h = item.section.header;
    if (h.content_offset != content_)
      fail(ErrorCode::corrupt,
           item.where + ": the content before it is " + std::to_string(content_) + " bytes");
    if (h.type == SectionType::index) return end_archive(item.section);
    log_.sections.push_back({item.section.offset, h.section_bytes(), h.content_offset,
                             item.content.size(), h.header_hash, h.type});
    if (h.type == SectionType::members) return announce(item);
    if (h.type == SectionType::model) {
      ++summary_.models;
      return;
    }
    if (item.meta.header.codec == Codec::ngram) ++summary_.ngram_segments;
    ++summary_.segments;
    for (const BlockRecord& r : item.meta.records) ++summary_.blocks[static_cast<size_t>(r.mode)];
    give(item.content, item.where);
    if (options_.progress) options_.progress(summary_.content_bytes);
  }

  uint64_t content_bytes() const { return summary_.content_bytes; }

  ArchiveSummary finish() {
    summary_.archive_bytes = reader_.total_bytes();
    return summary_;
  }

 private:
  void begin_archive() {
    log_ = {};
    content_ = 0;
    archives_members_ = 0;
    last_start_ = 0;
  }

  void announce(Item& item) {
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
  void begin_due() {
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

  void end_member() {
    if (!in_member_) return;
    member_.size = content_ - member_.start;
    member_.hash = member_hash_.digest();
    log_.members.back() = {member_.start, member_.size, member_.hash};
    in_member_ = false;
    ++summary_.members;
    out_.end(member_);
  }

  void give(std::span<const uint8_t> bytes, const std::string& where) {
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

  void end_archive(const Section& index) {
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
}  // namespace

ArchiveSummary decompress(Source& archive, MemberSink& out, const DecompressOptions& options) {
  std::unique_ptr<Backend> own;
  if (options.backend == nullptr) own = make_cpu_backend();
  Backend& backend = options.backend != nullptr ? *options.backend : *own;

  frame::StreamReader reader(archive);
  Assembler assembler(reader, out, options);
  BufferPool bodies, contents;
  // Index and trailer are read by the consumer, when all before them has been decoded; so
  // production stops at an index and the next archive starts a run of its own.
  while (reader.next_archive()) {
    Item begin;
    begin.archive_begin = true;
    assembler.take(begin);
    bool at_index = false;
    uint64_t end = assembler.content_bytes();  // of the segments read
    auto in_reach = std::make_shared<const ModelSlots>();
    run_pipeline<Item>(
        options.threads,
        [&]() -> std::unique_ptr<Item> {
          if (at_index) return nullptr;
          auto item = std::make_unique<Item>();
          item->section = reader.next_section(bodies.take());
          item->where = frame::place_of(item->section.header, item->section.offset);
          const SectionType type = item->section.header.type;
          at_index = type == SectionType::index;
          if (type == SectionType::model) {
            item->model = std::make_shared<ModelSlot>(item->section.parts.meta, item->where);
            ModelSlots slots = *in_reach;
            slots.push_back(item->model);
            if (slots.size() > frame::kModelsInReach) slots.erase(slots.begin());
            in_reach = std::make_shared<const ModelSlots>(std::move(slots));
          }
          item->in_reach = in_reach;
          if (type == SectionType::segment) {
            // Places go by what segments claim, one behind the other, so they never overlap.
            // A claim beyond the format's limit is refused when its turn comes.
            const uint64_t n = frame::claimed_bytes(item->section.parts.meta);
            if (n > kMaxSegmentBytes) return item;
            if (end + n <= options.max_output) item->content = out.place(end, n);
            end += n;
          }
          return item;
        },
        [&](Item& item) {
          // Its errors are its own, also where no segment uses it.
          if (item.model) item.model->get();
          if (item.section.header.type != SectionType::segment) return;
          const frame::SectionBody& parts = item.section.parts;
          item.meta = frame::load_segment_meta(parts.meta, parts.data.size(), item.where);
          frame::check_block_padding(item.meta, parts.data, item.where);
          const ModelPtr model =
              find_model(item.meta, *item.in_reach, reader.features(), options.models, item.where);
          if (item.content.empty()) {
            item.buffer = contents.take();
            item.buffer.resize(item.meta.header.decoded_bytes);
            item.content = item.buffer;
          }
          decode_blocks(backend, item.meta.view(parts.data, model.get()), 0,
                        item.meta.header.blocks, item.content, item.where);
        },
        [&](Item& item) {
          assembler.take(item);
          bodies.give(std::move(item.section.body));
          if (!item.buffer.empty()) contents.give(std::move(item.buffer));
        });
  }
  return assembler.finish();
}
}  // namespace gramzip
