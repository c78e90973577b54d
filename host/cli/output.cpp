// SPDX-License-Identifier: Apache-2.0
#include "host/cli/output.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/file.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <climits>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "host/cli/console.h"
#include "host/cli/leftovers.h"

namespace gramzip::cli {
namespace {
constexpr size_t kBufferBytes = 1u << 18;

// What a signal handler removes. The fields are set before `live` is.
struct {
  std::atomic<bool> live{false};
  int folder = -1;
  char name[NAME_MAX + 1] = {};
} g_unfinished;
static_assert(std::atomic<bool>::is_always_lock_free);

extern "C" void on_signal(int number) {
  if (g_unfinished.live.load()) unlinkat(g_unfinished.folder, g_unfinished.name, 0);
  _exit(128 + number);
}

mode_t current_umask() {
  static const mode_t mask = [] {
    const mode_t m = umask(022);
    umask(m);
    return m;
  }();
  return mask;
}
}  // namespace

void install_signal_handlers() {
  struct sigaction a {};
  a.sa_handler = on_signal;
  sigemptyset(&a.sa_mask);
  for (const int s : {SIGINT, SIGTERM, SIGHUP}) {
    struct sigaction old {};
    // What was ignored stays ignored (nohup).
    if (sigaction(s, nullptr, &old) == 0 && old.sa_handler == SIG_IGN) continue;
    sigaction(s, &a, nullptr);
  }
  a.sa_handler = SIG_IGN;
  sigaction(SIGPIPE, &a, nullptr);
  sigaction(SIGXFSZ, &a, nullptr);  // EFBIG is then an error like others
}

OutputFile::OutputFile(int folder, const std::string& name, std::string shown_name,
                       const OutputOptions& options)
    : folder_(folder), name_(name), shown_(std::move(shown_name)), options_(options) {
  struct stat s {};
  if (fstatat(folder_, name_.c_str(), &s, AT_SYMLINK_NOFOLLOW) == 0) {
    if (S_ISDIR(s.st_mode)) throw CliError(shown_ + ": is a directory; choose another name");
    if (!options_.force) refuse_existing();
  }
  remove_leftovers(folder_);
  create_temporary();
  buffer_.reserve(kBufferBytes);
}

void OutputFile::refuse_existing() const {
  throw CliError(shown_ + ": already exists; -f replaces it");
}

void OutputFile::create_temporary() {
  temporary_ = temporary_name(name_, getpid());
  g_unfinished.folder = folder_;
  std::snprintf(g_unfinished.name, sizeof g_unfinished.name, "%s", temporary_.c_str());
  g_unfinished.live.store(true);
  live_ = true;
  const int flags = O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW;
  fd_ = Fd(openat(folder_, temporary_.c_str(), flags, 0600));
  // A process with our number died before: in a container every run may be process 1.
  if (!fd_ && errno == EEXIST && abandoned(folder_, temporary_)) {
    unlinkat(folder_, temporary_.c_str(), 0);
    fd_ = Fd(openat(folder_, temporary_.c_str(), flags, 0600));
  }
  if (!fd_) {
    const int error = errno;
    g_unfinished.live.store(false);
    live_ = false;
    fail_io(shown_, error);
  }
  flock(fd_.get(), LOCK_EX | LOCK_NB);
}

OutputFile::~OutputFile() { discard(); }

void OutputFile::discard() {
  if (!live_) return;
  unlinkat(folder_, temporary_.c_str(), 0);
  g_unfinished.live.store(false);
  live_ = false;
}

void OutputFile::write(std::span<const uint8_t> bytes) {
  if (buffer_.size() + bytes.size() > kBufferBytes) {
    write_fully(fd_.get(), buffer_.data(), buffer_.size(), shown_);
    buffer_.clear();
  }
  if (bytes.size() >= kBufferBytes) {
    write_fully(fd_.get(), bytes.data(), bytes.size(), shown_);
  } else {
    buffer_.insert(buffer_.end(), bytes.begin(), bytes.end());
  }
}

std::unique_ptr<FileRandomSource> OutputFile::written() {
  write_fully(fd_.get(), buffer_.data(), buffer_.size(), shown_);
  buffer_.clear();
  Fd fd(openat(folder_, temporary_.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
  if (!fd) fail_io(shown_, errno);
  return std::make_unique<FileRandomSource>(std::move(fd), shown_);
}

void OutputFile::commit() {
  write_fully(fd_.get(), buffer_.data(), buffer_.size(), shown_);
  buffer_.clear();
  // Some file systems know neither; the content matters more.
  (void)!fchmod(fd_.get(), options_.mode & 0777 & ~current_umask());
  if (options_.modified) {
    const timespec times[2] = {{0, UTIME_OMIT}, *options_.modified};
    (void)!futimens(fd_.get(), times);
  }
  if (fsync(fd_.get()) != 0 && errno != EINVAL) fail_io(shown_, errno);
  int result;
  if (options_.force) {
    result = renameat(folder_, temporary_.c_str(), folder_, name_.c_str());
  } else {
    // A file that has appeared meanwhile is not replaced.
    result = renameat2(folder_, temporary_.c_str(), folder_, name_.c_str(), RENAME_NOREPLACE);
    if (result != 0 && (errno == EINVAL || errno == ENOSYS)) {
      if (faccessat(folder_, name_.c_str(), F_OK, AT_SYMLINK_NOFOLLOW) == 0) refuse_existing();
      result = renameat(folder_, temporary_.c_str(), folder_, name_.c_str());
    }
    if (result != 0 && errno == EEXIST) refuse_existing();
  }
  if (result != 0) fail_io(shown_, errno);
  g_unfinished.live.store(false);
  live_ = false;
  // Network file systems report late write errors here.
  if (::close(fd_.release()) != 0 && errno != EINTR) fail_io(shown_, errno);
}

Fd open_folder(const std::string& path) {
  Fd fd(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  // One that may be written but not listed.
  if (!fd && errno == EACCES) fd = Fd(::open(path.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!fd) fail_io(shown(path), errno);
  return fd;
}

void sync_folder(int folder) {
  // Not every file system can; the file itself is on disk.
  (void)!fsync(folder);
}

Output::Output(const std::string& path, const OutputOptions& options)
    : shown_(path == "-" ? "standard output" : cli::shown(path)) {
  if (path == "-" || path == "/dev/stdout") {
    stdout_ = std::make_unique<StdoutSink>(options.force);
    return;
  }
  struct stat s {};
  const bool exists = stat(path.c_str(), &s) == 0;
  if (exists && S_ISDIR(s.st_mode)) throw CliError(shown_ + ": is a directory; name a file in it");
  const bool special = path.starts_with("/dev/fd/") || path.starts_with("/proc/");
  if (exists && (!S_ISREG(s.st_mode) || special)) {
    device_ = Fd(::open(path.c_str(), O_WRONLY | O_CLOEXEC | O_NOCTTY));
    if (!device_) fail_io(shown_, errno);
    return;
  }
  // The file behind a link that the caller named is replaced, not the link.
  std::string target = path;
  if (struct stat l{}; lstat(path.c_str(), &l) == 0 && S_ISLNK(l.st_mode)) {
    char* real = realpath(path.c_str(), nullptr);
    if (real == nullptr) fail_io(shown_, errno);
    target = real;
    std::free(real);
  }
  const std::string folder = folder_of(target);
  folder_ = open_folder(folder);
  file_ = std::make_unique<OutputFile>(folder_.get(), base_name(target), shown_, options);
}

void Output::write(std::span<const uint8_t> bytes) {
  if (file_) {
    file_->write(bytes);
  } else if (stdout_) {
    stdout_->write(bytes);
  } else {
    write_fully(device_.get(), bytes.data(), bytes.size(), shown_);
  }
}

void Output::set_mode(mode_t mode) {
  if (file_) file_->set_mode(mode);
}

void Output::commit() {
  if (stdout_) return stdout_->finish();
  if (!file_) return;
  file_->commit();
  sync_folder(folder_.get());
}

bool same_file(const std::string& path, const struct stat& status) {
  struct stat s {};
  return stat(path.c_str(), &s) == 0 && s.st_dev == status.st_dev && s.st_ino == status.st_ino;
}

std::string folder_of(const std::string& path) {
  const size_t slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

std::string base_name(const std::string& path) { return path.substr(path.rfind('/') + 1); }
}  // namespace gramzip::cli
