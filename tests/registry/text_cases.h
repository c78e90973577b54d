// SPDX-License-Identifier: Apache-2.0
// Segments of text for the codec with models: every codec test of text runs over them.
#pragma once
#include <string>
#include <vector>

#include "host/engine/engine.h"

namespace gramzip::test {
struct TextCase {
  std::string name;
  std::vector<uint8_t> content;
  uint8_t effort;
  ModelPtr model;  // trained on other text of the same kind
};
// Prose, logs, JSON lines, source code and UTF-8 of several scripts at efforts 1, 6 and 9; sizes
// around those of lanes and blocks; text unlike the model's, long repeats, one byte over and over,
// noise.
std::vector<TextCase> text_cases();

// The generators, by kind: 0 prose, 1 logs, 2 JSON lines, 3 code, 4 UTF-8.
inline constexpr int kTextKinds = 5;
std::vector<uint8_t> make_text_of(int kind, size_t bytes, uint64_t seed);
const char* text_kind_name(int kind);
// A model of the kind, trained once a process.
ModelPtr model_of_kind(int kind);
}  // namespace gramzip::test
