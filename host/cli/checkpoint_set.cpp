// SPDX-License-Identifier: Apache-2.0
#include "host/cli/checkpoint_set.h"

#include <algorithm>
#include <cstring>
#include <filesystem>

#include "host/cli/files.h"
#include "host/cli/inputs.h"
#include "host/cli/sizes.h"
#include "host/engine/member_source.h"

namespace gramzip::cli {
namespace {
namespace fs = std::filesystem;
constexpr size_t kReadBytes = 4u << 20;  // that one thread reads at a time

class SpanSink final : public Sink {
 public:
  explicit SpanSink(std::span<uint8_t> out) : out_(out) {}
  void write(std::span<const uint8_t> bytes) override {
    if (bytes.size() > out_.size()) fail(ErrorCode::internal, "more was decoded than asked for");
    if (!bytes.empty()) std::memcpy(out_.data(), bytes.data(), bytes.size());
    out_ = out_.subspan(bytes.size());
  }
  bool full() const { return out_.empty(); }

 private:
  std::span<uint8_t> out_;
};
}  // namespace

uint64_t StoredTensor::elements() const {
  uint64_t n = 1;
  for (const uint64_t d : tensor.shape)
    if (__builtin_mul_overflow(n, d, &n)) return UINT64_MAX;
  return n;
}

CheckpointSet::CheckpointSet(Options& o, const std::string& path, const DecompressOptions& decode,
                             Workers& workers)
    : decode_(decode), workers_(workers) {
  if (path == "-")
    throw CliError("standard input cannot be compared: tensors are read in any order; use a file");
  std::error_code ignored;
  if (fs::is_directory(path, ignored)) {
    for (const Input& i : collect_inputs({path}, true, o.console)) open(i.path);
  } else {
    const std::vector<Input> files = group_shards({{path, "", false}}).at(0);
    for (size_t i = 0; i < files.size(); ++i) {
      // An index holds no tensors itself.
      const bool found = open(files[i].path);
      if (!found && i > 0) throw CliError(shown(files[i].path) + ": holds no tensors");
    }
  }
  if (parts_.empty())
    throw CliError(shown(path) +
                   ": holds no tensors in a format that gramzip knows (docs/tensor-files.md)");
  index_names();
}

bool CheckpointSet::open(const std::string& path) {
  auto file = std::make_shared<FileRandomSource>(path);
  const size_t before = tensors_.size();
  Part part{file, nullptr, path};
  try {
    if (is_archive_file(path)) {
      part.archive = std::make_unique<ArchiveReader>(file);
      bool any = false;
      for (const Member& m : part.archive->members()) {
        std::optional<Checkpoint> found = member_checkpoint(*part.archive, m, decode_);
        if (!found) continue;
        any = true;
        take(std::move(*found),
             m.name.empty() ? shown(path) : shown(path) + " ('" + shown(m.name) + "')");
      }
      if (!any) return false;
    } else {
      std::optional<Checkpoint> found = read_checkpoint(*file);
      if (!found) return false;
      take(std::move(*found), shown(path));
    }
  } catch (const CliError&) {
    throw;
  } catch (const std::exception& e) {
    throw CliError(describe(shown(path), e));
  }
  for (size_t i = before; i < tensors_.size(); ++i) {
    StoredTensor& t = tensors_[i];
    t.part = parts_.size();
    t.stored_bytes = part.archive
                         ? compressed_share(part.archive->segments(), t.tensor.begin, t.tensor.end)
                         : t.bytes();
  }
  file_bytes_ += file->size();
  parts_.push_back(std::move(part));
  return true;
}

void CheckpointSet::take(Checkpoint checkpoint, const std::string& where) {
  for (Tensor& t : checkpoint.tensors) {
    StoredTensor s;
    s.tensor = std::move(t);
    s.where = where;
    tensors_.push_back(std::move(s));
  }
}

void CheckpointSet::index_names() {
  by_name_.resize(tensors_.size());
  for (size_t i = 0; i < by_name_.size(); ++i) by_name_[i] = i;
  const auto name = [&](size_t i) -> const std::string& { return tensors_[i].tensor.name; };
  std::stable_sort(by_name_.begin(), by_name_.end(),
                   [&](size_t a, size_t b) { return name(a) < name(b); });
  for (size_t i = 1; i < by_name_.size(); ++i) {
    const size_t a = by_name_[i - 1], b = by_name_[i];
    if (name(a) != name(b)) continue;
    throw CliError("tensor '" + shown(name(a)) + "' is in " + tensors_[a].where + " and in " +
                   tensors_[b].where + "; name one of them alone");
  }
}

const StoredTensor* CheckpointSet::find(const std::string& name) const {
  const auto at =
      std::lower_bound(by_name_.begin(), by_name_.end(), name,
                       [&](size_t i, const std::string& n) { return tensors_[i].tensor.name < n; });
  if (at == by_name_.end() || tensors_[*at].tensor.name != name) return nullptr;
  return &tensors_[*at];
}

void CheckpointSet::read(const StoredTensor& t, uint64_t at, std::span<uint8_t> out) {
  Part& part = parts_.at(t.part);
  const uint64_t begin = t.tensor.begin + at;
  if (out.empty()) return;
  try {
    if (part.archive) {
      SpanSink sink(out);
      part.archive->read(begin, begin + out.size(), sink, decode_);
      if (!sink.full()) fail(ErrorCode::internal, "less was decoded than asked for");
      return;
    }
    workers_.run((out.size() + kReadBytes - 1) / kReadBytes, [&](size_t piece, size_t) {
      const size_t from = piece * kReadBytes, n = std::min(kReadBytes, out.size() - from);
      if (part.file->read_at(begin + from, out.data() + from, n) < n)
        fail(ErrorCode::truncated, "has become shorter while it was read");
    });
  } catch (const std::exception& e) {
    throw CliError(describe(shown(part.path) + ": tensor '" + shown(t.tensor.name) + "'", e));
  }
}
}  // namespace gramzip::cli
