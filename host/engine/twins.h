// SPDX-License-Identifier: Apache-2.0
// Tensors that look alike by a few samples, and where the segments of those cut so far lie.
#pragma once
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <unordered_map>
#include <vector>

#include "host/base/checksum.h"
#include "host/base/io.h"
#include "host/formats/tensor.h"

namespace gramzip {
inline constexpr uint64_t kLeastTwin = 4u << 10;     // bytes of a tensor that may have twins
inline constexpr uint64_t kOwnSegment = 256u << 10;  // tensors of this size share with no other

class Twins {
 public:
  // across: members may have twins in earlier members.
  explicit Twins(bool across) : across_(across) {}
  // Of each tensor of the next member its group; 0: it has no twin.
  std::vector<uint32_t> look(RandomSource& file, std::span<const Tensor> tensors);
  // How many bytes before themselves the tensors of the member looked at last have their twins, at
  // most.
  uint64_t reach() const { return reach_; }
  // Content that was cut earlier at this offset of a tensor of the group and is the same: where it
  // lies in the archive's content. Else remembers that this one lies at content_at.
  std::optional<uint64_t> find(uint32_t group, uint64_t offset, std::span<const uint8_t> content,
                               uint64_t content_at);

 private:
  struct Look {
    uint64_t bytes;
    ElementType type;
    uint16_t period;
    auto operator<=>(const Look&) const = default;
  };
  struct Key {
    Look look;
    uint64_t low, high;  // hash of the samples
    auto operator<=>(const Key&) const = default;
  };
  struct Segment {
    Hash128 hash;
    size_t bytes;
    uint64_t at;
  };
  const bool across_;
  uint64_t reach_ = 0;
  uint32_t last_ = 0;
  std::map<Key, uint32_t> groups_;
  std::map<std::pair<uint32_t, uint64_t>, std::vector<Segment>> segments_;
};
}  // namespace gramzip
