// SPDX-License-Identifier: Apache-2.0
// Segments of codec quantized on the CPU (docs/format.md, 16).
#pragma once
#include <functional>

#include "host/backend/backend.h"

namespace gramzip::cpu {
// in.levels is set. Some content gains nothing: all blocks are raw or constant then.
void encode_quantized(const SegmentInput& in, EncodedSegment& out);
// Whether another codec might take less than that.
bool levels_are_doubtful(const SegmentInput& in, const EncodedSegment& coded);
// The same, or by the codec that knows no levels if that may be smaller and is.
using EncodeAlone = std::function<void(const SegmentInput& in, EncodedSegment& out)>;
void encode_levels(const SegmentInput& in, const EncodeAlone& without_levels, EncodedSegment& out);
void decode_quantized(const DecodeRequest& r);
}  // namespace gramzip::cpu
