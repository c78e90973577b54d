// SPDX-License-Identifier: Apache-2.0
#include "host/model/order0_parse.h"

#include <algorithm>

#include "host/base/cpu_features.h"

namespace gramzip::model {
uint64_t parse_piece(const uint8_t* p, size_t n, const ParseModel& model, ParseSpace& space,
                     uint32_t* uses) {
  space.cost.resize(std::max(space.cost.size(), n + 1));
  space.symbol.resize(std::max(space.symbol.size(), n));
  uint32_t* cost = space.cost.data();  // of what is left from here on
  cost[n] = 0;
  for (size_t i = n; i-- > 0;) {
    uint32_t best = cost[i + 1] + model.byte_cost[p[i]];
    uint32_t symbol = p[i];
    model.trie.walk(p + i, n - i, [&](uint32_t length, uint32_t value) {
      const uint32_t total = cost[i + length] + (value >> 16);
      if (total < best) {
        best = total;
        symbol = value & 0xffff;
      }
    });
    cost[i] = best;
    space.symbol[i] = static_cast<uint16_t>(symbol);
  }
  for (size_t i = 0; i < n; i += model.lengths[space.symbol[i]]) ++uses[space.symbol[i]];
  return cost[0];
}

namespace {
uint64_t parse_group(const uint8_t* p, const ParseModel& model, ParseSpace& space, uint32_t* uses) {
  uint64_t cost = 0;
  for (size_t l = 0; l < kParseGroup; ++l)
    cost += parse_piece(p + l * kParsePiece, kParsePiece, model, space, uses);
  return cost;
}
}  // namespace

const ParseLoops kParseScalar = {parse_group};

const ParseLoops& parse_loops() {
#if defined(GRAMZIP_HAVE_AVX512)
  static const ParseLoops& chosen = cpu_features().avx512 ? kParseAvx512 : kParseScalar;
  return chosen;
#else
  return kParseScalar;
#endif
}

ParseResult order0_parse(std::span<const uint8_t> text, const ParseModel& model, size_t symbols,
                         const ParseLoops& loops, Workers& workers) {
  struct Slot {
    ParseSpace space;
    std::vector<uint32_t> uses;
    uint64_t cost = 0;
  };
  std::vector<Slot> slots(workers.size());
  constexpr size_t kGroupBytes = kParsePiece * kParseGroup;
  const size_t groups = text.size() / kGroupBytes;
  const size_t rest = (text.size() - groups * kGroupBytes + kParsePiece - 1) / kParsePiece;
  workers.run(groups + rest, [&](size_t k, size_t s) {
    Slot& slot = slots[s];
    slot.uses.resize(symbols, 0);
    if (k < groups) {
      slot.cost += loops.group(text.data() + k * kGroupBytes, model, slot.space, slot.uses.data());
      return;
    }
    const size_t at = groups * kGroupBytes + (k - groups) * kParsePiece;
    const size_t n = std::min(kParsePiece, text.size() - at);
    slot.cost += parse_piece(text.data() + at, n, model, slot.space, slot.uses.data());
  });
  ParseResult result;
  result.uses.assign(symbols, 0);
  for (const Slot& slot : slots) {
    for (size_t s = 0; s < slot.uses.size(); ++s) result.uses[s] += slot.uses[s];
    result.cost += slot.cost;
  }
  return result;
}
}  // namespace gramzip::model
