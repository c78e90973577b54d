// SPDX-License-Identifier: Apache-2.0
// The bytes of blocks in the order in which codec planes codes them (docs/format.md, 12). Does not
// allocate, does not synchronise.
#pragma once
#include "kernels/common/batch.h"
#include "kernels/common/simt.h"

namespace gramzip::kernels {
struct PlanesTuning {
  uint32_t threads = 256;
};
// Writes the bytes of each block of codec planes whose mode is raw to places[].elements_at of the
// content buffer; blocks of other codecs and modes are left alone.
cudaError_t to_planes(uint8_t* content, const DeviceSegment* segments, const EncodePlaces* places,
                      const DeviceBlock* blocks, const BlockState* states, uint32_t count,
                      const PlanesTuning& tuning, cudaStream_t stream);
}  // namespace gramzip::kernels
