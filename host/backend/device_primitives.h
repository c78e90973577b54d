// SPDX-License-Identifier: Apache-2.0
// The primitives of the device API (include/gramzip/device.h), without CUDA's headers. Size first:
// with temp null they only set temp_bytes. They enqueue kernels and fills alone and throw Error.
#pragma once
#include <cstdint>

#include "gramzip/core/elements.h"
#include "host/backend/device_calls.h"

namespace gramzip::device {
void histogram(void* temp, size_t& temp_bytes, const void* symbols, uint64_t count,
               uint32_t symbol_bytes, uint64_t* counts, Stream stream);
// cells, result: gramzip_device_ngram, gramzip_device_ngram_result.
void ngram_count(void* temp, size_t& temp_bytes, const void* text, uint64_t size, uint32_t n,
                 uint32_t table_log2, void* cells, void* result, Stream stream);
// A segment of type bytes: meta up to a multiple of 32, then data.
size_t huffman_bound(size_t size);
void huffman_encode(void* temp, size_t& temp_bytes, const void* data, size_t size, void* out,
                    uint64_t* out_bytes, Stream stream);
void huffman_decode(void* temp, size_t& temp_bytes, const void* coded, size_t coded_size, void* out,
                    size_t size, uint32_t* statuses, uint32_t* bad, Stream stream);
void quantize(void* temp, size_t& temp_bytes, ElementType type, void* elements, uint64_t count,
              const float* levels, uint32_t level_count, uint16_t* indexes, Stream stream);
// cut: of magnitudes, in the type's bits (cpu::native_cut).
void prune_below(void* temp, size_t& temp_bytes, ElementType type, void* elements, uint64_t count,
                 uint64_t cut, uint64_t* pruned, Stream stream);
void prune_two_of_four(void* temp, size_t& temp_bytes, ElementType type, void* elements,
                       uint64_t count, uint64_t columns, Stream stream);
}  // namespace gramzip::device
