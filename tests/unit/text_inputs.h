// SPDX-License-Identifier: Apache-2.0
// Texts of every kind for the tests of the parser and the encoder, the same in every run.
#pragma once
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "tests/registry/text_models.h"

namespace gramzip::test {
inline std::vector<uint8_t> bytes_of(const std::string& s) { return {s.begin(), s.end()}; }

// Words with passages copied from all distances, some of them changed in one byte.
inline std::vector<uint8_t> mixed_text(size_t bytes, uint64_t seed) {
  std::mt19937_64 random(seed);
  std::vector<uint8_t> text = testing::made_up_text(bytes / 8, seed);
  while (text.size() < bytes) {
    const size_t length = 4 + random() % 16 * (random() % 16);
    const size_t distance = 1 + random() % std::min<size_t>(text.size(), 1u << (random() % 20));
    for (size_t i = 0; i < length; ++i) text.push_back(text[text.size() - distance]);
    if (random() % 2 == 0) text.push_back(static_cast<uint8_t>('a' + random() % 26));
  }
  text.resize(bytes);
  return text;
}

inline std::vector<std::pair<std::string, std::vector<uint8_t>>> text_inputs() {
  std::mt19937_64 random(4);
  std::vector<std::pair<std::string, std::vector<uint8_t>>> all;
  all.emplace_back("1 byte", bytes_of("x"));
  all.emplace_back("31 bytes", testing::made_up_text(31, 1));
  all.emplace_back("33 bytes", testing::made_up_text(33, 2));
  all.emplace_back("512 bytes", testing::made_up_text(512, 3));
  all.emplace_back("words", testing::made_up_text(90000, 4));
  all.emplace_back("copies", mixed_text(300000, 5));
  all.emplace_back("all equal", std::vector<uint8_t>(300000, 'a'));
  all.emplace_back("a block and a byte", mixed_text((1 << 18) + 1, 6));
  all.emplace_back("a block less a byte", mixed_text((1 << 18) - 1, 7));
  std::vector<uint8_t> noise(70000);
  for (uint8_t& b : noise) b = static_cast<uint8_t>(random());
  all.emplace_back("noise", noise);
  std::vector<uint8_t> period;
  for (size_t i = 0; i < 290000; ++i) period.push_back(static_cast<uint8_t>("abcdefg\n"[i % 7]));
  all.emplace_back("period of 7", period);
  // Runs of one byte and of a long period, so that copies reach into themselves and over lanes.
  std::vector<uint8_t> runs;
  while (runs.size() < 200000) {
    runs.insert(runs.end(), 1 + random() % 3000, static_cast<uint8_t>(' ' + random() % 3));
    runs.insert(runs.end(), noise.begin(), noise.begin() + 40 + random() % 300);
  }
  all.emplace_back("long runs", runs);
  std::string utf8;
  while (utf8.size() < 60000) {
    const auto c = static_cast<uint32_t>(0x4e00 + random() % 60 * (random() % 60));
    utf8 += {static_cast<char>(0xe0 | c >> 12), static_cast<char>(0x80 | (c >> 6 & 63)),
             static_cast<char>(0x80 | (c & 63))};
    if (random() % 30 == 0) utf8 += "\xc3\xa4 ";
  }
  all.emplace_back("UTF-8", bytes_of(utf8));
  return all;
}
}  // namespace gramzip::test
