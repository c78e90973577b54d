// SPDX-License-Identifier: Apache-2.0
// A coded block of fast floats back (docs/format.md, 13): the host's walk. Safe on any input: reads
// stay in `coded`, writes in `out`.
#pragma once
#include <cstdint>
#include <span>
#include <vector>

#include "gramzip/core/status.h"
#include "host/cpu/fast_tables.h"

namespace gramzip::cpu {
// One block whose structure is sound.
struct FastJob {
  const uint8_t* raw_plane;
  const uint8_t* class_ids;  // one a run
  const FastTable* tables;
  const uint8_t* words;  // word_count of them, 4-byte aligned from the block's start
  uint32_t word_count;
  uint32_t n;  // elements
  Split split;
  uint8_t* out;
};

// The loops over lanes, one set per instruction set. Decodes `count` blocks, 1 or 2, of one type
// and n each, all but the exceptions; status: ok or bad_stream. exponents: working memory.
using FastLoops = void (*)(const FastJob* jobs, uint32_t count, std::vector<uint8_t>& exponents,
                           BlockStatus* status);
void decode_fast_baseline(const FastJob*, uint32_t, std::vector<uint8_t>&, BlockStatus*);
void decode_fast_avx2(const FastJob*, uint32_t, std::vector<uint8_t>&, BlockStatus*);
void decode_fast_avx512(const FastJob*, uint32_t, std::vector<uint8_t>&, BlockStatus*);
FastLoops fast_loops();  // the best that the processor runs

// Working memory of one thread.
class FastDecoder {
 public:
  static constexpr uint32_t kAtOnce = 2;
  explicit FastDecoder(FastLoops loops = fast_loops()) : loops_(loops) {}

  // One block of a call of decode().
  struct Block {
    std::span<const uint8_t> coded;
    std::span<uint8_t> out;
    BlockStatus status;  // set: ok, bad_block or bad_stream
  };
  // blocks: 1 to kAtOnce, which go side by side: twice as fast as one by one.
  void decode(std::span<Block> blocks, const Split& split, std::span<const FastTable> tables);

 private:
  bool prepare(const Block& b, const Split& split, std::span<const FastTable> tables,
               std::vector<uint8_t>& class_ids, FastJob& job, const uint8_t*& exceptions);

  FastLoops loops_;
  std::vector<uint8_t> class_ids_[kAtOnce];
  std::vector<uint8_t> exponents_;
};
}  // namespace gramzip::cpu
