// SPDX-License-Identifier: Apache-2.0
// The class of each run of 256 elements, and counts of symbols by class. Does not allocate, does
// not synchronise.
#pragma once
#include "gramzip/core/run_classes.h"
#include "gramzip/core/run_keys.h"
#include "kernels/common/batch.h"
#include "kernels/common/simt.h"

namespace gramzip::kernels {
struct RunClassesTuning {
  uint32_t threads = 256;
  // Counts of a segment's classes up to this many are summed in shared memory first: 64 KiB.
  uint32_t shared_bins = 1u << 14;
};
// For blocks whose mode is raw, of all codecs but bytes: sets class_ids of their runs and adds to
// counts, which the caller has zeroed. most_bins: of any segment, classes * alphabet.
cudaError_t assign_classes(const uint8_t* content, const DeviceSegment* segments,
                           const EncodePlaces* places, const DeviceBlock* blocks,
                           const BlockState* states, uint32_t count, const ClassCost* costs,
                           const uint64_t* exact, uint32_t most_bins, uint8_t* class_ids,
                           uint32_t* counts, const RunClassesTuning& tuning, cudaStream_t stream);

// The same without training, by core/run_keys.h, for segments of codec floats: first the keys, of
// each run, and of each segment their sum and number, which the caller has zeroed; then classes and
// counts.
struct KeySums {
  unsigned long long keys;
  unsigned long long runs;
};
cudaError_t run_keys(const uint8_t* content, const DeviceSegment* segments,
                     const EncodePlaces* places, const DeviceBlock* blocks,
                     const BlockState* states, uint32_t count, uint16_t* keys, KeySums* sums,
                     const RunClassesTuning& tuning, cudaStream_t stream);
cudaError_t assign_by_keys(const uint8_t* content, const DeviceSegment* segments,
                           const EncodePlaces* places, const DeviceBlock* blocks,
                           const BlockState* states, uint32_t count, const uint16_t* keys,
                           const KeySums* sums, uint32_t most_bins, uint8_t* class_ids,
                           uint32_t* counts, const RunClassesTuning& tuning, cudaStream_t stream);
}  // namespace gramzip::kernels
