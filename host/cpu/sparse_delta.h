// SPDX-License-Identifier: Apache-2.0
// One coded block of codec sparse_delta (docs/format.md, 14.2), both ways. Safe on any input: reads
// stay in the block and the base, writes in the output.
#pragma once
#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "gramzip/core/sparse_delta.h"
#include "gramzip/core/status.h"
#include "host/cpu/decode_tables.h"
#include "host/cpu/encode_tables.h"
#include "host/model/sparse_model.h"

namespace gramzip::cpu {
// The places in the order where groups begin.
using GroupBegins = std::array<uint32_t, delta::kMaxGroups + 1>;

// An element that changes: where it stands in the order, or in its group; difference: never 0.
struct Change {
  uint32_t place;
  uint64_t difference;
};

// The elements of a block by group, counted in chunks.
struct GroupMap {
  static constexpr uint32_t kChunk = 64;
  GroupBegins begin{};
  uint32_t groups = 0;                    // that exponents of the type may belong to
  uint32_t chunks = 0;                    // of the block; not set if there is one group
  uint8_t bound[delta::kMaxGroups] = {};  // of the keys of a group: exponents, or groups
  std::vector<uint8_t> group_of;          // an exponent's, where these have more than 8 bits
  std::vector<uint8_t> from;              // [group][chunk]: elements of this and higher groups
};

// One set per instruction set.
struct SparseLoops {
  // base: n elements.
  void (*count_groups)(ElementType, const delta::Groups&, const uint8_t* base, uint32_t n,
                       GroupMap& map);
  // Applies the changes of a group, in order of places, to `out`, which holds the base.
  void (*apply)(ElementType, const GroupMap&, uint32_t group, const uint8_t* base,
                std::span<const Change> changes, uint8_t* out);
};
extern const SparseLoops kSparseBaseline;
extern const SparseLoops kSparseAvx2;    // where the build has it
extern const SparseLoops kSparseAvx512;  // likewise
const SparseLoops& sparse_loops();       // the best that the processor runs

// How many elements differ from the base.
uint64_t changed_elements(ElementType type, std::span<const uint8_t> content, const uint8_t* base);
// Adds the elements of a block.
void count_changes(ElementType type, std::span<const uint8_t> content, const uint8_t* base,
                   model::ChangeCounts& counts);

// The changes of a block in order.
struct BlockChanges {
  GroupBegins begin{};
  uint32_t lane_log2 = 0;
  std::vector<Change> changes;
};
// groups: of the segment.
BlockChanges find_changes(ElementType type, const delta::Groups& groups,
                          std::span<const uint8_t> content, const uint8_t* base);
// Adds the symbols of a block to the counts of all tables, kSparseSymbols each.
inline constexpr uint32_t kSparseSymbols = 1u << delta::kSymbolBits;
void count_symbols(const delta::Groups& groups, const BlockChanges& block,
                   std::span<std::vector<uint32_t>> counts);
// Writes a block to `out`, which has room for `room` bytes and 8 more, and returns its size; 0 if
// that is not less.
uint32_t encode_sparse_block(const delta::Groups& groups, const BlockChanges& block,
                             const EncodeTables& tables, uint32_t room, uint8_t* out);

// Working memory of one thread.
class SparseDecoder {
 public:
  // ok, bad_block or bad_stream. base: of the size of out. tables: of all groups.
  BlockStatus decode(ElementType type, std::span<const uint8_t> coded,
                     std::span<const uint8_t> base, const delta::Groups& groups,
                     const DecodeTables& tables, std::span<uint8_t> out);

 private:
  std::vector<uint8_t> coded_;
  GroupMap map_;
  std::vector<Change> changes_;
};
}  // namespace gramzip::cpu
