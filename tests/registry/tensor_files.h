// SPDX-License-Identifier: Apache-2.0
// Writers of small tensor files of every format, with a say in each field, so that tests can break
// them one by one.
#pragma once
#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

namespace gramzip::test {
std::string le(uint64_t v, size_t bytes);  // little-endian

// A .npy of the dict literal, padded as numpy does it, and data.
std::string npy_file(const std::string& dict, const std::string& data, int version = 1);
std::string npy_dict(const std::string& descr, const std::string& shape, bool fortran = false);

struct ZipEntry {
  std::string name, data;
  uint16_t method = 0, flags = 0;
  bool descriptor = false;  // sizes behind the data, none in the local header, as PyTorch writes
  bool zip64 = false;       // sizes in the extra field, as numpy writes
  size_t align = 0;         // of the data, by an extra field "FB", as PyTorch writes
  std::string local_name = {};  // if it differs
};
struct ZipFile {
  std::vector<ZipEntry> entries;
  bool end64 = false;  // with a ZIP64 end and locator
  std::string comment;
  // Called with the directory's bytes and the end record's before they are written.
  std::function<void(std::string& directory, std::string& end)> spoil;
  std::string bytes() const;
};

// A data.pkl of {name: tensor}, protocol 2, as torch.save writes a state dict.
struct TorchTensor {
  std::string name, storage_class, key;
  std::vector<uint32_t> shape;
  uint32_t elements;
  uint32_t offset = 0;
};
std::string torch_pickle(const std::vector<TorchTensor>& tensors, bool nested = false);
// The archive: data.pkl, byteorder, data/KEY, version, .data/serialization_id.
ZipFile torch_file(const std::string& pickle,
                   const std::vector<std::pair<std::string, std::string>>& storages,
                   const std::string& byteorder = "little");

struct GgufTensor {
  std::string name;
  std::vector<uint64_t> dims;  // fastest first, as in the file
  uint32_t type;
  uint64_t offset;
};
struct GgufFile {
  uint32_t version = 3;
  std::string metadata;  // key-value pairs as bytes
  uint64_t keys = 0;
  std::vector<GgufTensor> tensors;
  uint64_t data_bytes = 0, alignment = 32;
  std::string bytes() const;
  void key(const std::string& name, uint32_t type, const std::string& value);
};
std::string gguf_string(const std::string& s);

// One good file of each format, by name, for fuzzers and end-to-end tests.
std::vector<std::pair<std::string, std::string>> tensor_file_samples();
}  // namespace gramzip::test
