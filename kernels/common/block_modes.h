// SPDX-License-Identifier: Apache-2.0
// A block of any mode into its content, by a warp or a CTA: the checks of its coded hash and size,
// raw, constant and repeat blocks, which all codecs of coded blocks have in common.
#pragma once
#include "gramzip/core/wire.h"
#include "kernels/common/batch.h"
#include "kernels/common/pattern.h"

namespace gramzip::kernels {
// Decodes block b of a segment to `out` by `threads` threads, this one number `lane`.
// coded(block, coded_bytes, size, b) decodes a coded block, which is smaller than its content and
// has tables or needs none; all threads get the same status.
template <class Coded>
__device__ BlockStatus decode_block(const DeviceSegment& segment, const BlockState* states,
                                    const uint64_t* coded_hashes, const uint8_t* data, uint32_t b,
                                    uint32_t lane, uint8_t* out, const Coded& coded,
                                    uint32_t threads = kWarp) {
  const SegmentHeader& h = segment.header;
  const uint32_t size = h.block_bytes(b), element = element_info(h.type).bytes;
  for (;;) {  // a repeat goes round once more, as its source
    const BlockState& s = states[segment.first_block + b];
    const uint8_t* block = data + segment.data_at + s.data_at;
    if (coded_hashes[segment.first_block + b] != s.coded_hash) return BlockStatus::bad_coded_hash;
    switch (s.mode) {
      case BlockMode::raw:
        if (s.coded_bytes != size) return BlockStatus::bad_block;
        fill_block(
            out, size, lane, [&](uint32_t i) { return reinterpret_cast<const uint4*>(block)[i]; },
            [&](uint32_t i) { return block[i]; }, threads);
        return BlockStatus::ok;
      case BlockMode::constant:
        if (s.coded_bytes != element || size % element != 0) return BlockStatus::bad_block;
        fill_block(
            out, size, lane, [v = repeat_element(block, element)](uint32_t) { return v; },
            [&](uint32_t i) { return block[i % element]; }, threads);
        return BlockStatus::ok;
      case BlockMode::coded:
        if (s.coded_bytes >= size || !h.codes()) return BlockStatus::bad_block;
        return coded(block, s.coded_bytes, size, b);
      case BlockMode::base:
        return BlockStatus::bad_block;
      case BlockMode::repeat:
        break;
    }
    if (s.coded_bytes != 4) return BlockStatus::bad_block;
    const uint32_t source = load_le<uint32_t>(block);
    if (source >= b || states[segment.first_block + source].mode == BlockMode::repeat ||
        h.block_bytes(source) != size)
      return BlockStatus::bad_block;
    b = source;
  }
}
}  // namespace gramzip::kernels
