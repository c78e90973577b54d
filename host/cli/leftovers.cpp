// SPDX-License-Identifier: Apache-2.0
#include "host/cli/leftovers.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <cstdlib>
#include <set>
#include <utility>

#include "host/cli/files.h"

namespace gramzip::cli {
namespace {
constexpr char kMark[] = ".gramzip-";
constexpr char kSuffix[] = ".tmp";

// The PID in a temporary name of any target, or 0.
pid_t owner_of(const std::string& file) {
  const size_t mark = file.rfind(kMark);
  if (file.empty() || file[0] != '.' || mark == std::string::npos) return 0;
  const std::string rest = file.substr(mark + sizeof kMark - 1);
  char* end = nullptr;
  errno = 0;
  const long pid = std::strtol(rest.c_str(), &end, 10);
  if (errno != 0 || pid <= 0 || pid > INT_MAX || std::string(end) != kSuffix) return 0;
  return static_cast<pid_t>(pid);
}
}  // namespace

std::string temporary_name(const std::string& name, pid_t pid) {
  std::string s(1, '.');
  s.append(name, 0, 200);
  return s + kMark + std::to_string(pid) + kSuffix;
}

bool abandoned(int folder, const std::string& file) {
  const Fd fd(openat(folder, file.c_str(), O_WRONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK));
  return fd && flock(fd.get(), LOCK_EX | LOCK_NB) == 0;
}

void remove_leftovers(int folder) {
  static std::set<std::pair<dev_t, ino_t>> seen;
  struct stat s {};
  if (fstat(folder, &s) != 0 || !seen.emplace(s.st_dev, s.st_ino).second) return;
  const int copy = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (copy < 0) return;
  DIR* d = fdopendir(copy);
  if (d == nullptr) {
    ::close(copy);
    return;
  }
  while (const dirent* e = readdir(d)) {
    const pid_t pid = owner_of(e->d_name);
    if (pid == 0 || pid == getpid() || kill(pid, 0) == 0 || errno != ESRCH) continue;
    if (abandoned(folder, e->d_name)) unlinkat(folder, e->d_name, 0);
  }
  closedir(d);
}
}  // namespace gramzip::cli
