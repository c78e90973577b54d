// SPDX-License-Identifier: Apache-2.0
// A block of quantized weights, before its codes or digits are looked at.
#pragma once
#include "kernels/common/block_modes.h"
#include "kernels/quant_decode.h"

namespace gramzip::kernels {
struct QuantTarget {
  uint8_t* units;     // where units go: `elements` unless levels have scales
  uint8_t* elements;  // of the block
};

// Decodes block number `which` of a group by `threads` threads, this one number `thread`, whose
// writes are each other's from then on. coded(block, coded_bytes, n, target) decodes a coded block
// of n elements.
template <class Coded>
__device__ void decode_quant_block(const QuantBatch& batch, const DecodeGroup& group,
                                   uint32_t which, uint32_t thread, uint32_t threads,
                                   const Coded& coded) {
  const DeviceSegment& segment = batch.segments[group.segment];
  const QuantSegment& q = batch.quant[segment.first_exact];
  const uint32_t element = element_info(segment.header.type).bytes;
  const uint32_t output = group.output + which;
  ScaledBlock* const scaled =
      q.scaled ? batch.scaled + q.first_scaled + (output - q.first_output) : nullptr;
  uint8_t* const out = batch.content + batch.outputs[output].at;
  uint8_t* const units =
      q.scaled ? reinterpret_cast<uint8_t*>(batch.unit_numbers + scaled->units_at) : out;
  uint32_t first = ScaledBlock::kNothing;
  const BlockStatus status = decode_block(
      segment, batch.states, batch.coded_hashes, batch.data, group.first + which, thread, out,
      [&](const uint8_t* block, uint32_t coded_bytes, uint32_t size, uint32_t b) {
        const BlockStatus s = coded(block, coded_bytes, size / element, QuantTarget{units, out});
        if (s == BlockStatus::ok) first = segment.header.block_begin(b) / element;
        return s;
      },
      threads);
  if (thread != 0) return;
  batch.outputs[output].status = status;
  if (q.scaled) scaled->first = first;
}
}  // namespace gramzip::kernels
