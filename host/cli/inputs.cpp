// SPDX-License-Identifier: Apache-2.0
#include "host/cli/inputs.h"

#include <algorithm>
#include <filesystem>

#include "host/cli/files.h"
#include "host/formats/shards.h"

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

bool same_file(const Input& a, const Input& b) {
  std::error_code error;
  return a.path == b.path || (fs::equivalent(a.path, b.path, error) && !error);
}

bool is_among(const std::vector<Input>& list, const Input& input) {
  return std::any_of(list.begin(), list.end(), [&](const Input& i) { return same_file(i, input); });
}

// The files that the input names, if it is an index.
std::vector<Input> shards_of(const Input& input) {
  std::error_code ignored;
  if (input.from_folder || !input.path.ends_with(".index.json") ||
      !fs::is_regular_file(input.path, ignored))
    return {};
  const std::string advice = "; --as text compresses the index alone";
  std::vector<std::string> names;
  try {
    FileRandomSource file(input.path);
    names = formats::read_shard_index(file);
  } catch (const Error& e) {
    throw CliError(shown(input.path) + ": " + e.what() + advice);
  }
  const std::string folder = input.path.substr(0, input.path.rfind('/') + 1);
  std::vector<Input> out;
  for (const std::string& name : names) {
    if (!fs::is_regular_file(folder + name, ignored))
      throw CliError(shown(input.path) + ": its shard '" + shown(name) + "' is not there" + advice);
    out.push_back({folder + name, "", false});
  }
  return out;
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

std::vector<std::vector<Input>> group_shards(const std::vector<Input>& inputs) {
  std::vector<std::vector<Input>> groups;
  std::vector<Input> shards;
  for (const Input& input : inputs) {
    const std::vector<Input> more = shards_of(input);
    groups.push_back({input});
    groups.back().insert(groups.back().end(), more.begin(), more.end());
    shards.insert(shards.end(), more.begin(), more.end());
  }
  if (!shards.empty())
    std::erase_if(groups, [&](const std::vector<Input>& g) {
      return g.size() == 1 && is_among(shards, g[0]);
    });
  return groups;
}

std::vector<Input> join_groups(const std::vector<std::vector<Input>>& groups) {
  std::vector<Input> out;
  for (const std::vector<Input>& g : groups) {
    out.push_back(g[0]);
    for (size_t i = 1; i < g.size(); ++i)
      if (!is_among(out, g[i])) out.push_back(g[i]);
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
