// SPDX-License-Identifier: Apache-2.0
// Sources and sinks in memory, and whole archives by one call.
#pragma once
#include <algorithm>
#include <cstring>

#include "gramzip/gramzip.h"
#include "host/engine/engine.h"

namespace gramzip::test {
class MemorySource final : public Source, public RandomSource {
 public:
  explicit MemorySource(std::vector<uint8_t> bytes) : bytes_(std::move(bytes)) {}
  size_t read(uint8_t* p, size_t n) override {
    const size_t got = read_at(at_, p, n);
    at_ += got;
    return got;
  }
  uint64_t size() const override { return bytes_.size(); }
  size_t read_at(uint64_t at, uint8_t* p, size_t n) override {
    if (at >= bytes_.size()) return 0;
    n = std::min<size_t>(n, bytes_.size() - at);
    if (n > 0) std::memcpy(p, bytes_.data() + at, n);
    return n;
  }

 private:
  std::vector<uint8_t> bytes_;
  size_t at_ = 0;
};

class MemorySink final : public Sink {
 public:
  void write(std::span<const uint8_t> b) override { bytes.insert(bytes.end(), b.begin(), b.end()); }
  std::vector<uint8_t> bytes;
};

struct NamedFile {
  std::string name;
  std::vector<uint8_t> content;
  uint32_t mode = 0644;
  bool pipe = false;  // can only be read front to back
};

inline std::vector<uint8_t> make_archive(const std::vector<NamedFile>& files,
                                         CompressOptions options = {},
                                         ArchiveSummary* summary = nullptr) {
  MemorySink out;
  size_t at = 0;
  std::unique_ptr<MemorySource> source;
  const ArchiveSummary s = compress(
      [&](MemberInput& m) {
        if (at == files.size()) return false;
        source = std::make_unique<MemorySource>(files[at].content);
        m = {files[at].name, files[at].mode, source.get()};
        if (!files[at].pipe) m.random = source.get();
        ++at;
        return true;
      },
      out, options);
  if (summary != nullptr) *summary = s;
  return std::move(out.bytes);
}

class CollectMembers final : public MemberSink {
 public:
  void begin(const Member& m) override {
    files.push_back({m.name, {}, m.mode}), members.push_back(m);
  }
  void write(std::span<const uint8_t> b) override {
    files.back().content.insert(files.back().content.end(), b.begin(), b.end());
  }
  void end(const Member& m) override { members.back() = m, ++ended; }
  std::vector<NamedFile> files;
  std::vector<Member> members;
  size_t ended = 0;
};

inline CollectMembers open_archive(const std::vector<uint8_t>& archive,
                                   DecompressOptions options = {}) {
  MemorySource in(archive);
  CollectMembers out;
  // As from a pipe, unless the caller says otherwise.
  decompress(in, out, options);
  return out;
}

// The status of the C interface, which reads in place and decodes to the caller's memory.
inline int open_in_place(const std::vector<uint8_t>& archive) {
  static std::vector<uint8_t> room(size_t{40} << 20);
  gramzip_options o = GRAMZIP_OPTIONS_INIT;
  o.threads = 1;
  o.device = GRAMZIP_DEVICE_CPU;
  size_t size = room.size();
  const uint8_t* const from = archive.empty() ? room.data() : archive.data();  // no null pointer
  return gramzip_decompress(from, archive.size(), room.data(), &size, &o);
}
}  // namespace gramzip::test
