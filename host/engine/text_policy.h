// SPDX-License-Identifier: Apache-2.0
// Sizes by level, and what decides between models (docs/determinism.md): all of it in one place.
#pragma once
#include <cstddef>
#include <cstdint>

namespace gramzip {
struct TextPolicy {
  size_t segment;   // bytes of a segment of text
  uint64_t window;  // bytes of content that a model is chosen for
};
constexpr TextPolicy text_policy(int level) {
  constexpr uint64_t MiB = 1u << 20;
  if (level <= 3) return {1 * MiB, 16 * MiB};
  if (level <= 6) return {4 * MiB, 64 * MiB};
  return {16 * MiB, 256 * MiB};
}

// Text of fewer bytes in a window: no model of it could pay for its section.
inline constexpr uint64_t kLeastTrainingBytes = 1024;
// Models are compared by what they make of a sample: pieces of the window at equal distances.
inline constexpr size_t kSamplePieces = 4;
inline constexpr size_t kSamplePieceBytes = 256u << 10;
// Earlier models of the archive that a window may go on with, without a section.
inline constexpr size_t kRecentModels = 4;
// An earlier model serves as it is if it codes the sample at most 1/64 worse than the sample of the
// window it was trained on.
inline constexpr uint64_t kServesOf = 64;
}  // namespace gramzip
