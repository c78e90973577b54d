// SPDX-License-Identifier: Apache-2.0
// A checkpoint by path: a file, the index of one in several files, or a model's folder.
#pragma once
#include <memory>
#include <string>
#include <vector>

#include "host/base/io.h"
#include "host/cli/console.h"
#include "host/formats/checkpoint.h"

namespace gramzip::cli {
struct CheckpointFile {
  std::string path;
  std::unique_ptr<RandomSource> source;
  Checkpoint checkpoint;
};

// The files of the paths and what they hold, in their order; shards of an index are sorted by name.
// A folder stands for its model.safetensors, or the index of it. Throws CliError for what is
// missing or holds no tensors that gramzip can read.
std::vector<CheckpointFile> open_checkpoint(const std::vector<std::string>& paths,
                                            Console& console);
}  // namespace gramzip::cli
