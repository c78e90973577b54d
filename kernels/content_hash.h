// SPDX-License-Identifier: Apache-2.0
// XXH3-128 of long ranges of one buffer. Does not allocate, does not synchronise.
#pragma once
#include "gramzip/core/checksum128.h"
#include "kernels/common/batch.h"
#include "kernels/common/simt.h"

namespace gramzip::kernels {
struct ContentHashTuning {
  uint32_t warps = 8;  // blocks of 1 KiB a CTA
};
// 64 bytes for each whole block of 1 KiB of the range.
struct BlockSums {
  uint64_t of[xxh3::kAccumulators];
};
constexpr uint32_t block_sums(uint32_t bytes) { return bytes / xxh3::kBlock; }

// hashes[i] of range i. The sums of its blocks lie at sums[sums_at[i]] on; most_bytes: of any
// range.
cudaError_t content_hash(const uint8_t* bytes, const HashRange* ranges, const uint32_t* sums_at,
                         uint32_t count, uint32_t most_bytes, BlockSums* sums, xxh3::Pair* hashes,
                         const ContentHashTuning& tuning, cudaStream_t stream);
}  // namespace gramzip::kernels
