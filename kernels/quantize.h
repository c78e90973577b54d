// SPDX-License-Identifier: Apache-2.0
// Elements to levels and back (cpu::PreparedQuantizer, cpu::dequantize). None allocates or
// synchronises. All arrays are device memory, aligned to 16 bytes.
#pragma once
#include "gramzip/core/level_search.h"
#include "gramzip/core/quant.h"
#include "kernels/common/batch.h"
#include "kernels/common/simt.h"

namespace gramzip::kernels {
struct QuantizeTuning {
  uint32_t threads = 256;
  uint32_t elements = 8;          // a thread, at a time
  uint32_t ctas = 132 * 8;        // at most; they share the tensor's pieces
  uint32_t table_threads = 1024;  // where a table takes the memory of a multiprocessor
  uint32_t table_ctas = 132;
};
// The levels of a tensor, and where its piece begins.
struct DeviceLevels {
  uint32_t count;
  const uint64_t* elements;  // without scales: by level
  const float* values;       // with scales: by level
  uint32_t group;            // 0 without scales
  const float* scales;
  const uint8_t* zero_points;  // or null
  uint64_t first;              // the number of the first element in its tensor
};

// Types of 1 or 2 bytes without scales: table[x] of each element, in place, or as an index.
cudaError_t quantize_patterns(uint32_t element_bytes, uint8_t* elements, uint64_t n,
                              const uint16_t* table, const QuantizeTuning& tuning,
                              cudaStream_t stream);
cudaError_t index_patterns(uint32_t element_bytes, const uint8_t* elements, uint64_t n,
                           const uint16_t* table, uint16_t* indexes, const QuantizeTuning& tuning,
                           cudaStream_t stream);
// All others. `search` points to device memory.
cudaError_t quantize_elements(ElementType type, uint8_t* elements, uint64_t n,
                              const DeviceLevels& levels, const quant::LevelSearch& search,
                              const QuantizeTuning& tuning, cudaStream_t stream);
cudaError_t index_elements(ElementType type, const uint8_t* elements, uint64_t n,
                           const DeviceLevels& levels, const quant::LevelSearch& search,
                           uint16_t* indexes, const QuantizeTuning& tuning, cudaStream_t stream);
// Elements whose index is no level stay what they are.
cudaError_t dequantize(ElementType type, const uint16_t* indexes, uint64_t n,
                       const DeviceLevels& levels, uint8_t* elements, const QuantizeTuning& tuning,
                       cudaStream_t stream);
}  // namespace gramzip::kernels
