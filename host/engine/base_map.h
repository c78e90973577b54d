// SPDX-License-Identifier: Apache-2.0
// Where in a base the like of a tensor or of a member lies.
#pragma once
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "host/engine/base.h"

namespace gramzip {
class BaseMap {
 public:
  // Reads what describes the tensors of the base's members.
  explicit BaseMap(Base& base);
  // A tensor of that name, type, period and size: that of the member's namesake, else the first.
  std::optional<uint64_t> tensor(const std::string& member, const Tensor& t) const;
  // The start of the member's namesake; the base's only member is that of the first member.
  std::optional<uint64_t> member(const std::string& name, bool first) const;
  uint64_t bytes() const { return base_.bytes(); }

 private:
  struct Known {
    size_t part;
    uint64_t at, bytes;
    ElementType type;
    uint16_t period;
  };
  Base& base_;
  std::unordered_map<std::string, std::vector<Known>> tensors_;
};
}  // namespace gramzip
