// SPDX-License-Identifier: Apache-2.0
#include "host/cli/bases.h"

#include <algorithm>
#include <filesystem>

#include "host/cli/files.h"
#include "host/cli/output.h"

namespace gramzip::cli {
namespace {
// Each delta of a chain needs memory of its own while it is decoded.
constexpr size_t kLongestChain = 16;
}  // namespace

Bases::Bases(Options& o, Backend* backend, std::span<const ModelPtr> models) : o_(o) {
  decode_.backend = backend;
  decode_.models = models;
}

// A file, or what an archive holds; then its own base is found at once.
BasePtr Bases::open(const std::string& path, const Chain& chain) {
  auto source = std::make_shared<FileRandomSource>(path);
  if (!is_archive_file(path)) return Base::of_file(std::move(source), base_name(path));
  auto reader = std::make_shared<ArchiveReader>(std::move(source));
  DecompressOptions d = decode_;
  for (const frame::ArchiveHeader& h : reader->headers()) {
    if (!h.has(frame::kFeatureDelta)) continue;
    BasePtr below;
    try {
      below = find(h.base, chain);
    } catch (const Error& e) {
      throw CliError(shown(path) + ": " + e.what());
    }
    if (!below)
      throw CliError(shown(path) + ": is itself a delta against " + describe_content(h.base) +
                     ", which is in no file of --base-dir");
    d.find_base = [below, before = d.find_base](const frame::ContentId& id) {
      return below->id() == id || !before ? below : before(id);
    };
  }
  return Base::of_archive(std::move(reader), d);
}

BasePtr Bases::given() {
  if (o_.base.empty()) return nullptr;
  // In a chain: what it needs itself comes from the folder.
  if (!given_) given_ = open(o_.base, {frame::ContentId{}});
  return given_;
}

void Bases::look_at_folder() {
  if (looked_) return;
  looked_ = true;
  std::error_code error;
  std::filesystem::directory_iterator at(o_.base_dir, error);
  if (error) throw CliError("--base-dir " + shown(o_.base_dir) + ": " + error.message());
  for (; at != std::filesystem::directory_iterator(); at.increment(error)) {
    if (error) throw CliError("--base-dir " + shown(o_.base_dir) + ": " + error.message());
    if (!at->is_regular_file(error)) continue;
    File f;
    f.path = at->path().string();
    f.archive = is_archive_file(f.path);
    try {
      if (f.archive) {
        const ArchiveReader reader(std::make_shared<FileRandomSource>(f.path));
        f.bytes = reader.content_bytes();
        f.hash = reader.content_hash();
        if (!f.hash) continue;  // several archives, whose content as a whole has no name
      } else {
        f.bytes = FileRandomSource(f.path).size();
      }
    } catch (const std::exception& e) {
      o_.console.note(std::string(e.what()) + "; not looked at as a base");
      continue;
    }
    files_.push_back(std::move(f));
  }
  // Archives first: their hashes are known.
  std::sort(files_.begin(), files_.end(), [](const File& a, const File& b) {
    return a.archive != b.archive ? a.archive : a.path < b.path;
  });
}

BasePtr Bases::find(const frame::ContentId& id, Chain chain) {
  for (const BasePtr& b : found_)
    if (b->id() == id) return b;
  if (std::find(chain.begin(), chain.end(), id) != chain.end())
    throw CliError("a base of " + describe_content(id) + " needs itself");
  chain.push_back(id);
  if (chain.size() > kLongestChain)
    throw CliError("a chain of more than " + std::to_string(kLongestChain) + " bases");
  const bool outermost = chain.size() == 1;
  // A wrong --base is refused by who asks, unless the folder has the right one.
  BasePtr base = outermost ? given() : nullptr;
  if (base && (o_.base_dir.empty() || (base->bytes() == id.bytes && base->hash() == id.hash)))
    return base;
  if (o_.base_dir.empty()) return nullptr;
  look_at_folder();
  for (File& f : files_) {
    if (f.bytes != id.bytes || (f.hash && !(*f.hash == id.hash))) continue;
    BasePtr candidate = open(f.path, chain);
    f.hash = candidate->hash();
    if (!(*f.hash == id.hash)) continue;
    o_.console.note("base: " + shown(f.path));
    found_.push_back(candidate);
    return candidate;
  }
  return base;
}
}  // namespace gramzip::cli
