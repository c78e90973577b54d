// SPDX-License-Identifier: Apache-2.0
#include "host/engine/twins.h"

#include <algorithm>

namespace gramzip {
namespace {
constexpr size_t kSamples = 4, kSampleBytes = 256;

// Samples at equal distances from the first byte to the last.
Hash128 sample(RandomSource& file, const Tensor& t) {
  uint8_t bytes[kSamples * kSampleBytes];
  size_t n = 0;
  const uint64_t room = t.end - t.begin - kSampleBytes;
  for (size_t i = 0; i < kSamples; ++i)
    n += file.read_at(t.begin + room / (kSamples - 1) * i, bytes + n, kSampleBytes);
  return hash128({bytes, n});
}
}  // namespace

std::vector<uint32_t> Twins::look(RandomSource& file, std::span<const Tensor> tensors) {
  std::vector<uint32_t> groups(tensors.size(), 0);
  const auto look_of = [](const Tensor& t) { return Look{t.end - t.begin, t.type, t.period}; };
  std::map<Look, size_t> alike;
  for (const Tensor& t : tensors) ++alike[look_of(t)];

  struct Seen {
    uint64_t begin;
    std::vector<size_t> tensors;
  };
  std::map<Key, Seen> seen;
  for (size_t i = 0; i < tensors.size(); ++i) {
    const Look look = look_of(tensors[i]);
    if (look.bytes < kLeastTwin || (!across_ && alike[look] < 2)) continue;
    const Hash128 hash = sample(file, tensors[i]);
    Seen& s =
        seen.try_emplace({look, hash.low, hash.high}, Seen{tensors[i].begin, {}}).first->second;
    s.tensors.push_back(i);
  }
  reach_ = 0;
  for (const auto& [key, s] : seen) {
    uint32_t group = 0;
    if (const auto known = groups_.find(key); known != groups_.end()) {
      group = known->second;
    } else if (s.tensors.size() > 1 || (across_ && key.look.bytes >= kOwnSegment)) {
      // A small tensor alone shares its segment; nothing can refer to it.
      group = ++last_;
      if (across_) groups_.emplace(key, group);
    }
    for (const size_t i : s.tensors) groups[i] = group;
    if (group != 0) reach_ = std::max(reach_, tensors[s.tensors.back()].begin - s.begin);
  }
  return groups;
}

std::optional<uint64_t> Twins::find(uint32_t group, uint64_t offset,
                                    std::span<const uint8_t> content, uint64_t content_at) {
  std::vector<Segment>& known = segments_[{group, offset}];
  const Hash128 hash = hash128(content);
  for (const Segment& s : known)
    if (s.bytes == content.size() && s.hash == hash) return s.at;
  known.push_back({hash, content.size(), content_at});
  return std::nullopt;
}
}  // namespace gramzip
