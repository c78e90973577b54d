// SPDX-License-Identifier: Apache-2.0
// Cuts the members' bytes into segments. The cuts depend on the content alone
// (docs/determinism.md), never on threads, batches or the backend.
#pragma once
#include <deque>
#include <optional>
#include <vector>

#include "host/engine/base_map.h"
#include "host/engine/engine.h"
#include "host/engine/plan_runs.h"
#include "host/engine/twins.h"
#include "host/formats/safetensors.h"
#include "host/frame/index.h"
#include "host/frame/member_records.h"

namespace gramzip {
// The content of one segment, and the members that start in it or before it and are not yet
// announced.
struct Chunk {
  std::vector<frame::MemberRecord> members;
  ElementType type = ElementType::bytes;
  std::vector<uint8_t> content;  // empty only if members at the content's end are empty
  uint16_t period = 0;
  bool twin = false;                // later segments may refer to this one
  std::optional<uint64_t> earlier;  // where the same bytes lie in the content before
  std::optional<uint64_t> base_at;  // where content of this size stands in the base in its place
  std::shared_ptr<const quant::Levels> levels = nullptr;  // of a quantized tensor
  uint64_t first_element = 0;                             // of it
};

class Splitter {
 public:
  Splitter(const NextMember& next, const CompressOptions& options);
  // Before the first chunk: opens the first member. How far back in the content chunks may have
  // what is the same, in bytes; 0: there is none.
  uint64_t open();
  // False when there are no more. chunk.content may hold any bytes before; its memory is used.
  bool next(Chunk& chunk);
  // After the last chunk.
  Hash128 content_hash() const;
  std::vector<frame::MemberEntry> take_members() { return std::move(done_); }  // the last call

 private:
  bool start_member();
  void end_member();
  void plan_member();
  std::optional<safetensors::Layout> read_safetensors();
  void plan_tensors(const Checkpoint& checkpoint, uint64_t text_header);
  size_t read(uint8_t* p, size_t n);
  // What a segment at hand holds: bytes of one run, or of plain runs that follow one another.
  struct Fill {
    size_t bytes = 0;
    bool plain = false;  // text or bytes, by looking
    ElementType type = ElementType::bytes;
    uint16_t period = 0;
    uint32_t twins = 0;
    uint64_t run_offset = 0;
    std::optional<uint64_t> base_at = {};
    std::shared_ptr<const quant::Levels> levels = nullptr;
  };
  void fill(std::vector<uint8_t>& content, Fill& at, size_t most);
  void grow_text(std::vector<uint8_t>& content, Fill& at);
  void keep(std::vector<uint8_t>& content, Fill& at, size_t bytes);
  ElementType plain_type(std::span<const uint8_t> content) const;

  const NextMember& next_;
  const CompressOptions& options_;
  MemberInput member_;
  bool in_member_ = false;
  bool opened_ = false;  // the first member, ahead
  std::optional<BaseMap> base_;
  std::optional<uint64_t> base_start_;  // of the member at hand
  Twins twins_;
  std::deque<Run> runs_;
  uint64_t run_offset_ = 0;     // in the run at hand
  std::vector<uint8_t> ahead_;  // bytes read for a look and not yet given out
  size_t ahead_at_ = 0;
  std::vector<uint8_t> kept_;  // plain content read and counted, for the next segment
  std::optional<uint64_t> kept_base_at_;
  std::vector<frame::MemberRecord> announced_;
  bool announced_name_empty_ = false;
  std::vector<frame::MemberEntry> done_;
  uint64_t content_ = 0;
  Hasher128 member_hash_, content_hash_;
};
}  // namespace gramzip
