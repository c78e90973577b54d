// SPDX-License-Identifier: Apache-2.0
// Which files a compression takes and how an archive names them.
#pragma once
#include <string>
#include <vector>

#include "host/cli/console.h"

namespace gramzip::cli {
struct Input {
  std::string path;  // "-": standard input
  std::string name;  // in the archive
  bool from_folder = false;
};

// The paths; folders are replaced by the regular files below them, sorted by name, if `recursive`.
// Symbolic links and special files below folders are skipped with a warning.
std::vector<Input> collect_inputs(const std::vector<std::string>& paths, bool recursive,
                                  Console& console);

// Each input by itself, or, if it is the index of a checkpoint in several files (NAME.index.json),
// with those files, which lie beside it; they are then no group of their own. Throws CliError if
// one is missing or its name leaves the folder.
std::vector<std::vector<Input>> group_shards(const std::vector<Input>& inputs);
// The groups as one list, where a shard of two groups is taken once.
std::vector<Input> join_groups(const std::vector<std::vector<Input>>& groups);

// A path as a name in an archive, as tar has it: relative, without '.', and without what stands
// before a last '..'.
std::string member_name(const std::string& path);
}  // namespace gramzip::cli
