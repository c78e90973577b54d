// SPDX-License-Identifier: Apache-2.0
// What the benchmark codes: generated content, as segments.
#pragma once
#include <memory>

#include "host/backend/backend.h"

namespace gramzip::bench {
inline constexpr size_t kSegmentBytes = size_t{4} << 20;

struct Case {
  std::string name;
  SegmentInput settings;                      // without content
  std::vector<std::vector<uint8_t>> content;  // of a segment; used in turn
  std::vector<uint8_t> base;                  // of each segment, or empty
  uint64_t most_bytes = ~uint64_t{0};         // device memory and time allow no more
  std::shared_ptr<const void> keeps;          // what `settings` points to

  SegmentInput segment(size_t i) const {
    SegmentInput s = settings;
    s.content = content[i % content.size()];
    s.base = base;
    return s;
  }
};

std::vector<Case> make_cases();
}  // namespace gramzip::bench
