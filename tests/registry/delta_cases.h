// SPDX-License-Identifier: Apache-2.0
// Content beside a base: inputs of the codecs delta and sparse_delta, and short forms of Backend
// calls on them.
#pragma once
#include <string>
#include <vector>

#include "host/backend/backend.h"

namespace gramzip::test {
struct DeltaCase {
  std::string name;
  ElementType type;
  std::vector<uint8_t> base, content;  // of the same size, whole elements
};
// All types; sizes around every boundary; no, few and many changes; steps of one size; special
// floats, wrap-around and the largest differences; blocks of every mode.
std::vector<DeltaCase> edge_deltas();
// Any content and base can come out of this, for some seed.
DeltaCase random_delta(uint64_t seed, size_t max_bytes);

EncodedSegment encode_delta(Backend& backend, const DeltaCase& c);
// By one codec on the CPU, whether it pays or not.
EncodedSegment encode_delta_as(Codec codec, const DeltaCase& c);
struct DecodedDelta {
  std::vector<uint8_t> content;
  std::vector<BlockStatus> status;
};
// The segment goes through its wire form. base: of the whole segment.
DecodedDelta decode_delta(Backend& backend, const EncodedSegment& s,
                          const std::vector<uint8_t>& base);
DecodedDelta decode_delta(Backend& backend, const EncodedSegment& s,
                          const std::vector<uint8_t>& base, uint32_t first_block, uint32_t blocks);
}  // namespace gramzip::test
