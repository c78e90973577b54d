// SPDX-License-Identifier: Apache-2.0
// Blocks of n-gram text into records, phase 1 of decoding (docs/format.md, 9): the whole structure
// of a block is checked here, so that the later phases only copy. Does not allocate, does not
// synchronise. Safe on any bytes.
//
//   text_decode   coded bits -> records, status        text_expand   records -> bytes and sources
//   text_match_copy   bytes of matches from their sources
//
// Arrays by byte of content (records, sources) have an entry for each byte of the content buffer,
// at the byte's own index; segments lie there at multiples of kTextAlign, padded to one.
#pragma once
#include "gramzip/core/text.h"
#include "kernels/common/batch.h"
#include "kernels/common/simt.h"

namespace gramzip::kernels {
// 32 pieces of a multiple of 16 bytes: what the lanes of a block make of its size.
inline constexpr uint32_t kTextAlign = kLanes * 16;

struct TextDecodeTuning {
  // Blocks a CTA, one a warp. One: a batch has few blocks, so they are spread over the SMs.
  uint32_t warps = 1;
};

// A model's state machine (core/text.h) in device memory.
struct TextMachine {
  const text::Entry* entries;
  const uint8_t* pool;
  text::TableRef start;
};

// blocks: which to decode; arrays of states, statuses, coded_hashes, and the 32 record_counts of
// each are indexed by DeviceSegment::first_block + number. DeviceSegment::first_table is the number
// of the segment's machine. Record i of lane l of a block is records[i * 32 + l] from the block's
// first byte on; of strings as in core/text.h, of matches of every kind kRecordMatch | length, then
// the distance. Sets statuses: ok, bad_coded_hash, bad_block or bad_stream.
cudaError_t text_decode(const DeviceBlock* blocks, uint32_t count, const DeviceSegment* segments,
                        const BlockState* states, const uint64_t* coded_hashes,
                        const TextMachine* machines, const uint8_t* data, uint32_t* records,
                        uint32_t* record_counts, BlockStatus* statuses,
                        const TextDecodeTuning& tuning, cudaStream_t stream);
}  // namespace gramzip::kernels
