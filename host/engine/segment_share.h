// SPDX-License-Identifier: Apache-2.0
// What a part of the content takes of an archive.
#pragma once
#include <algorithm>
#include <cstdint>

namespace gramzip {
// segments: in order, with content_offset, content_bytes and section_bytes. Of each segment of
// content [begin, end) what its bytes take in proportion.
template <class Segments>
uint64_t segment_share(const Segments& segments, uint64_t begin, uint64_t end) {
  auto s = std::upper_bound(segments.begin(), segments.end(), begin, [](uint64_t b, const auto& x) {
    return b < x.content_offset + x.content_bytes;
  });
  double sum = 0;
  for (; s != segments.end() && s->content_offset < end; ++s) {
    const uint64_t from = std::max(begin, s->content_offset);
    const uint64_t to = std::min(end, s->content_offset + s->content_bytes);
    sum += static_cast<double>(s->section_bytes) * static_cast<double>(to - from) /
           static_cast<double>(s->content_bytes);
  }
  return static_cast<uint64_t>(sum + 0.5);
}
}  // namespace gramzip
