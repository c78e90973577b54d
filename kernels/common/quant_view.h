// SPDX-License-Identifier: Apache-2.0
// A block of quantized weights as the encoder's kernels see it.
#pragma once
#include "kernels/quant_encode.h"

namespace gramzip::kernels {
struct QuantView {
  const SegmentHeader* header;
  const QuantCoding* coding;
  BlockState* state;
  uint32_t index;       // in the batch
  uint32_t element, n;  // bytes of an element, elements
  uint32_t first;       // number of its first element in the segment
  const uint8_t* content;
  uint16_t* indexes;
  uint8_t* class_ids;

  __device__ QuantView(const QuantEncodeBatch& batch, uint32_t i) : index(i) {
    const DeviceBlock b = batch.blocks[i];
    const DeviceSegment& segment = batch.segments[b.segment];
    header = &segment.header;
    coding = &batch.codings[b.segment];
    state = &batch.states[i];
    element = element_info(header->type).bytes;
    n = header->block_bytes(b.number) / element;
    first = header->block_begin(b.number) / element;
    content = batch.content + segment.content_at + header->block_begin(b.number);
    indexes = batch.indexes + coding->indexes_at + first;
    class_ids = batch.class_ids + coding->first_run + first / kRunElements;
  }
  __device__ bool to_be_coded() const { return state->mode == BlockMode::raw; }
};
}  // namespace gramzip::kernels
