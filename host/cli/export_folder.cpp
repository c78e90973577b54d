// SPDX-License-Identifier: Apache-2.0
#include "host/cli/export_folder.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "host/cli/console.h"

namespace gramzip::cli {
namespace {
namespace fs = std::filesystem;
constexpr char kWeights[] = "model.safetensors", kConfig[] = "config.json";
// What a tokenizer and generation need, by the names that transformers gives them.
constexpr const char* kCopied[] = {"tokenizer.json",
                                   "tokenizer_config.json",
                                   "tokenizer.model",
                                   "special_tokens_map.json",
                                   "added_tokens.json",
                                   "vocab.json",
                                   "merges.txt",
                                   "generation_config.json",
                                   "chat_template.json",
                                   "chat_template.jinja",
                                   "preprocessor_config.json"};
constexpr uint64_t kMostConfig = 16u << 20, kMostCopied = 256u << 20;

std::string read_small(const std::string& path, uint64_t most) {
  FileRandomSource file(path);
  if (file.size() > most)
    throw CliError(shown(path) + ": longer than " + size_text(most) + "; move it away");
  std::string text(file.size(), '\0');
  text.resize(file.read_at(0, reinterpret_cast<uint8_t*>(text.data()), text.size()));
  return text;
}
bool is_file(const std::string& path) {
  std::error_code ignored;
  return fs::is_regular_file(path, ignored);
}
std::span<const uint8_t> bytes_of(const std::string& s) {
  return {reinterpret_cast<const uint8_t*>(s.data()), s.size()};
}
}  // namespace

std::string read_config(const std::string& folder) {
  const std::string path = folder + "/" + kConfig;
  return is_file(path) ? read_small(path, kMostConfig) : "";
}

ExportFolder::ExportFolder(const std::string& path, bool force) : path_(path), force_(force) {
  if (path == "-")
    throw CliError("compressed-tensors are a folder of files; give its name with -o");
  if (mkdir(path.c_str(), 0777) == 0) {
    made_ = true;
  } else if (errno != EEXIST) {
    fail_io(shown(path), errno);
  }
  try {
    if (!made_) {
      std::error_code error;
      for (fs::directory_iterator at(path, error), end; !error && at != end; at.increment(error)) {
        const std::string name = at->path().filename().native();
        const bool weights = name.ends_with(".safetensors") || name.ends_with(".index.json");
        if (weights && name != kWeights)
          throw CliError(shown(path) + ": holds other weights (" + shown(name) +
                         ") that loaders would take too; choose another folder");
        if (name == kConfig && !force)
          throw CliError(shown(path) + "/config.json: already exists; -f replaces it");
      }
      if (error) fail_io(shown(path), error.value());
    }
    fd_ = open_folder(path);
    OutputOptions options;
    options.force = force;
    weights_ =
        std::make_unique<OutputFile>(fd_.get(), kWeights, shown(path) + "/" + kWeights, options);
  } catch (...) {
    if (made_) rmdir(path.c_str());
    throw;
  }
}

ExportFolder::~ExportFolder() {
  weights_.reset();
  if (made_) rmdir(path_.c_str());  // fails if anything is in it
}

void ExportFolder::write(const std::string& name, const std::string& text) {
  OutputOptions options;
  options.force = true;  // asked before
  OutputFile file(fd_.get(), name, shown(path_) + "/" + name, options);
  file.write(bytes_of(text));
  file.commit();
}

void ExportFolder::commit(const std::string& config, const std::string& quantization_config,
                          const std::string& tokenizer) {
  using nlohmann::ordered_json;
  ordered_json j = config.empty() ? ordered_json::object() : ordered_json::parse(config);
  j["quantization_config"] = ordered_json::parse(quantization_config);
  weights_->commit();
  // The old config.json does not describe the new weights.
  if (force_) unlinkat(fd_.get(), kConfig, 0);
  weights_.reset();
  std::error_code ignored;
  const bool same = fs::equivalent(tokenizer, path_, ignored);
  for (const char* name : kCopied) {
    const std::string from = tokenizer + "/" + name;
    if (same || !is_file(from) || (!force_ && is_file(path_ + "/" + name))) continue;
    write(name, read_small(from, kMostCopied));
  }
  write(kConfig, j.dump(2, ' ', false, ordered_json::error_handler_t::replace) + "\n");
  sync_folder(fd_.get());
}
}  // namespace gramzip::cli
