// SPDX-License-Identifier: Apache-2.0
#include "host/cpu/text_parse.h"

#include <algorithm>

#include "host/base/error.h"
#include "host/cpu/common_bytes.h"

namespace gramzip::cpu {
namespace {
using text::MatchOffer;
using text::ParseNode;

// How many positions ahead the first cell of a trie walk is fetched.
constexpr uint32_t kTrieAhead = 8;
}  // namespace

void SegmentParser::begin(std::span<const uint8_t> segment, const text::ParseSettings& settings) {
  if (segment.empty() || segment.size() > kMaxSegmentBytes)
    fail(ErrorCode::invalid_argument,
         "text parse: a segment of " + std::to_string(segment.size()) + " bytes; give 1 to 2^24");
  segment_ = segment;
  settings_ = settings;
  finder_.find(segment, settings, matches_);
  const auto size = static_cast<uint32_t>(segment.size());
  uint32_t longest = 0;
  for (uint32_t lane = 0; lane + 1 < matches_.lane_changes.size(); ++lane) {
    const text::LaneSpan span = text::lane_span(size, settings.block_log2, lane);
    longest = std::max(longest, span.end - span.begin);
  }
  nodes_.resize(longest + 1 + kTrieMaxBytes);
  distances_.resize(longest + 1);
  repeats_.resize(longest + 1);
}

void SegmentParser::parse(const text::ParseCosts& costs, SegmentTokens& out) {
  out.symbols.clear();
  out.matches.clear();
  out.lane_symbols.clear();
  out.lane_matches.clear();
  out.cost = 0;
  const auto lanes = static_cast<uint32_t>(matches_.lane_changes.size() - 1);
  for (uint32_t lane = 0; lane < lanes; ++lane) {
    out.lane_symbols.push_back(static_cast<uint32_t>(out.symbols.size()));
    out.lane_matches.push_back(static_cast<uint32_t>(out.matches.size()));
    const bool matches = matches_.lane_changes[lane] < matches_.lane_changes[lane + 1];
    out.cost += matches ? parse_lane<true>(costs, lane, out) : parse_lane<false>(costs, lane, out);
  }
  out.lane_symbols.push_back(static_cast<uint32_t>(out.symbols.size()));
  out.lane_matches.push_back(static_cast<uint32_t>(out.matches.size()));
}

template <bool kMatches>
uint64_t SegmentParser::parse_lane(const text::ParseCosts& costs, uint32_t lane,
                                   SegmentTokens& out) {
  const auto size = static_cast<uint32_t>(segment_.size());
  const text::LaneSpan span = text::lane_span(size, settings_.block_log2, lane);
  const uint32_t n = span.end - span.begin;
  const uint8_t* bytes = segment_.data() + span.begin;
  const uint32_t shortest = settings_.hash[0].bytes;
  ParseNode* nodes = nodes_.data();
  std::fill_n(nodes, n + 1, text::kNoNode);
  nodes[0] = text::parse_node(0, text::kFirstContext, 0);
  repeats_[0] = text::Repeats{};

  const OfferChange* change = matches_.changes.data() + matches_.lane_changes[lane];
  const OfferChange* last_change = matches_.changes.data() + matches_.lane_changes[lane + 1];
  uint32_t next_change = 0, offers_end = 0;
  text::MatchSlot slots[text::kMatchSlots];
  text::ParseBound bound;
  const bool repeats = settings_.repeat_lengths > 0;

  for (uint32_t p = 0; p < n; ++p) {
    if (p + kTrieAhead + 1 < n) {
      const uint8_t* ahead = bytes + p + kTrieAhead;
      __builtin_prefetch(costs.trie.cells +
                         costs.trie.pair_root[ahead[0] | uint32_t{ahead[1]} << 8]);
    }
    const uint32_t from = text::node_cost(nodes[p]), last = text::node_symbol(nodes[p]);
    if (settings_.bound && bound.hopeless(p, from)) continue;
    const text::SymbolCost* row = costs.row(last);
    const auto put = [&](uint32_t length, ParseNode node) {
      ParseNode& to = nodes[p + length];
      to = std::min(to, node);
    };
    put(1, text::parse_node(from + row[bytes[p]], bytes[p], 1));
    costs.trie.walk(bytes + p, n - p, [&](uint32_t length, uint32_t symbol) {
      put(length, text::parse_node(from + text::symbol_cost(row, symbol), symbol, length));
    });
    if constexpr (kMatches) {
      if (p >= next_change) {
        for (; change < last_change && change_position(*change) <= p; ++change) {
          const MatchOffer m = change_offer(*change);
          text::MatchSlot& slot = slots[change_slot(*change)];
          slot = {change_position(*change) + m.length, m.distance};
          offers_end = std::max(offers_end, slot.end);
        }
        next_change = change < last_change ? change_position(*change) : n;
      }
      if (repeats && p > 0) {
        const uint32_t before = p - text::node_length(nodes[p]);
        repeats_[p] = repeats_[before];
        if (last >= costs.strings_end) {
          const uint32_t kind = (last - costs.strings_end) / text::kLengthBuckets;
          if (kind == 0)
            repeats_[p].push(distances_[p]);
          else
            repeats_[p].take(kind - 1);
        }
      }
      const auto relax = [&](uint32_t kind, MatchOffer m, uint32_t most) {
        text::match_edges(costs, row, from, kind, m, text::node_cost(nodes[p + m.length]), most,
                          [&](uint32_t length, ParseNode node) {
                            const uint32_t to = p + length;
                            if (node >= nodes[to]) return false;
                            nodes[to] = node;
                            distances_[to] = m.distance;
                            bound.edge(p, to, text::node_cost(node),
                                       length >= settings_.nice_length);
                            return true;
                          });
      };
      for (uint32_t s = 0; offers_end >= p + shortest && s < text::kMatchSlots; ++s) {
        const MatchOffer m = slots[s].at(p, shortest);
        if (m.length == 0 || (s > 0 && m.distance == slots[0].distance)) continue;
        relax(0, m, settings_.new_lengths);
      }
      for (uint32_t k = 0; repeats && k < text::kRepeats; ++k) {
        const uint32_t d = repeats_[p].d[k];
        if (d == 0) break;
        const uint32_t length = common_bytes(bytes + p - d, bytes + p, n - p);
        if (length < settings_.min_repeat) continue;
        relax(k + 1, {d, length}, settings_.repeat_lengths);
      }
    }
  }

  const size_t first_symbol = out.symbols.size(), first_match = out.matches.size();
  for (uint32_t p = n; p > 0; p -= text::node_length(nodes[p])) {
    const uint32_t symbol = text::node_symbol(nodes[p]);
    out.symbols.push_back(static_cast<uint16_t>(symbol));
    if (symbol >= costs.strings_end)
      out.matches.push_back({text::node_length(nodes[p]), distances_[p]});
  }
  std::reverse(out.symbols.begin() + static_cast<ptrdiff_t>(first_symbol), out.symbols.end());
  std::reverse(out.matches.begin() + static_cast<ptrdiff_t>(first_match), out.matches.end());
  return text::node_cost(nodes[n]);
}
}  // namespace gramzip::cpu
