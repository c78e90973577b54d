// SPDX-License-Identifier: Apache-2.0
// The inputs that every codec test runs over: registered once, used by round trip, parity,
// malformed-input and golden tests. All are generated; nothing is read from disk.
#pragma once
#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "gramzip/core/elements.h"

namespace gramzip::test {
// Content of one segment: whole elements of a type.
struct SegmentCase {
  std::string name;
  ElementType type;
  std::vector<uint8_t> content;
  uint16_t period = 0;  // of type bytes: SegmentInput::period
  bool fast = false;    // coded as fast floats
};
// Sizes around every boundary of the format, degenerate alphabets, repeats, special floats: all
// types.
std::vector<SegmentCase> edge_segments();
// Content for codec planes: integers of every width, records of uneven length, scales among
// weights.
std::vector<SegmentCase> plane_segments();
// Records whose bytes are each of a nature of their own, most of them skewed.
std::vector<uint8_t> make_records(size_t bytes, uint32_t period, uint64_t seed);
// Weights whose deviation changes from run to run: several code tables.
std::vector<uint8_t> make_scales(ElementType type, size_t bytes, uint64_t seed);
// Weights whose deviation depends on their place in records of `period` elements.
std::vector<uint8_t> make_columns(ElementType type, size_t bytes, uint32_t period, uint64_t seed);
// Any valid segment content can come out of this, for some seed.
SegmentCase random_segment(uint64_t seed, size_t max_bytes);

// A whole member's bytes.
struct FileCase {
  std::string name;
  std::vector<uint8_t> content;
};
// Empty, 1 byte, text, binary, random, all equal, checkpoints of every dtype, many tiny tensors.
std::vector<FileCase> edge_files();
// One small file of each kind of coded content, whose archive has about 16 KiB.
std::vector<FileCase> small_files();

// Words drawn by a Zipf-like law: compresses as prose does.
std::vector<uint8_t> make_text(size_t bytes, uint64_t seed);
std::vector<uint8_t> make_random(size_t bytes, uint64_t seed);
// `bytes` of elements of a type, drawn from a normal distribution of deviation `sigma`.
std::vector<uint8_t> make_weights(ElementType type, size_t bytes, double sigma, uint64_t seed);
// Zeros, infinities, NaNs with payloads, denormals of a type, shuffled among ordinary values.
std::vector<uint8_t> special_floats(ElementType type, size_t bytes, uint64_t seed);
// A safetensors file of the given tensors (name, dtype, bytes; shape is flat).
struct TensorCase {
  std::string name;
  std::string dtype;
  std::vector<uint8_t> bytes;
  size_t element_bits;
};
std::vector<uint8_t> make_safetensors(const std::vector<TensorCase>& tensors);
}  // namespace gramzip::test
