// SPDX-License-Identifier: Apache-2.0
// The steps of coding plain segments on the device, from content to the layout of blocks. Part of
// the CUDA backend.
#pragma once
#include "host/backend/device_image.h"
#include "kernels/checksum.h"
#include "kernels/classify.h"
#include "kernels/code_lengths.h"
#include "kernels/histogram.h"
#include "kernels/huffman_encode.h"
#include "kernels/run_classes.h"

namespace gramzip::device {
// Arrays by symbol have `symbols` entries.
struct PlainCoding {
  const kernels::DeviceSegment* segments;
  uint32_t segment_count;
  const kernels::EncodePlaces* places;
  const kernels::DeviceBlock* blocks;
  uint32_t block_count;
  const kernels::HashRange* content_ranges;  // of each block
  const kernels::Alphabet* alphabets;
  uint32_t alphabet_count, most_symbols, symbols;
  bool any_bytes;
  uint32_t most_bins;  // of a segment of floats; 0: there is none
  // working memory
  kernels::BlockState* states;
  uint16_t* keys;
  kernels::KeySums* key_sums;  // of each segment
  uint8_t *class_ids, *lengths;
  uint32_t *counts, *codes, *lane_words;
  kernels::CodeSummary* summaries;
  kernels::SegmentTotals* totals;
  kernels::HashRange* coded_ranges;

  kernels::BlockCoding coding() const { return {places, summaries, codes, class_ids, nullptr}; }
};

inline void code_segments(const PlainCoding& c, cudaStream_t stream) {
  using namespace kernels;
  const uint8_t* content = address_base();
  enqueued(checksum(content, c.content_ranges, c.block_count, &c.states->decoded_hash,
                    sizeof(BlockState), {}, stream));
  enqueued(classify(content, c.segments, c.blocks, c.states, c.block_count, {}, stream));
  if (c.symbols > 0) enqueued(cudaMemsetAsync(c.counts, 0, c.symbols * sizeof(uint32_t), stream));
  if (c.most_bins > 0) {
    enqueued(cudaMemsetAsync(c.key_sums, 0, c.segment_count * sizeof(KeySums), stream));
    enqueued(run_keys(content, c.segments, c.places, c.blocks, c.states, c.block_count, c.keys,
                      c.key_sums, {}, stream));
    enqueued(assign_by_keys(content, c.segments, c.places, c.blocks, c.states, c.block_count,
                            c.keys, c.key_sums, c.most_bins, c.class_ids, c.counts, {}, stream));
  }
  if (c.any_bytes)
    enqueued(histogram(content, c.segments, c.places, c.blocks, c.states, c.block_count, c.counts,
                       {}, stream));
  enqueued(code_lengths(c.alphabets, c.alphabet_count, c.most_symbols, c.counts, c.lengths, c.codes,
                        c.summaries, {}, stream));
  enqueued(encode_measure(content, c.segments, c.blocks, c.states, c.block_count, c.coding(),
                          c.lane_words, {}, stream));
  enqueued(encode_layout(c.segments, c.segment_count, c.states, c.coded_ranges, c.totals, stream));
}

// Blocks to their places, and the hashes of what is there.
inline void write_segments(const PlainCoding& c, cudaStream_t stream) {
  using namespace kernels;
  auto* const memory = const_cast<uint8_t*>(address_base());
  enqueued(encode_write(memory, c.segments, c.blocks, c.states, c.block_count, c.coding(),
                        c.lane_words, memory, {}, stream));
  enqueued(checksum(memory, c.coded_ranges, c.block_count, &c.states->coded_hash,
                    sizeof(BlockState), {}, stream));
}
}  // namespace gramzip::device
