// SPDX-License-Identifier: Apache-2.0
// Output files that are either the old ones or complete: written under a temporary name beside the
// target, synced, renamed. An error, SIGINT, SIGTERM or SIGHUP removes the temporary file; what a
// kill leaves behind is removed by the next run that writes into the folder.
#pragma once
#include <optional>

#include "host/cli/files.h"

namespace gramzip::cli {
// Handlers that remove the unfinished output and exit with 128 + signal; SIGPIPE becomes an error.
void install_signal_handlers();

struct OutputOptions {
  bool force = false;                // replace an existing file
  mode_t mode = 0666;                // masked by the umask
  std::optional<timespec> modified;  // given to the file
};

// A new or replaced file in an open folder. Without commit() nothing is left of it. One at a time.
class OutputFile final : public Sink {
 public:
  // shown: how messages name it. Refuses an existing file without `force`, and anything that is no
  // regular file.
  OutputFile(int folder, const std::string& name, std::string shown, const OutputOptions& options);
  ~OutputFile() override;
  OutputFile(const OutputFile&) = delete;
  OutputFile& operator=(const OutputFile&) = delete;
  void write(std::span<const uint8_t> bytes) override;
  void set_mode(mode_t mode) { options_.mode = mode; }
  // What has been written, to be read before it is committed.
  std::unique_ptr<FileRandomSource> written();
  // Content to disk, then the name. The folder is synced by the caller (sync_folder).
  void commit();

 private:
  void create_temporary();
  void discard();
  [[noreturn]] void refuse_existing() const;

  int folder_;
  std::string name_, shown_, temporary_;
  OutputOptions options_;
  Fd fd_;
  bool live_ = false;
  std::vector<uint8_t> buffer_;
};

Fd open_folder(const std::string& path);
void sync_folder(int folder);

// Where a command's single output goes: a file by path, a device or pipe by path, or standard
// output for "-".
class Output final : public Sink {
 public:
  Output(const std::string& path, const OutputOptions& options);
  void write(std::span<const uint8_t> bytes) override;
  void set_mode(mode_t mode);
  // As OutputFile::written(); null if the output is no file.
  std::unique_ptr<FileRandomSource> written() { return file_ ? file_->written() : nullptr; }
  void commit();
  // After an error: what a pipe was to get before it.
  void flush_pipe() {
    if (stdout_) stdout_->finish();
  }
  bool is_stdout() const { return stdout_ != nullptr; }
  bool is_file() const { return file_ != nullptr; }

 private:
  std::string shown_;
  Fd folder_, device_;
  std::unique_ptr<OutputFile> file_;
  std::unique_ptr<StdoutSink> stdout_;
};

// Would writing to `path` replace the file of `status`?
bool same_file(const std::string& path, const struct stat& status);
std::string folder_of(const std::string& path);  // "a/b/c" -> "a/b", "c" -> "."
std::string base_name(const std::string& path);
}  // namespace gramzip::cli
