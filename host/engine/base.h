// SPDX-License-Identifier: Apache-2.0
// The base that deltas are coded against: the content of a file or of an archive, named by its size
// and hash (docs/format.md, 14).
#pragma once
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "host/engine/engine.h"

namespace gramzip {
// Bytes [begin, begin + size) of another source, which must outlive it.
class PartSource final : public RandomSource {
 public:
  PartSource(RandomSource& whole, uint64_t begin, uint64_t size)
      : whole_(whole), begin_(begin), size_(size) {}
  uint64_t size() const override { return size_; }
  size_t read_at(uint64_t at, uint8_t* p, size_t n) override {
    if (at >= size_) return 0;
    return whole_.read_at(begin_ + at, p, std::min<uint64_t>(n, size_ - at));
  }

 private:
  RandomSource& whole_;
  uint64_t begin_, size_;
};

class Base {
 public:
  struct Part {
    std::string name;  // empty: none
    uint64_t start, size;
  };
  // A file as it is, as a member of that name. Its bytes must not change while it is in use.
  static BasePtr of_file(std::shared_ptr<RandomSource> file, std::string name);
  // What an archive holds. options.find_base finds the base that it needs itself.
  static BasePtr of_archive(std::shared_ptr<ArchiveReader> reader,
                            const DecompressOptions& options);

  uint64_t bytes() const { return content_->size(); }
  // Of a file: all of it is read, once. Of one archive: as its trailer has it; every block is
  // checked when it is read.
  Hash128 hash();
  frame::ContentId id() { return {bytes(), hash()}; }
  const std::vector<Part>& parts() const { return parts_; }
  RandomSource& content() { return *content_; }
  // All of out, by any thread. Throws Error(io) if the base has become shorter.
  void read(uint64_t at, std::span<uint8_t> out);

 private:
  std::shared_ptr<RandomSource> content_;
  std::vector<Part> parts_;
  std::mutex mutex_;
  std::optional<Hash128> hash_;
};

// An archive's content, to be read anywhere; keeps the segments that were read last.
std::shared_ptr<RandomSource> archive_content(std::shared_ptr<ArchiveReader> reader,
                                              const DecompressOptions& options);
// The base that an archive needs, found and checked; null if it needs none.
BasePtr require_base(const frame::ArchiveHeader& header, const DecompressOptions& options);
// "12 bytes with XXH3-128 0123..."
std::string describe_content(const frame::ContentId& id);
}  // namespace gramzip
