// SPDX-License-Identifier: Apache-2.0
#include "host/cli/checkpoint_files.h"

#include <filesystem>

#include "host/cli/files.h"
#include "host/cli/inputs.h"

namespace gramzip::cli {
namespace {
namespace fs = std::filesystem;

// What stands for a folder; the path itself if it is none.
std::string file_of(const std::string& path) {
  std::error_code ignored;
  if (!fs::is_directory(path, ignored)) return path;
  const std::string folder = path.ends_with('/') ? path : path + "/";
  for (const char* name : {"model.safetensors", "model.safetensors.index.json", "pytorch_model.bin",
                           "pytorch_model.bin.index.json"})
    if (fs::is_regular_file(folder + name, ignored)) return folder + name;
  throw CliError(shown(path) + ": no model.safetensors and no index of one; name the files");
}
}  // namespace

std::vector<CheckpointFile> open_checkpoint(const std::vector<std::string>& paths,
                                            Console& console) {
  std::vector<std::string> files;
  for (const std::string& path : paths) files.push_back(file_of(path));
  std::vector<CheckpointFile> out;
  for (const Input& input : join_groups(group_shards(collect_inputs(files, false, console)))) {
    if (input.path.ends_with(".index.json")) continue;
    auto source = std::make_unique<FileRandomSource>(input.path);
    if (is_archive_file(input.path))
      throw CliError(shown(input.path) + ": is an archive; decompress it first");
    std::optional<Checkpoint> c;
    try {
      c = read_checkpoint(*source);
    } catch (const Error& e) {
      throw CliError(describe(shown(input.path), e));
    }
    if (!c || c->tensors.empty())
      throw CliError(shown(input.path) +
                     ": no tensors; checkpoints are safetensors, .pt, .npz, .npy and GGUF");
    out.push_back({input.path, std::move(source), std::move(*c)});
  }
  if (out.empty()) throw CliError("quantize: the index names no files");
  return out;
}
}  // namespace gramzip::cli
