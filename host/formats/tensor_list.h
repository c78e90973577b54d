// SPDX-License-Identifier: Apache-2.0
// Gathers the tensors of a file under a limit of memory and checks them against each other.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "host/formats/tensor.h"

namespace gramzip::formats {
class TensorList {
 public:
  // What all tensors of a file may take: some 150,000 with names of 60 bytes.
  static constexpr uint64_t kMaxMemory = 32u << 20;
  // `format` begins the errors.
  explicit TensorList(const char* format) : format_(format) {}

  // Throws Error(corrupt) if the limit is reached.
  void add(Tensor t);
  void rename(size_t i, std::string name);  // throws likewise
  size_t size() const { return tensors_.size(); }
  std::vector<Tensor>& items() { return tensors_; }

  // Throws if two have the same name; `what` is how the format calls it ("key", "tensor").
  void check_names(const char* what) const;
  // In order of begin; throws if two overlap.
  void sort_by_place();

 private:
  void charge(uint64_t bytes);

  const char* format_;
  uint64_t memory_ = 0;
  std::vector<Tensor> tensors_;
};
}  // namespace gramzip::formats
