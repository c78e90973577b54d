// SPDX-License-Identifier: Apache-2.0
// The elements of blocks into the order in which they are coded with a period, and back
// (docs/format.md, 12). Does not allocate, does not synchronise.
#pragma once
#include "kernels/common/batch.h"
#include "kernels/common/simt.h"
#include "kernels/huffman_decode.h"

namespace gramzip::kernels {
struct PlanesTuning {
  uint32_t threads = 256;
};
// Writes the elements of each block of mode raw, in a segment with a period, to
// places[].elements_at of the content buffer; other blocks are left alone.
cudaError_t to_planes(uint8_t* content, const DeviceSegment* segments, const EncodePlaces* places,
                      const DeviceBlock* blocks, const BlockState* states, uint32_t count,
                      const PlanesTuning& tuning, cudaStream_t stream);
// Brings the elements of decoded blocks with a period from planes_at to `at`; other outputs are
// left alone.
cudaError_t from_planes(uint8_t* content, const DecodeOutput* outputs, uint32_t count,
                        const PlanesTuning& tuning, cudaStream_t stream);
}  // namespace gramzip::kernels
