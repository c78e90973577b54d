// SPDX-License-Identifier: Apache-2.0
//
// The threads of a block that can run, and the order in which they do.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "simt/rng.h"

namespace simt {

// Order of execution.  See Options::seed.
class ReadyQueue {
 public:
  // Empties the queue.  Holds at most `capacity` threads.
  void reset(size_t capacity, uint64_t seed, uint64_t block) {
    ids_.resize(capacity);
    head_ = count_ = 0;
    policy_ = seed == 0 ? Policy::kRoundRobin : seed % 2 ? Policy::kNewestFirst : Policy::kRandom;
    rng_ = Rng(seed, block);
  }

  bool empty() const { return count_ == 0; }
  Rng& rng() { return rng_; }

  void push(uint16_t id) {
    // Only round robin moves head_; the other policies keep a bag in [0, count_).
    size_t i = head_ + count_++;
    if (i >= ids_.size()) i -= ids_.size();
    ids_[i] = id;
  }

  uint16_t pop() {
    if (policy_ == Policy::kRoundRobin) {
      const uint16_t id = ids_[head_];
      if (++head_ == ids_.size()) head_ = 0;
      --count_;
      return id;
    }
    size_t i = count_ - 1;
    if (policy_ == Policy::kRandom || rng_.below(kStayOdds) == 0) i = rng_.below(uint32_t(count_));
    const uint16_t id = ids_[i];
    ids_[i] = ids_[--count_];
    return id;
  }

 private:
  enum class Policy { kRoundRobin, kRandom, kNewestFirst };
  // Newest first would starve a thread that others wait for in a loop; one pop in so many is
  // random.
  static constexpr uint32_t kStayOdds = 16;

  std::vector<uint16_t> ids_;
  size_t head_ = 0;
  size_t count_ = 0;
  Policy policy_ = Policy::kRoundRobin;
  Rng rng_;
};

}  // namespace simt
