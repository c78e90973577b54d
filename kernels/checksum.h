// SPDX-License-Identifier: Apache-2.0
// XXH3-64 of many byte ranges of one buffer. Does not allocate, does not synchronise.
#pragma once
#include "kernels/common/batch.h"
#include "kernels/common/simt.h"

namespace gramzip::kernels {
struct ChecksumTuning {
  uint32_t warps = 4;  // ranges a CTA
};
// out[i * out_stride_bytes] (u64, byte stride, so that it can point into an array of structs)
// receives the hash of range i. Ranges lie in `bytes`; any alignment.
cudaError_t checksum(const uint8_t* bytes, const HashRange* ranges, uint32_t count, uint64_t* out,
                     uint32_t out_stride_bytes, const ChecksumTuning& tuning, cudaStream_t stream);
}  // namespace gramzip::kernels
