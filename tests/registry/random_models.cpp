// SPDX-License-Identifier: Apache-2.0
#include "tests/registry/random_models.h"

#include <algorithm>

#include "gramzip/core/bitpack.h"

namespace gramzip::test {
namespace {
using Rng = std::mt19937_64;

uint32_t below(Rng& g, uint32_t n) { return static_cast<uint32_t>(g() % n); }

// n lengths, 1 to limit, whose Kraft sum is 1: leaves of a tree grown by splitting. skewed: the
// leaf split last is split again, so that codes reach the limit.
std::vector<uint8_t> random_lengths(Rng& g, uint32_t n, uint32_t limit, bool skewed) {
  std::vector<uint8_t> leaves = {1, 1};
  while (leaves.size() < n) {
    size_t i = skewed && below(g, 4) > 0 ? leaves.size() - 1 : g() % leaves.size();
    while (leaves[i] == limit) i = (i + 1) % leaves.size();
    leaves.push_back(++leaves[i]);
  }
  std::shuffle(leaves.begin(), leaves.end(), g);
  return leaves;
}

// `count` of `all` symbols, ascending.
std::vector<uint16_t> some_symbols(Rng& g, uint32_t all, uint32_t count) {
  std::vector<uint16_t> symbols(all);
  for (uint32_t i = 0; i < all; ++i) symbols[i] = static_cast<uint16_t>(i);
  std::shuffle(symbols.begin(), symbols.end(), g);
  symbols.resize(count);
  std::sort(symbols.begin(), symbols.end());
  return symbols;
}

model::NgramModel draw_model(Rng& g) {
  const bool skewed = below(g, 2) == 0;
  model::NgramModel m;
  const uint32_t strings = below(g, 3) == 0 ? 0 : 1 + below(g, 1500);
  const uint32_t letters = 1 + below(g, 255);
  for (uint32_t i = 0; i < strings; ++i) {
    std::string s(2 + (below(g, 4) == 0 ? below(g, 31) : below(g, 6)), ' ');
    for (char& c : s) c = static_cast<char>(below(g, letters));
    m.strings.push_back(s);
  }
  // A trie holds a string once; symbols stay in an order of their own.
  std::sort(m.strings.begin(), m.strings.end());
  m.strings.erase(std::unique(m.strings.begin(), m.strings.end()), m.strings.end());
  std::shuffle(m.strings.begin(), m.strings.end(), g);
  const uint32_t symbols = m.symbols();
  m.popularity.assign(symbols, 5);
  const uint32_t classes = below(g, 4) == 0 ? 1 + below(g, 128) : 1 + below(g, 6);
  m.class_of.resize(symbols);
  for (uint8_t& c : m.class_of) c = static_cast<uint8_t>(below(g, classes));

  // Every byte and some others.
  std::vector<uint32_t> coded;
  for (uint32_t s = 0; s < symbols; ++s)
    if (s < text::kByteSymbols || below(g, 3) > 0) coded.push_back(s);
  const auto global =
      random_lengths(g, static_cast<uint32_t>(coded.size()), text::kGlobalCodeLimit, skewed);
  m.global_lengths.assign(symbols, 0);
  for (size_t i = 0; i < coded.size(); ++i) m.global_lengths[coded[i]] = global[i];

  for (uint32_t c = 0; c < classes; ++c) {
    model::ClassCode code;
    code.symbols = some_symbols(g, symbols, 1 + below(g, below(g, 3) == 0 ? symbols : 60));
    const auto lengths = random_lengths(g, static_cast<uint32_t>(code.symbols.size()) + 1,
                                        text::kClassCodeLimit, skewed);
    code.escape = lengths.back();
    code.lengths.assign(lengths.begin(), lengths.end() - 1);
    m.codes.push_back(code);
  }
  for (auto& lengths : m.distance_lengths) {
    const auto chosen =
        some_symbols(g, text::kDistanceBuckets - 1, 2 + below(g, text::kDistanceBuckets - 2));
    const auto some =
        random_lengths(g, static_cast<uint32_t>(chosen.size()), text::kDistanceCodeLimit, skewed);
    for (size_t i = 0; i < chosen.size(); ++i) lengths[chosen[i] + 1u] = some[i];
  }
  return m;
}
}  // namespace

std::shared_ptr<const model::TextModel> random_model(uint64_t seed) {
  Rng g(seed * 7919 + 1);
  model::NgramModel m = draw_model(g);
  while (model::machine_entries(m) > text::kMaxMachineEntries) m = draw_model(g);
  m.id = {seed, 0x7e57};
  return std::make_shared<const model::TextModel>(std::move(m));
}

std::vector<BitCode> canonical_codes(std::span<const uint8_t> lengths) {
  std::vector<BitCode> codes(lengths.size());
  uint32_t code = 0;
  for (uint32_t length = 1; length <= 20; ++length, code <<= 1)
    for (size_t s = 0; s < lengths.size(); ++s)
      if (lengths[s] == length) codes[s] = {reverse_bits(code++, length), length};
  return codes;
}

ModelCodes::ModelCodes(const model::NgramModel& m) : global(canonical_codes(m.global_lengths)) {
  for (const model::ClassCode& c : m.codes) {
    std::vector<uint8_t> lengths(m.symbols() + 1, 0);
    for (size_t i = 0; i < c.symbols.size(); ++i) lengths[c.symbols[i]] = c.lengths[i];
    lengths.back() = c.escape;
    classes.push_back(canonical_codes(lengths));
  }
  for (const auto& lengths : m.distance_lengths) distances.push_back(canonical_codes(lengths));
}
}  // namespace gramzip::test
