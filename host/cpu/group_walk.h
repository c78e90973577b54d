// SPDX-License-Identifier: Apache-2.0
// The groups of elements that share a scale, of a piece of a tensor.
#pragma once
#include <algorithm>
#include <cstddef>
#include <cstdint>

namespace gramzip::cpu {
// f(g, begin, end): elements begin to end - 1 of the n of the piece, whose first one is number
// `first` of its tensor, are of group g. One call with group 0 if group is 0.
template <class F>
void for_groups(uint64_t first, size_t n, uint32_t group, F&& f) {
  if (group == 0) return f(uint64_t{0}, size_t{0}, n);
  uint64_t g = first / group;
  uint64_t left = group - first % group;
  for (size_t begin = 0; begin < n; ++g, left = group) {
    const size_t end = begin + static_cast<size_t>(std::min<uint64_t>(left, n - begin));
    f(g, begin, end);
    begin = end;
  }
}
}  // namespace gramzip::cpu
