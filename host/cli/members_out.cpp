// SPDX-License-Identifier: Apache-2.0
#include "host/cli/members_out.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>

#include "host/cli/console.h"

namespace gramzip::cli {
FolderMembers::FolderMembers(const std::string& folder, bool force)
    : prefix_(folder == "." ? "" : folder), force_(force) {
  if (!prefix_.empty() && prefix_.back() != '/') prefix_ += '/';
  if (mkdir(folder.c_str(), 0777) != 0 && errno != EEXIST) fail_io(shown(folder), errno);
  root_ = open_folder(folder);
  enter("", "");
}

// Opens the folder `parent` below the root, part by part, never through a link.
void FolderMembers::enter(const std::string& parent, const std::string& shown_name) {
  Fd at(openat(root_.get(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!at) fail_io(prefix_.empty() ? "." : shown(prefix_), errno);
  size_t begin = 0;
  while (begin < parent.size()) {
    size_t end = parent.find('/', begin);
    if (end == std::string::npos) end = parent.size();
    const std::string part = parent.substr(begin, end - begin);
    begin = end + 1;
    constexpr int kFlags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
    Fd next(openat(at.get(), part.c_str(), kFlags));
    if (!next && errno == ENOENT) {
      if (mkdirat(at.get(), part.c_str(), 0777) != 0 && errno != EEXIST) fail_io(shown_name, errno);
      next = Fd(openat(at.get(), part.c_str(), kFlags));
    }
    if (!next && (errno == ELOOP || errno == ENOTDIR))
      throw CliError(shown_name + ": '" + shown(part) +
                     "' on its way is a symbolic link or no folder; "
                     "remove it or choose another folder with -o");
    if (!next) fail_io(shown_name, errno);
    at = std::move(next);
  }
  if (folder_) sync_folder(folder_.get());
  folder_ = std::move(at);
  parent_ = parent;
}

void FolderMembers::begin(const Member& m) {
  const std::string shown_name = shown(prefix_ + m.name);
  if (m.name.empty())
    throw CliError("a member has no name; -o FILE names it, -c writes it to standard output");
  if (!names_.insert(m.name).second)
    throw CliError(shown_name + ": two members have this name; -c writes one after another");
  const size_t slash = m.name.rfind('/');
  const std::string parent = slash == std::string::npos ? "" : m.name.substr(0, slash);
  if (parent != parent_) enter(parent, shown_name);
  OutputOptions options;
  options.force = force_;
  options.mode = m.mode & 0777;
  file_ = std::make_unique<OutputFile>(folder_.get(), base_name(m.name), shown_name, options);
}

void FolderMembers::write(std::span<const uint8_t> bytes) { file_->write(bytes); }

void FolderMembers::end(const Member&) {
  file_->commit();
  file_.reset();
}

void FolderMembers::finish() { sync_folder(folder_.get()); }
}  // namespace gramzip::cli
