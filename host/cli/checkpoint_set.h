// SPDX-License-Identifier: Apache-2.0
// The tensors of one checkpoint, whatever holds it: a tensor file, the index of several, a folder
// of them, or an archive of any.
#pragma once
#include <memory>
#include <string>
#include <vector>

#include "host/base/workers.h"
#include "host/cli/bases.h"
#include "host/cli/options.h"
#include "host/formats/checkpoint.h"

namespace gramzip::cli {
struct StoredTensor {
  Tensor tensor;              // offsets are those of its file, or of its archive's content
  uint64_t stored_bytes = 0;  // what it takes there: of an archive its share
  size_t part = 0;            // which file or archive
  std::string where;          // its file, as messages name it
  uint64_t bytes() const { return tensor.end - tensor.begin; }
  uint64_t elements() const;  // of the shape
};

class CheckpointSet {
 public:
  // Opens the path; throws Error or CliError that names the file if there are no tensors, a file is
  // broken, or two tensors have one name. `decode` is for archives. A folder gives the tensor files
  // and archives in it and below; its other files are left out.
  CheckpointSet(Options& o, const std::string& path, const DecompressOptions& decode,
                Workers& workers);

  const std::vector<StoredTensor>& tensors() const { return tensors_; }  // by file, as they lie
  const StoredTensor* find(const std::string& name) const;
  uint64_t file_bytes() const { return file_bytes_; }  // of all its files
  // Bytes of the tensor from `at` on, all of `out`.
  void read(const StoredTensor& t, uint64_t at, std::span<uint8_t> out);

 private:
  struct Part {
    std::shared_ptr<RandomSource> file;
    std::unique_ptr<ArchiveReader> archive;  // null: the file is as it is
    std::string path;
  };
  // False if it holds no tensors.
  bool open(const std::string& path);
  void take(Checkpoint checkpoint, const std::string& where);
  void index_names();

  DecompressOptions decode_;
  Workers& workers_;
  std::vector<Part> parts_;
  std::vector<StoredTensor> tensors_;
  std::vector<size_t> by_name_;
  uint64_t file_bytes_ = 0;
};
}  // namespace gramzip::cli
