// SPDX-License-Identifier: Apache-2.0
// Dynamic programming over the positions of a lane, one warp a block, one thread a lane.
//
//   node p    the cheapest way to position p: cost | last symbol | its length, the lowest word wins
//   edges     a byte, strings of the trie, three offered matches, four last distances
//   at last   back from the end, which turns the best way into links forward
//
// A thread goes through its lane as the host does, so ties fall as there; lanes know nothing of
// each other, so there is no order. The 32 lanes of a warp are at the same position of their
// pieces, and diverge in how many edges that has. Moves 28 bytes of nodes, distances and last
// distances a byte, 24 of offers, and looks at about 10 cells of the trie and 30 costs, from L2.
#include "kernels/text_parse.h"

namespace gramzip::kernels {
namespace {
struct Offers {
  const PackedOffer* of[text::kMatchSlots];
  const PackedOffer* runs;
};

// One lane of n bytes. All pointers are at its first byte.
struct Lane {
  const uint8_t* bytes;
  uint32_t n;
  const text::ParseCosts* costs;
  const text::ParseSettings* settings;
  TextParseArrays a;
  Offers offers;
  uint64_t at;  // in the content buffer

  __device__ text::ParseNode node(uint32_t p) const {
    return p == 0 ? text::parse_node(0, text::kFirstContext, 0) : a.nodes[p - 1];
  }
  __device__ void put(uint32_t to, text::ParseNode node) const {
    if (node < a.nodes[to - 1]) a.nodes[to - 1] = node;
  }

  // What the slots offer from position p on.
  __device__ void look(uint32_t p, text::MatchSlot* slots) const {
    const uint32_t shortest = settings->hash[0].bytes;
    const PackedOffer run = offers.runs[(at + p) / text::kGroup];
    if (run != 0) {
      text::MatchOffer m = unpack_offer(run);
      m.length -= static_cast<uint32_t>(at + p) % text::kGroup;
      slots[0].found(p, m, true, shortest);
      return;
    }
    text::MatchOffer found[text::kMatchSlots];
#pragma unroll
    for (uint32_t s = 0; s < text::kMatchSlots; ++s) found[s] = unpack_offer(offers.of[s][p]);
    text::drop_doubles(found);
#pragma unroll
    for (uint32_t s = 0; s < text::kMatchSlots; ++s) slots[s].found(p, found[s], s == 0, shortest);
  }

  // The last distances at p > 0, from those where its last symbol began.
  __device__ text::Repeats repeats_at(uint32_t p, text::ParseNode here) const {
    text::Repeats r = a.repeats[p - text::node_length(here)];
    const uint32_t last = text::node_symbol(here);
    if (last >= costs->strings_end) {
      const uint32_t kind = (last - costs->strings_end) / text::kLengthBuckets;
      if (kind == 0)
        r.push(a.distances[p - 1]);
      else
        r.take(kind - 1);
    }
    return r;
  }

  __device__ void parse() const {
    for (uint32_t p = 0; p < n; ++p) a.nodes[p] = text::kNoNode;
    text::MatchSlot slots[text::kMatchSlots];
    text::ParseBound bound;
    for (uint32_t p = 0; p < n; ++p) {
      look(p, slots);
      const text::ParseNode here = node(p);
      const uint32_t from = text::node_cost(here);
      if (settings->bound && bound.hopeless(p, from)) continue;
      const text::SymbolCost* row = costs->row(text::node_symbol(here));
      put(p + 1, text::parse_node(from + text::symbol_cost(row, bytes[p]), bytes[p], 1));
      costs->trie.walk(bytes + p, n - p, [&](uint32_t length, uint32_t symbol) {
        put(p + length, text::parse_node(from + text::symbol_cost(row, symbol), symbol, length));
      });
      text::Repeats repeats;
      if (settings->repeat_lengths > 0) {
        if (p > 0) repeats = repeats_at(p, here);
        a.repeats[p] = repeats;
      }
      const auto relax = [&](uint32_t kind, text::MatchOffer m, uint32_t most) {
        text::match_edges(*costs, row, from, kind, m, text::node_cost(a.nodes[p + m.length - 1]),
                          most, [&](uint32_t length, text::ParseNode node) {
                            const uint32_t to = p + length;
                            if (node >= a.nodes[to - 1]) return false;
                            a.nodes[to - 1] = node;
                            a.distances[to - 1] = m.distance;
                            bound.edge(p, to, text::node_cost(node),
                                       length >= settings->nice_length);
                            return true;
                          });
      };
#pragma unroll
      for (uint32_t s = 0; s < text::kMatchSlots; ++s) {
        const text::MatchOffer m = slots[s].at(p, settings->hash[0].bytes);
        if (m.length == 0 || (s > 0 && m.distance == slots[0].distance)) continue;
        relax(0, m, settings->new_lengths);
      }
#pragma unroll
      for (uint32_t k = 0; k < text::kRepeats; ++k) {
        const uint32_t d = repeats.d[k];  // none if they are not tried
        if (d == 0) break;
        const uint32_t length = common_bytes(bytes + p - d, bytes + p, n - p);
        if (length >= settings->min_repeat) relax(k + 1, {d, length}, settings->repeat_lengths);
      }
    }
    for (uint32_t p = n; p > 0;) {
      const uint32_t before = p - text::node_length(a.nodes[p - 1]);
      a.next[before] = static_cast<uint16_t>(p);
      p = before;
    }
  }
};

__global__ void __launch_bounds__(256)
    parse_kernel(const uint8_t* content, const DeviceSegment* segments, const TextInput* inputs,
                 const TextCodes* codes, const DeviceBlock* blocks, const BlockState* states,
                 uint32_t count, Offers offers, TextParseArrays arrays) {
  const uint32_t w = blockIdx.x * (blockDim.x / kWarp) + threadIdx.x / kWarp;
  if (w >= count || states[w].mode != BlockMode::raw) return;  // whole warps leave
  const DeviceBlock block = blocks[w];
  const DeviceSegment& segment = segments[block.segment];
  const uint32_t size = segment.header.block_bytes(block.number), l = threadIdx.x % kWarp;
  const uint64_t at =
      segment.content_at + segment.header.block_begin(block.number) + l * lane_piece(size);
  Lane lane{content + at,
            lane_count(size, l, false),
            &codes[block.segment].costs,
            &inputs[block.segment].settings,
            {arrays.nodes + at, arrays.distances + at, arrays.repeats + at, arrays.next + at},
            offers,
            at};
  for (const PackedOffer*& of : lane.offers.of) of += at;
  lane.parse();
}
}  // namespace

cudaError_t text_parse(const uint8_t* content, const DeviceSegment* segments,
                       const TextInput* inputs, const TextCodes* codes, const DeviceBlock* blocks,
                       const BlockState* states, uint32_t count,
                       const PackedOffer* const offers[text::kMatchSlots], const PackedOffer* runs,
                       const TextParseArrays& arrays, const TextParseTuning& tuning,
                       cudaStream_t stream) {
  if (count == 0) return cudaSuccess;
  const Offers all{{offers[0], offers[1], offers[2]}, runs};
  const Launch config{dim3(static_cast<uint32_t>(ceil_div(count, tuning.warps))),
                      dim3(tuning.warps * kWarp), 0, stream};
  return launch(config, parse_kernel, content, segments, inputs, codes, blocks, states, count, all,
                arrays);
}
}  // namespace gramzip::kernels
