// SPDX-License-Identifier: Apache-2.0
// Parsed text into coded blocks (docs/format.md, 9): measure and write, as kernels/huffman_encode
// has them, whose encode_layout goes between. None allocates or synchronises.
#pragma once
#include "kernels/huffman_encode.h"
#include "kernels/text_parse.h"

namespace gramzip::kernels {
// Decides raw or coded where the mode is raw, and sets coded_bytes and lanes. lane_words: 32 a
// block. The parse has gone over the blocks of mode raw.
cudaError_t text_encode_measure(const DeviceSegment* segments, const TextCodes* codes,
                                const DeviceBlock* blocks, BlockState* states, uint32_t count,
                                const TextParseArrays& parse, uint32_t* lane_words,
                                const EncodeTuning& tuning, cudaStream_t stream);
// Writes every block and the zeros behind it up to a multiple of 32.
cudaError_t text_encode_write(const uint8_t* content, const DeviceSegment* segments,
                              const TextCodes* codes, const DeviceBlock* blocks,
                              const BlockState* states, uint32_t count,
                              const TextParseArrays& parse, const uint32_t* lane_words,
                              uint8_t* data, const EncodeTuning& tuning, cudaStream_t stream);
}  // namespace gramzip::kernels
