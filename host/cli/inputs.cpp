// SPDX-License-Identifier: Apache-2.0
#include "host/cli/inputs.h"

#include <algorithm>
#include <filesystem>

#include "host/cli/files.h"

namespace gramzip::cli {
namespace {
namespace fs = std::filesystem;

void walk(const std::string& folder, std::vector<Input>& out, Console& console) {
  std::error_code error;
  std::vector<fs::directory_entry> entries;
  fs::directory_iterator it(folder, error), end;
  while (!error && it != end) {
    entries.push_back(*it);
    it.increment(error);
  }
  if (error) fail_io(shown(folder), error.value());
  std::sort(entries.begin(), entries.end(),
            [](const auto& a, const auto& b) { return a.path().native() < b.path().native(); });
  for (const fs::directory_entry& e : entries) {
    const std::string path = e.path().native();
    const fs::file_status s = e.symlink_status(error);
    if (error) fail_io(shown(path), error.value());
    if (fs::is_directory(s)) {
      walk(path, out, console);
    } else if (fs::is_regular_file(s)) {
      out.push_back({path, "", true});
    } else {
      console.warning(shown(path) + ": " +
                      (fs::is_symlink(s) ? "symbolic link" : "no regular file") + ", skipped");
    }
  }
}
}  // namespace

std::vector<Input> collect_inputs(const std::vector<std::string>& paths, bool recursive,
                                  Console& console) {
  std::vector<Input> out;
  for (const std::string& path : paths) {
    std::error_code ignored;
    if (recursive && path != "-" && fs::is_directory(path, ignored)) {
      walk(path, out, console);
    } else {
      out.push_back({path, "", false});
    }
  }
  return out;
}

std::string member_name(const std::string& path) {
  std::string name;
  size_t at = 0;
  while (at < path.size()) {
    size_t end = path.find('/', at);
    if (end == std::string::npos) end = path.size();
    const std::string part = path.substr(at, end - at);
    at = end + 1;
    if (part.empty() || part == ".") continue;
    if (part == "..") {
      name.clear();
    } else {
      name += (name.empty() ? "" : "/") + part;
    }
  }
  return name;
}
}  // namespace gramzip::cli
