// SPDX-License-Identifier: Apache-2.0
// A model's folder as transformers and vLLM load it: weights, config.json, the tokenizer's files.
#pragma once
#include <string>
#include <vector>

#include "host/base/io.h"
#include "host/cli/output.h"

namespace gramzip::cli {
// The text of config.json in the folder of a file; empty if there is none.
std::string read_config(const std::string& folder);

// Every file is the old one or complete. An old config.json goes when the new weights are in place,
// and the new one comes last, so that a folder with one is whole.
class ExportFolder {
 public:
  // Makes the folder if it is not there. Refuses one with such files unless `force`, and with other
  // weights always.
  ExportFolder(const std::string& path, bool force);
  // Removes the folder if this made it and nothing is in it.
  ~ExportFolder();
  ExportFolder(const ExportFolder&) = delete;
  ExportFolder& operator=(const ExportFolder&) = delete;

  Sink& weights() { return *weights_; }
  // weights() is complete. config: the model's config.json, "" if it has none; tokenizer: the
  // folder whose tokenizer's files are copied.
  void commit(const std::string& config, const std::string& quantization_config,
              const std::string& tokenizer);

 private:
  void write(const std::string& name, const std::string& text);

  std::string path_;
  bool force_, made_ = false;
  Fd fd_;
  std::unique_ptr<OutputFile> weights_;
};
}  // namespace gramzip::cli
