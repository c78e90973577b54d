// SPDX-License-Identifier: Apache-2.0
// Bases of deltas: the file of --base and those of --base-dir.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "host/cli/options.h"
#include "host/engine/base.h"

namespace gramzip::cli {
class Bases {
 public:
  // The models must outlive it.
  Bases(Options& o, Backend* backend, std::span<const ModelPtr> models);
  // --base; null if it is not given.
  BasePtr given();
  // What DecompressOptions.find_base asks for: --base, or what of --base-dir has that size and
  // hash.
  BasePtr find(const frame::ContentId& id) { return find(id, {}); }

 private:
  // A regular file of --base-dir.
  struct File {
    std::string path;
    bool archive = false;
    uint64_t bytes = 0;           // of its content
    std::optional<Hash128> hash;  // once known
  };
  using Chain = std::vector<frame::ContentId>;  // what is being looked for, outermost first
  BasePtr open(const std::string& path, const Chain& chain);
  BasePtr find(const frame::ContentId& id, Chain chain);
  void look_at_folder();

  Options& o_;
  DecompressOptions decode_;
  BasePtr given_;
  bool looked_ = false;
  std::vector<File> files_;
  std::vector<BasePtr> found_;
};
}  // namespace gramzip::cli
