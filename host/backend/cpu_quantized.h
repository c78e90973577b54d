// SPDX-License-Identifier: Apache-2.0
// Segments of codec quantized on the CPU (docs/format.md, 16).
#pragma once
#include "host/backend/backend.h"

namespace gramzip::cpu {
// in.levels is set. Some content gains nothing: all blocks are raw or constant then.
void encode_quantized(const SegmentInput& in, EncodedSegment& out);
// Whether a segment of this size may be smaller with a codec that knows no levels.
bool quantized_is_doubtful(const SegmentInput& in, const EncodedSegment& coded);
void decode_quantized(const DecodeRequest& r);
}  // namespace gramzip::cpu
