// SPDX-License-Identifier: Apache-2.0
// From numbers of levels to symbols along a trellis (docs/format.md, 16), in place.
//
// QuantEncodeTuning::parts CTAs a block; a thread takes a run, whose states follow from one
// another, 8 numbers of 16 bits a load and a store. Runs are a thread's own, so no order matters.
// Reads and writes 2 bytes an element.
#include "kernels/common/quant_view.h"

namespace gramzip::kernels {
namespace {
__device__ uint32_t symbol_pair(quant::TrellisWalk& walk, uint32_t pair) {
  const uint32_t low = walk.symbol(pair & 0xffff);
  return low | walk.symbol(pair >> 16) << 16;
}

__global__ void __launch_bounds__(256) trellis_symbols_kernel(const QuantEncodeBatch batch) {
  const QuantView v(batch, blockIdx.x);
  const QuantCoding& c = *v.coding;
  if (!v.to_be_coded() || c.trellis == 0) return;
  const quant::Trellis trellis = quant::trellis_of(c.trellis);
  const uint32_t step = gridDim.y * blockDim.x * kRunElements;
  for (uint32_t begin = (blockIdx.y * blockDim.x + threadIdx.x) * kRunElements; begin < v.n;
       begin += step) {
    quant::TrellisWalk walk{trellis, c.levels};
    const uint32_t end = min(begin + kRunElements, v.n);
    // Behind the block's last element lies the next segment's place, at a multiple of 8.
    for (uint32_t j = begin; j < end; j += kLaneGroup) {
      uint4 w = *reinterpret_cast<const uint4*>(v.indexes + j);
      w.x = symbol_pair(walk, w.x);
      w.y = symbol_pair(walk, w.y);
      w.z = symbol_pair(walk, w.z);
      w.w = symbol_pair(walk, w.w);
      *reinterpret_cast<uint4*>(v.indexes + j) = w;
    }
  }
}
}  // namespace

cudaError_t trellis_symbols(const QuantEncodeBatch& batch, const QuantEncodeTuning& tuning,
                            cudaStream_t stream) {
  if (batch.count == 0) return cudaSuccess;
  return launch(Launch{dim3(batch.count, tuning.parts), dim3(tuning.threads), 0, stream},
                trellis_symbols_kernel, batch);
}
}  // namespace gramzip::kernels
