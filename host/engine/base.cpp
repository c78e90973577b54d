// SPDX-License-Identifier: Apache-2.0
#include "host/engine/base.h"

#include <algorithm>
#include <cstring>
#include <list>

namespace gramzip {
namespace {
// An archive's content, with the segments that were read last.
class ArchiveContent final : public RandomSource {
  using Bytes = std::shared_ptr<const std::vector<uint8_t>>;
  static constexpr uint64_t kMostKept = 64u << 20;  // bytes

 public:
  ArchiveContent(std::shared_ptr<ArchiveReader> reader, DecompressOptions options)
      : reader_(std::move(reader)), options_(std::move(options)) {}
  uint64_t size() const override { return reader_->content_bytes(); }
  size_t read_at(uint64_t at, uint8_t* p, size_t n) override {
    const auto& list = reader_->segments();
    size_t i = reader_->segment_at(at), done = 0;
    for (; i < list.size() && done < n; ++i) {
      const uint64_t from = at + done - list[i].content_offset;
      const auto take =
          static_cast<size_t>(std::min<uint64_t>(n - done, list[i].content_bytes - from));
      std::memcpy(p + done, segment(i)->data() + from, take);
      done += take;
    }
    return done;
  }

 private:
  Bytes segment(size_t number) {
    {
      const std::lock_guard lock(mutex_);
      for (auto k = kept_.begin(); k != kept_.end(); ++k) {
        if (k->first != number) continue;
        kept_.splice(kept_.begin(), kept_, k);
        return k->second;
      }
    }
    const auto bytes =
        std::make_shared<const std::vector<uint8_t>>(reader_->decode(number, options_));
    const std::lock_guard lock(mutex_);
    kept_.emplace_front(number, bytes);
    bytes_ += bytes->size();
    while (bytes_ > kMostKept && kept_.size() > 1) {
      bytes_ -= kept_.back().second->size();
      kept_.pop_back();
    }
    return bytes;
  }

  std::shared_ptr<ArchiveReader> reader_;
  DecompressOptions options_;
  std::mutex mutex_;
  std::list<std::pair<size_t, Bytes>> kept_;  // last used first
  uint64_t bytes_ = 0;
};
}  // namespace

std::shared_ptr<RandomSource> archive_content(std::shared_ptr<ArchiveReader> reader,
                                              const DecompressOptions& options) {
  DecompressOptions inner;
  inner.backend = options.backend;
  inner.models = options.models;
  inner.find_base = options.find_base;
  return std::make_shared<ArchiveContent>(std::move(reader), std::move(inner));
}

BasePtr Base::of_file(std::shared_ptr<RandomSource> file, std::string name) {
  auto base = std::make_shared<Base>();
  base->parts_ = {{std::move(name), 0, file->size()}};
  base->content_ = std::move(file);
  return base;
}

BasePtr Base::of_archive(std::shared_ptr<ArchiveReader> reader, const DecompressOptions& options) {
  auto base = std::make_shared<Base>();
  for (const Member& m : reader->members()) base->parts_.push_back({m.name, m.start, m.size});
  base->hash_ = reader->content_hash();
  base->content_ = archive_content(std::move(reader), options);
  return base;
}

Hash128 Base::hash() {
  const std::lock_guard lock(mutex_);
  if (hash_) return *hash_;
  Hasher128 hasher;
  std::vector<uint8_t> piece(std::min<uint64_t>(bytes(), 4u << 20));
  for (uint64_t at = 0; at < bytes(); at += piece.size()) {
    piece.resize(std::min<uint64_t>(bytes() - at, piece.size()));
    read(at, piece);
    hasher.update(piece);
  }
  hash_ = hasher.digest();
  return *hash_;
}

void Base::read(uint64_t at, std::span<uint8_t> out) {
  if (content_->read_at(at, out.data(), out.size()) < out.size())
    fail(ErrorCode::io, "the base ends before byte " + std::to_string(at + out.size()) +
                            "; it has changed meanwhile");
}

std::string describe_content(const frame::ContentId& id) {
  return std::to_string(id.bytes) + " bytes with XXH3-128 " + id.hash.hex();
}

BasePtr require_base(const frame::ArchiveHeader& header, const DecompressOptions& options) {
  if (!header.has(frame::kFeatureDelta)) return nullptr;
  const std::string needs =
      "archive header: it is a delta against a base of " + describe_content(header.base);
  BasePtr base = options.find_base ? options.find_base(header.base) : nullptr;
  if (!base) fail(ErrorCode::unsupported, needs + "; give it with --base FILE or --base-dir DIR");
  if (base->bytes() != header.base.bytes)
    fail(ErrorCode::invalid_argument,
         needs + "; the given one has " + std::to_string(base->bytes()) + " bytes");
  if (!(base->hash() == header.base.hash))
    fail(ErrorCode::invalid_argument, needs + "; the given one has " + base->hash().hex());
  return base;
}
}  // namespace gramzip
