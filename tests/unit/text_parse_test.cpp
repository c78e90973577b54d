// SPDX-License-Identifier: Apache-2.0
// Matches and parse against their definitions, tried without tables or bounds.
#include "host/cpu/text_parse.h"

#include <gtest/gtest.h>

#include <optional>

#include "host/base/error.h"
#include "host/model/trie.h"
#include "tests/unit/text_inputs.h"

namespace gramzip::test {
namespace {
using text::MatchOffer;
using text::ParseSettings;
using Offers = std::array<MatchOffer, text::kMatchSlots>;

uint32_t common(std::span<const uint8_t> text, uint32_t q, uint32_t p, uint32_t end) {
  uint32_t n = 0;
  while (p + n < end && text[q + n] == text[p + n]) ++n;
  return n;
}
// The candidates of position p for one hash, nearest first, as core/parse.h defines them.
std::vector<MatchOffer> candidates(std::span<const uint8_t> text, const ParseSettings& s,
                                   const text::MatchHash& h, uint32_t p, uint32_t end,
                                   bool any_gain = false) {
  const auto size = static_cast<uint32_t>(text.size());
  std::vector<MatchOffer> out;
  if (h.ways == 0 || p + h.bytes > size) return out;
  const uint32_t shift = 64 - text::slot_log2(s, size);
  const auto slot = [&](uint32_t at) {
    return text::match_hash(text.data() + at, h.bytes) >> shift;
  };
  uint32_t left = h.ways;
  for (uint32_t q = p; q-- > 0 && left > 0;) {
    if (slot(q) != slot(p)) continue;
    --left;
    const uint32_t n = common(text, q, p, end);
    if (n >= h.bytes && (any_gain || text::match_gain(n, p - q) >= s.min_gain))
      out.push_back({p - q, n});
  }
  return out;
}
// What the positions of a lane offer.
std::vector<Offers> offers_of(std::span<const uint8_t> text, const ParseSettings& s,
                              text::LaneSpan span) {
  std::vector<Offers> out;
  text::MatchSlot slots[text::kMatchSlots];
  std::optional<uint32_t> run;
  uint32_t run_end = 0;
  for (uint32_t p = span.begin; p < span.end; ++p) {
    std::array<std::vector<MatchOffer>, text::kMatchHashes> found;
    for (uint32_t k = 0; k < text::kMatchHashes; ++k)
      found[k] = candidates(text, s, s.hash[k], p, span.end);
    if (p % text::kGroup == 0) {
      run.reset();
      const auto longest = candidates(text, s, s.hash[text::kMatchHashes - 1], p, span.end, true);
      if (!longest.empty() && text::fills_group(longest[0].length, span.end - p)) {
        run = longest[0].distance;
        run_end = p + longest[0].length;
      }
    }
    if (p == span.begin && p % text::kGroup != 0) run.reset();
    Offers own{};
    if (run) {
      own[0] = {*run, run_end - p};
    } else {
      uint32_t best = 0;
      for (uint32_t k = text::kMatchHashes; k-- > 0;)
        for (const MatchOffer& m : found[k])
          if (const uint32_t gain = text::match_gain(m.length, m.distance); gain > best) {
            best = gain;
            own[0] = m;
          }
      for (uint32_t k = 0; k < 2; ++k)
        if (!found[k].empty()) own[1 + k] = found[k][0];
    }
    text::drop_doubles(own.data());
    Offers& now = out.emplace_back();
    for (uint32_t k = 0; k < text::kMatchSlots; ++k) {
      slots[k].found(p, own[k], k == 0, s.hash[0].bytes);
      now[k] = slots[k].at(p, s.hash[0].bytes);
    }
  }
  return out;
}

TEST(TextMatch, OffersAreThoseOfTheDefinition) {
  for (const uint32_t effort : {1u, 4u, 6u, 7u, 9u}) {
    ParseSettings s = text::parse_settings(effort);
    s.block_log2 = 16;
    for (const auto& text : {mixed_text(9000, effort), std::vector<uint8_t>(3000, 'z'),
                             testing::made_up_text(5000, effort), mixed_text(31, 2)}) {
      cpu::MatchFinder finder;
      cpu::SegmentMatches found;
      finder.find(text, s, found);
      ASSERT_EQ(found.lane_changes.size(), 33u);
      for (uint32_t lane = 0; lane < kLanes; ++lane) {
        const text::LaneSpan span =
            text::lane_span(static_cast<uint32_t>(text.size()), s.block_log2, lane);
        const auto expected = offers_of(text, s, span);
        text::MatchSlot slots[text::kMatchSlots];
        uint32_t c = found.lane_changes[lane];
        for (uint32_t p = span.begin; p < span.end; ++p) {
          for (; c < found.lane_changes[lane + 1] &&
                 cpu::change_position(found.changes[c]) == p - span.begin;
               ++c) {
            const MatchOffer m = cpu::change_offer(found.changes[c]);
            slots[cpu::change_slot(found.changes[c])] = {p + m.length, m.distance};
          }
          for (uint32_t k = 0; k < text::kMatchSlots; ++k) {
            const MatchOffer m = slots[k].at(p, s.hash[0].bytes);
            ASSERT_EQ(m.length, expected[p - span.begin][k].length) << effort << " " << p;
            if (m.length > 0) {
              ASSERT_EQ(m.distance, expected[p - span.begin][k].distance) << effort << " " << p;
            }
          }
        }
        EXPECT_EQ(c, found.lane_changes[lane + 1]);
      }
    }
  }
}

// One class: the cost of a symbol does not depend on the one before.
struct Costs {
  std::vector<std::string> strings;
  model::Trie trie;
  std::vector<text::SymbolCost> symbol;
  std::vector<uint8_t> class_of;
  text::ParseCosts view{};
  Costs(std::span<const uint8_t> text, uint32_t classes, uint64_t seed)
      : strings(testing::frequent_strings(text, 60)), trie(strings) {
    std::mt19937_64 random(seed);
    view.strings_end = 256 + static_cast<uint32_t>(strings.size());
    view.symbols = view.strings_end + text::kMatchSymbols;
    view.classes = classes;
    for (size_t i = 0; i < size_t{classes} * view.symbols; ++i)
      symbol.push_back(static_cast<text::SymbolCost>(8 + random() % 100));
    for (uint32_t s = 0; s < view.symbols; ++s)
      class_of.push_back(static_cast<uint8_t>(random() % classes));
    for (auto& row : view.distance)
      for (uint32_t b = 0; b < text::kDistanceBuckets; ++b)
        row[b] = static_cast<uint16_t>(8 + random() % 60 + text::bucket(b).raw_bits * 8);
    view.symbol = symbol.data();
    view.class_of = class_of.data();
    view.trie = trie.view();
  }
};

// All edges, from the end back. No repeats, and matches at full length only.
uint64_t least_cost(std::span<const uint8_t> text, const ParseSettings& s, const Costs& c) {
  uint64_t total = 0;
  for (uint32_t lane = 0; lane < kLanes; ++lane) {
    const text::LaneSpan span =
        text::lane_span(static_cast<uint32_t>(text.size()), s.block_log2, lane);
    const auto offers = offers_of(text, s, span);
    const uint32_t n = span.end - span.begin;
    std::vector<uint64_t> to_end(n + 1, 0);
    for (uint32_t p = n; p-- > 0;) {
      const uint8_t* at = text.data() + span.begin + p;
      uint64_t best = to_end[p + 1] + c.symbol[*at];
      for (size_t i = 0; i < c.strings.size(); ++i) {
        const std::string& w = c.strings[i];
        if (w.size() <= n - p && std::equal(w.begin(), w.end(), at, [](char a, uint8_t b) {
              return static_cast<uint8_t>(a) == b;
            }))
          best = std::min(best, to_end[p + w.size()] + c.symbol[256 + i]);
      }
      for (const MatchOffer& m : offers[p]) {
        if (m.length == 0) continue;
        const uint32_t b = text::length_bucket(m.length);
        best =
            std::min(best, to_end[p + m.length] + c.symbol[c.view.strings_end + b] +
                               text::bucket(b).raw_bits * 8 +
                               c.view.distance[text::length_class(b)][text::bucket_of(m.distance)]);
      }
      to_end[p] = best;
    }
    total += to_end[0];
  }
  return total;
}

TEST(TextParse, IsTheCheapestOfAll) {
  for (uint64_t seed = 0; seed < 8; ++seed) {
    const auto text = mixed_text(1500 + seed * 700, seed);
    const Costs costs(text, 1, seed);
    ParseSettings s = text::parse_settings(seed < 4 ? 4 : 9);
    s.repeat_lengths = 0;
    s.new_lengths = 1;
    s.bound = false;
    cpu::SegmentParser parser;
    cpu::SegmentTokens tokens;
    parser.begin(text, s);
    parser.parse(costs.view, tokens);
    const uint64_t least = least_cost(text, s, costs);
    EXPECT_EQ(tokens.cost, least) << seed;
    // The bound may cost a little, never more.
    s.bound = true;
    parser.begin(text, s);
    parser.parse(costs.view, tokens);
    EXPECT_GE(tokens.cost, least);
    EXPECT_LE(tokens.cost, least + least / 50) << seed;
  }
}
// The tokens give the text back, and their costs add up to the parse's.
TEST(TextParse, TokensCostWhatTheParseSays) {
  for (const uint32_t effort : {1u, 3u, 5u, 7u, 9u})
    for (const auto& [name, text] : text_inputs()) {
      const Costs costs(testing::made_up_text(20000, 1), 5, effort);
      cpu::SegmentParser parser;
      cpu::SegmentTokens t;
      parser.begin(text, text::parse_settings(effort));
      parser.parse(costs.view, t);
      SCOPED_TRACE(name);
      std::vector<uint8_t> back;
      uint64_t cost = 0;
      size_t m = 0;
      ASSERT_EQ(t.lane_symbols.back(), t.symbols.size());
      ASSERT_EQ(t.lane_matches.back(), t.matches.size());
      for (size_t lane = 0; lane + 1 < t.lane_symbols.size(); ++lane) {
        text::Repeats last;
        uint32_t before = text::kFirstContext;
        ASSERT_EQ(t.lane_matches[lane], m);
        for (uint32_t i = t.lane_symbols[lane]; i < t.lane_symbols[lane + 1]; ++i) {
          const uint32_t s = t.symbols[i];
          cost += costs.view.row(before)[s];
          before = s;
          if (s < 256) {
            back.push_back(static_cast<uint8_t>(s));
          } else if (s < costs.view.strings_end) {
            const std::string& w = costs.strings[s - 256];
            back.insert(back.end(), w.begin(), w.end());
          } else {
            const cpu::Match match = t.matches[m++];
            const uint32_t b = text::length_bucket(match.length);
            const uint32_t kind = (s - costs.view.strings_end) / text::kLengthBuckets;
            ASSERT_EQ(s, text::match_symbol(costs.view.strings_end, kind, b));
            cost += text::bucket(b).raw_bits * text::kCostPerBit;
            if (kind == 0) {
              cost += costs.view.distance[text::length_class(b)][text::bucket_of(match.distance)];
              last.push(match.distance);
            } else {
              ASSERT_EQ(last.take(kind - 1), match.distance);
            }
            ASSERT_GE(match.distance, 1u);
            ASSERT_LE(match.distance, back.size());
            for (uint32_t k = 0; k < match.length; ++k)
              back.push_back(back[back.size() - match.distance]);
          }
        }
      }
      ASSERT_EQ(back, text);
      EXPECT_EQ(cost, t.cost);
    }
}
TEST(TextParse, WorkingMemoryLeavesNoTrace) {
  cpu::SegmentParser used;
  for (const auto& [name, text] : text_inputs()) {
    const Costs costs(testing::made_up_text(20000, 1), 5, 2);
    const Costs other(testing::made_up_text(20000, 9), 3, 4);
    cpu::SegmentTokens a, b;
    used.begin(text, text::parse_settings(6));
    used.parse(other.view, a);
    used.parse(costs.view, a);
    cpu::SegmentParser fresh;
    fresh.begin(text, text::parse_settings(6));
    fresh.parse(costs.view, b);
    EXPECT_EQ(a.symbols, b.symbols) << name;
    EXPECT_EQ(a.cost, b.cost);
  }
}
TEST(TextParse, RefusesSizes) {
  cpu::SegmentParser parser;
  EXPECT_THROW(parser.begin({}, text::parse_settings(6)), Error);
  const std::vector<uint8_t> large((1u << 24) + 1);
  EXPECT_THROW(parser.begin(large, text::parse_settings(6)), Error);
}
}  // namespace
}  // namespace gramzip::test
