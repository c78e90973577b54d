// SPDX-License-Identifier: Apache-2.0
#include "host/formats/tensor_list.h"

#include <algorithm>
#include <numeric>

#include "host/formats/fault.h"

namespace gramzip::formats {
void TensorList::charge(uint64_t bytes) {
  memory_ += bytes;
  if (memory_ > kMaxMemory)
    refuse(format_, "its tensors take more than 32 MiB to describe, after " +
                        std::to_string(tensors_.size()) + " of them");
}

void TensorList::add(Tensor t) {
  const auto heap = [](size_t bytes) { return bytes == 0 ? 0 : bytes + 16; };
  charge(sizeof(Tensor) + heap(t.name.size() > 15 ? t.name.size() : 0) +
         heap(t.dtype.size() > 15 ? t.dtype.size() : 0) + heap(8 * t.shape.size()));
  t.shape.shrink_to_fit();
  tensors_.push_back(std::move(t));
}

void TensorList::rename(size_t i, std::string name) {
  charge(name.size());
  tensors_[i].name = std::move(name);
}

void TensorList::check_names(const char* what) const {
  std::vector<uint32_t> order(tensors_.size());
  std::iota(order.begin(), order.end(), 0u);
  const auto name = [this](uint32_t i) -> const std::string& { return tensors_[i].name; };
  std::sort(order.begin(), order.end(), [&](uint32_t a, uint32_t b) { return name(a) < name(b); });
  const auto twice = std::adjacent_find(order.begin(), order.end(),
                                        [&](uint32_t a, uint32_t b) { return name(a) == name(b); });
  if (twice != order.end())
    refuse(format_, std::string(what).append(" ").append(in_quotes(name(*twice))) + " twice");
}

void TensorList::sort_by_place() {
  std::stable_sort(tensors_.begin(), tensors_.end(), [](const Tensor& a, const Tensor& b) {
    return a.begin != b.begin ? a.begin < b.begin : a.end < b.end;
  });
  for (size_t i = 1; i < tensors_.size(); ++i) {
    const Tensor &a = tensors_[i - 1], &b = tensors_[i];
    if (b.begin < a.end)
      refuse(format_, "tensor " + in_quotes(b.name) + ": begins at " + std::to_string(b.begin) +
                          ", inside tensor " + in_quotes(a.name) + " that ends at " +
                          std::to_string(a.end));
  }
}
}  // namespace gramzip::formats
