// SPDX-License-Identifier: Apache-2.0
// A member of an archive as a file that can be read anywhere, for the readers of tensor files. What
// is read is decoded block by block and kept for a while.
#pragma once
#include <list>
#include <mutex>
#include <unordered_map>

#include "host/engine/engine.h"

namespace gramzip {
class MemberSource final : public RandomSource {
 public:
  // What is kept: that many pieces, but no more bytes than that unless a single one has them.
  static constexpr size_t kMaxPieces = 64, kMaxBytes = 32u << 20;
  // Both must outlive this. options.threads is not used: a piece is decoded by the caller's thread.
  MemberSource(ArchiveReader& reader, const Member& member, const DecompressOptions& options);

  uint64_t size() const override { return size_; }
  size_t read_at(uint64_t at, uint8_t* p, size_t n) override;

 private:
  // Content [begin, begin + bytes.size()): a block, or a segment that is only decoded from its
  // start.
  struct Piece {
    uint64_t begin;
    std::vector<uint8_t> bytes;
  };
  const Piece& piece(uint64_t at);
  Piece decode(uint64_t at);

  ArchiveReader& reader_;
  uint64_t start_, size_;
  DecompressOptions options_;
  std::mutex mutex_;
  std::list<Piece> pieces_;                           // last used first
  size_t kept_ = 0;                                   // bytes
  std::unordered_map<size_t, uint64_t> piece_bytes_;  // by segment
};

// The tensors of a member, at their offsets in the content of the archive. Nullopt if it holds
// none; Error(corrupt) if its kind says that it does and they are not found. A member of kind plain
// is looked at too, unless it begins with text: archives of earlier releases know fewer kinds.
std::optional<Checkpoint> member_checkpoint(ArchiveReader& reader, const Member& member,
                                            const DecompressOptions& options);
}  // namespace gramzip
