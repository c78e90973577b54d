// SPDX-License-Identifier: Apache-2.0
// Blocks of fast floats back into content. Does not allocate, does not synchronise. Safe on any
// bytes: reads stay in the block, writes in its content.
#pragma once
#include "gramzip/core/fast.h"
#include "kernels/common/simt.h"
#include "kernels/huffman_decode.h"

namespace gramzip::kernels {
struct FastTuning {
  static constexpr uint32_t kMaxWarps = DecodeTuning::kMaxWarps;
  static constexpr uint32_t kMinCtas = 4;  // an SM: 64 registers a thread
  uint32_t warps = kMaxWarps;              // as DecodeTuning::warps, for the groups are the same
};
// A table's entries by the next 7 bits: exponent << 8 | length.
struct FastEntries {
  uint16_t entry[fast::kEntries];
};

// groups: of segments of fast floats. tables: of each index in `entries`. Otherwise as
// huffman_decode.
cudaError_t fast_decode(const DecodeGroup* groups, uint32_t count, const DeviceSegment* segments,
                        const BlockState* states, const uint64_t* coded_hashes,
                        const DeviceTable* tables, const FastEntries* entries, const uint8_t* data,
                        uint32_t most_tables, uint8_t* content, DecodeOutput* outputs,
                        const FastTuning& tuning, cudaStream_t stream);
}  // namespace gramzip::kernels
