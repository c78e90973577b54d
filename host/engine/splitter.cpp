// SPDX-License-Identifier: Apache-2.0
#include "host/engine/splitter.h"

#include <algorithm>
#include <cstring>

#include "host/formats/detect.h"
#include "host/formats/safetensors.h"

namespace gramzip {
namespace {
constexpr size_t kPlainSegment = 1u << 20;    // text and bytes
constexpr size_t kWeightsSegment = 4u << 20;  // tensors
constexpr uint64_t kOwnSegment = 256u << 10;  // tensors of this size and more share with no other
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

bool Splitter::next(Chunk& chunk) {
  std::vector<uint8_t>& buffer = chunk.buffer;
  chunk.content = {};
  size_t filled = 0;
  bool automatic = false;
  for (;;) {
    if (!in_member_ && !start_member()) break;
    Run& run = runs_.front();
    // Plain members go on in the segment at hand; anything else starts one of its own.
    if (filled > 0 && !(automatic && run.automatic)) break;
    automatic = run.automatic;
    chunk.type = run.type;
    const bool floats = element_info(run.type).codec == Codec::floats;
    const size_t most = floats ? kWeightsSegment : kPlainSegment;
    const auto want = static_cast<size_t>(std::min<uint64_t>(run.bytes, most - filled));
    // What is taken in place fills the segment or ends its run, so nothing follows in it.
    std::span<const uint8_t> fresh;
    if (filled == 0 && ahead_.empty()) fresh = member_.source->view(want);
    if (!fresh.empty()) {
      chunk.content = fresh;
    } else {
      if (buffer.size() < filled + want) buffer.resize(filled + want);
      fresh = {buffer.data() + filled, read(buffer.data() + filled, want)};
    }
    const size_t got = fresh.size();
    filled += got;
    member_hash_.update(fresh);
    if (done_.size() > 1) content_hash_.update(fresh);
    content_ += got;
    if (run.bytes != kToTheEnd) run.bytes -= got;
    if (got < want) {
      end_member();
      // A tensor cut short may end within an element; such a file goes on as bytes.
      if (filled % element_info(chunk.type).bytes != 0) chunk.type = ElementType::bytes;
    } else if (run.bytes == 0) {
      runs_.pop_front();
    }
    if (filled == most) break;
    if (!automatic && filled > 0) break;
  }
  if (chunk.content.empty()) chunk.content = {buffer.data(), filled};
  if (automatic) chunk.type = plain_type(chunk.content);
  chunk.members = std::move(announced_);
  announced_.clear();
  return !chunk.content.empty() || !chunk.members.empty();
}
}  // namespace gramzip
