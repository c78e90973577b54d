// SPDX-License-Identifier: Apache-2.0
#include "host/engine/splitter.h"

#include <string.h>

#include <algorithm>
#include <cstring>

#include "host/engine/text_policy.h"
#include "host/formats/detect.h"
#include "host/formats/safetensors.h"

namespace gramzip {
namespace {
constexpr size_t kPiece = 1u << 20;  // of plain content: looked at as a whole; a segment of bytes
constexpr size_t kWeightsSegment = 4u << 20;  // tensors
// Of a safetensors file from a pipe, which is read whole before the first byte is coded.
constexpr uint64_t kMostHeldHeader = 16u << 20;

// How much of a run that is not looked at makes a segment: whole records of it.
size_t segment_bytes(const Run& run, int level) {
  if (run.levels) return kQuantizedSegment;
  if (run.type == ElementType::text) return text_policy(level).segment;
  if (run.period > 0) return kWeightsSegment / run.period * run.period;
  return run.type == ElementType::bytes ? kPiece : kWeightsSegment;
}
}  // namespace

Splitter::Splitter(const NextMember& next, const CompressOptions& options)
    : next_(next), options_(options), twins_(options.across_members) {
  if (options.base) base_.emplace(*options.base);
}

uint64_t Splitter::open() {
  opened_ = start_member();
  return options_.across_members ? UINT64_MAX : twins_.reach();
}

size_t Splitter::read(uint8_t* p, size_t n) {
  const size_t held = std::min(n, ahead_.size() - ahead_at_);
  if (held > 0) std::memcpy(p, ahead_.data() + ahead_at_, held);
  ahead_at_ += held;
  if (ahead_at_ == ahead_.size()) {
    ahead_ = std::vector<uint8_t>();  // gives its memory back, which = {} does not
    ahead_at_ = 0;
  }
  return held < n ? held + member_.source->read(p + held, n - held) : held;
}

// The header, if the member begins as a safetensors file does; the file may be cut short behind it.
// What was read from a pipe lies in ahead_.
std::optional<safetensors::Layout> Splitter::read_safetensors() {
  if (member_.random != nullptr) return safetensors::read_header(*member_.random);
  std::vector<uint8_t> head(9);
  head.resize(member_.source->read(head.data(), head.size()));
  const uint64_t size = safetensors::header_size(head);
  const bool begins = size != 0 && head.size() == 9 && head[8] == '{';
  // In steps: a wrong size must not cost memory that the file does not have.
  while (begins && size <= kMostHeldHeader && head.size() < 8 + size) {
    const size_t at = head.size();
    head.resize(std::min<uint64_t>(8 + size, at + (1u << 20)));
    const size_t got = member_.source->read(head.data() + at, head.size() - at);
    if (got == head.size() - at) continue;
    head.resize(at + got);
    break;
  }
  ahead_ = std::move(head);
  if (!begins) return std::nullopt;
  if (size > kMostHeldHeader)
    fail(ErrorCode::corrupt, "safetensors header: more than 16 MiB from a pipe");
  if (ahead_.size() != 8 + size) fail(ErrorCode::corrupt, "safetensors header: cut short");
  return safetensors::parse(std::span<const uint8_t>(ahead_).subspan(8));
}

void Splitter::plan_tensors(const Checkpoint& checkpoint, uint64_t text_header) {
  std::vector<uint32_t> twins;
  // Where the header does not permit references, none is looked for.
  if (member_.random != nullptr && (options_.across_members || done_.size() == 1))
    twins = twins_.look(*member_.random, checkpoint.tensors);
  const auto base_of = [this](const Tensor& t) {
    return base_ ? base_->tensor(member_.name, t) : std::nullopt;
  };
  runs_ = plan_runs(checkpoint, text_header, twins, base_of, base_start_, member_.quantized);
  announced_.back().kind = static_cast<uint8_t>(checkpoint.kind);
}

// Tensors become runs of their own or share one; see plan_runs().
void Splitter::plan_member() {
  if (options_.mode == ContentMode::text || options_.mode == ContentMode::bytes) return;
  const bool wanted = options_.mode == ContentMode::weights;
  try {
    // Safetensors is known from a pipe too, so it is read the same way from a file.
    if (auto layout = read_safetensors()) {
      const Checkpoint c{MemberKind::safetensors, std::move(layout->tensors)};
      return plan_tensors(c, layout->data_begin);
    }
    if (member_.random != nullptr)
      if (const auto c = read_checkpoint(*member_.random)) return plan_tensors(*c, 0);
  } catch (const Error& e) {
    if (wanted || e.code() != ErrorCode::corrupt) throw;
    if (options_.warn)
      options_.warn(std::string("compressed as bytes, since what describes its tensors is bad: ") +
                    e.what());
    return;
  }
  if (wanted)
    fail(ErrorCode::invalid_argument,
         member_.random != nullptr
             ? "not a file of tensors that gramzip knows; compress it with --as bytes"
             : "not a safetensors file, and others are not looked for in a pipe; compress it with "
               "--as bytes");
}

bool Splitter::start_member() {
  if (opened_) {
    opened_ = false;
    return true;
  }
  member_ = {};
  if (!next_(member_)) return false;
  const auto number = done_.size();
  if (number > 0 && (member_.name.empty() || announced_name_empty_))
    fail(ErrorCode::invalid_argument, "a member without a name must be the only one");
  announced_name_empty_ = member_.name.empty();
  if (!member_.name.empty())
    if (const char* fault = frame::name_fault(member_.name))
      fail(ErrorCode::unsafe_name, "the name '" + frame::printable(member_.name) + "' " + fault);
  in_member_ = true;
  announced_.push_back(
      {content_, member_.mode & 07777, static_cast<uint8_t>(MemberKind::plain), member_.name});
  done_.push_back({content_, 0, {}});
  // The first member's hash is the content's as long as it is alone.
  if (number == 1) content_hash_ = member_hash_;
  if (number >= 1) member_hash_.reset();
  base_start_ = base_ ? base_->member(member_.name, number == 0) : std::nullopt;
  run_offset_ = 0;
  if (member_.type) {
    runs_.assign(1, {kToTheEnd, *member_.type, false, 0, 0, base_start_});
  } else {
    runs_.assign(1, {kToTheEnd, ElementType::bytes, true, 0, 0, base_start_});
    plan_member();
  }
  return true;
}

void Splitter::end_member() {
  done_.back().size = content_ - done_.back().start;
  done_.back().hash = member_hash_.digest();
  in_member_ = false;
}

Hash128 Splitter::content_hash() const {
  return done_.size() > 1 ? content_hash_.digest() : member_hash_.digest();
}

ElementType Splitter::plain_type(std::span<const uint8_t> content) const {
  if (options_.mode == ContentMode::text) return ElementType::text;
  if (options_.mode == ContentMode::bytes) return ElementType::bytes;
  return looks_like_text(content) ? ElementType::text : ElementType::bytes;
}

// Reads on from the run at hand, up to `most` bytes in all.
void Splitter::fill(std::vector<uint8_t>& content, Fill& at, size_t most) {
  while (at.bytes < most) {
    if (!in_member_ && !start_member()) break;
    Run& run = runs_.front();
    // Plain members go on in the segment at hand; anything else starts one of its own.
    if (at.bytes > 0 && !(at.plain && run.automatic)) break;
    if (at.bytes == 0) {
      at = {0, run.automatic, run.type, run.period, run.twins, run_offset_, run.base_at,
            run.levels};
    } else if (at.base_at && run.base_at != *at.base_at + at.bytes) {
      at.base_at.reset();  // the base has something else between
    }
    if (!at.plain) most = segment_bytes(run, options_.level);
    const auto want = static_cast<size_t>(std::min<uint64_t>(run.bytes, most - at.bytes));
    if (content.size() < at.bytes + want) content.resize(at.bytes + want);
    const size_t got = read(content.data() + at.bytes, want);
    const std::span<const uint8_t> fresh(content.data() + at.bytes, got);
    at.bytes += got;
    member_hash_.update(fresh);
    if (done_.size() > 1) content_hash_.update(fresh);
    content_ += got;
    if (run.bytes != kToTheEnd) run.bytes -= got;
    if (run.base_at) *run.base_at += got;
    run_offset_ += got;
    if (got < want) {
      end_member();
      // A tensor cut short may end within an element; such a file goes on as bytes.
      if (at.bytes % element_info(at.type).bytes != 0) at.type = ElementType::bytes;
    } else if (run.bytes == 0) {
      runs_.pop_front();
      run_offset_ = 0;
    }
    if (!at.plain && at.bytes > 0) break;
  }
}

// Leaves `bytes` in the segment at hand; the rest is the next one's.
void Splitter::keep(std::vector<uint8_t>& content, Fill& at, size_t bytes) {
  kept_.assign(content.begin() + static_cast<ptrdiff_t>(bytes),
               content.begin() + static_cast<ptrdiff_t>(at.bytes));
  kept_base_at_ = at.base_at;
  if (kept_base_at_) *kept_base_at_ += bytes;
  at.bytes = bytes;
}

// Further pieces join a segment of text as long as they look like text themselves.
void Splitter::grow_text(std::vector<uint8_t>& content, Fill& at) {
  const size_t most = text_policy(options_.level).segment;
  while (at.bytes < most) {
    const size_t before = at.bytes;
    fill(content, at, std::min(most, before + kPiece));
    if (at.bytes == before) return;
    const std::span<const uint8_t> piece(content.data() + before, at.bytes - before);
    if (plain_type(piece) != ElementType::text) return keep(content, at, before);
  }
  if (!options_.lines_aligned) return;
  const uint8_t* const from = content.data() + at.bytes - kMaxBlockBytes;
  if (const void* end = memrchr(from, '\n', kMaxBlockBytes))
    keep(content, at, static_cast<size_t>(static_cast<const uint8_t*>(end) - content.data()) + 1);
}

bool Splitter::next(Chunk& chunk) {
  std::vector<uint8_t>& content = chunk.content;
  Fill at;
  if (!kept_.empty()) {
    content.assign(kept_.begin(), kept_.end());
    at = {kept_.size(), true, ElementType::bytes, 0, 0, 0, kept_base_at_};
    kept_.clear();
  }
  fill(content, at, kPiece);
  if (at.plain) {
    const ElementType type = plain_type({content.data(), at.bytes});
    if (type == ElementType::text) grow_text(content, at);
    at.type = type;
  }
  content.resize(at.bytes);
  chunk.type = at.type;
  chunk.period = at.period;
  chunk.base_at = at.base_at;
  chunk.levels = at.levels;
  chunk.first_element = at.run_offset / element_info(at.type).bytes;
  if (at.base_at && (*at.base_at > base_->bytes() || at.bytes > base_->bytes() - *at.base_at))
    chunk.base_at.reset();
  chunk.twin = at.twins != 0 && at.bytes > 0;
  chunk.earlier.reset();
  if (chunk.twin)
    chunk.earlier = twins_.find(at.twins, at.run_offset, content, content_ - at.bytes);
  chunk.members = std::move(announced_);
  announced_.clear();
  return !chunk.content.empty() || !chunk.members.empty();
}
}  // namespace gramzip
