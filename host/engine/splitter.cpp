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
constexpr uint64_t kOwnSegment = 1u << 20;  // tensors of this size and more share with no other
constexpr uint64_t kToTheEnd = UINT64_MAX;
}  // namespace

Splitter::Splitter(const NextMember& next, const CompressOptions& options)
    : next_(next), options_(options) {}

size_t Splitter::read(uint8_t* p, size_t n) {
  const size_t held = std::min(n, ahead_.size() - ahead_at_);
  if (held > 0) std::memcpy(p, ahead_.data() + ahead_at_, held);
  ahead_at_ += held;
  if (ahead_at_ == ahead_.size()) {
    ahead_.clear();
    ahead_at_ = 0;
  }
  return held < n ? held + member_.source->read(p + held, n - held) : held;
}

// Looks for a safetensors header. The member's runs are then one for the header, one for each large
// tensor and one for each row of small tensors of a type.
void Splitter::plan_weights(std::vector<uint8_t> first8) {
  const uint64_t size = safetensors::header_size(first8);
  const bool wanted = options_.mode == ContentMode::weights;
  if (size == 0) {
    if (wanted)
      fail(ErrorCode::invalid_argument, "not a safetensors file; compress it with --as bytes");
    ahead_ = std::move(first8);
    return;
  }
  // In steps: a wrong size must not cost memory that the file does not have.
  std::vector<uint8_t> head = std::move(first8);
  while (head.size() < 8 + size) {
    const size_t at = head.size();
    head.resize(std::min<uint64_t>(8 + size, at + (1u << 20)));
    const size_t got = member_.source->read(head.data() + at, head.size() - at);
    if (got < head.size() - at) {
      head.resize(at + got);
      break;
    }
    if (at == 8 && head[8] != '{') break;
  }
  ahead_ = std::move(head);
  safetensors::Layout layout;
  try {
    if (ahead_.size() != 8 + size) fail(ErrorCode::corrupt, "the header is cut short");
    layout = safetensors::parse(std::span<const uint8_t>(ahead_).subspan(8));
  } catch (const Error& e) {
    if (wanted) throw;
    if (options_.warn && ahead_.size() > 8 && ahead_[8] == '{')
      options_.warn(std::string("compressed as bytes, since its safetensors header is bad: ") +
                    e.what());
    return;
  }
  announced_.back().kind = static_cast<uint8_t>(MemberKind::safetensors);
  runs_.clear();
  runs_.push_back({layout.data_begin, ElementType::text, false});
  bool small = false;
  for (const safetensors::Tensor& t : layout.tensors) {
    const uint64_t bytes = t.end - t.begin;
    if (bytes == 0) continue;
    const bool fits = small && bytes < kOwnSegment && runs_.back().type == t.type;
    if (fits) {
      runs_.back().bytes += bytes;
    } else {
      runs_.push_back({bytes, t.type, false});
    }
    small = bytes < kOwnSegment;
  }
  runs_.push_back({kToTheEnd, ElementType::bytes, false});  // what should not be there
}

bool Splitter::start_member() {
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
  runs_.assign(1, {kToTheEnd, ElementType::bytes, true});
  if (options_.mode == ContentMode::automatic || options_.mode == ContentMode::weights) {
    std::vector<uint8_t> first8(8);
    first8.resize(member_.source->read(first8.data(), 8));
    plan_weights(std::move(first8));
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
    at.plain = run.automatic;
    at.type = run.type;
    if (!at.plain)
      most = element_info(run.type).codec == Codec::floats ? kWeightsSegment
             : run.type == ElementType::text               ? text_policy(options_.level).segment
                                                           : kPiece;
    const auto want = static_cast<size_t>(std::min<uint64_t>(run.bytes, most - at.bytes));
    if (content.size() < at.bytes + want) content.resize(at.bytes + want);
    const size_t got = read(content.data() + at.bytes, want);
    const std::span<const uint8_t> fresh(content.data() + at.bytes, got);
    at.bytes += got;
    member_hash_.update(fresh);
    if (done_.size() > 1) content_hash_.update(fresh);
    content_ += got;
    if (run.bytes != kToTheEnd) run.bytes -= got;
    if (got < want) {
      end_member();
      // A tensor cut short may end within an element; such a file goes on as bytes.
      if (at.bytes % element_info(at.type).bytes != 0) at.type = ElementType::bytes;
    } else if (run.bytes == 0) {
      runs_.pop_front();
    }
    if (!at.plain && at.bytes > 0) break;
  }
}

// Leaves `bytes` in the segment at hand; the rest is the next one's.
void Splitter::keep(std::vector<uint8_t>& content, Fill& at, size_t bytes) {
  kept_.assign(content.begin() + static_cast<ptrdiff_t>(bytes),
               content.begin() + static_cast<ptrdiff_t>(at.bytes));
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
    at = {kept_.size(), true, ElementType::bytes};
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
  chunk.members = std::move(announced_);
  announced_.clear();
  return !chunk.content.empty() || !chunk.members.empty();
}
}  // namespace gramzip
