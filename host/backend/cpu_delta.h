// SPDX-License-Identifier: Apache-2.0
// Segments coded against a base on the CPU (docs/format.md, 14).
#pragma once
#include <functional>

#include "host/backend/backend.h"

namespace gramzip::cpu {
// Codes a segment that has a base: as changes, as differences, or by the codec of its type,
// whichever is smallest.
using EncodeSegment = std::function<void(const SegmentInput&, EncodedSegment&)>;
void encode_with_base(const SegmentInput& in, const EncodeSegment& without_base,
                      EncodedSegment& out);
// By the one of codecs delta and sparse_delta that is named.
void encode_with_base_as(Codec codec, const SegmentInput& in, EncodedSegment& out);
// Segments of codecs delta and sparse_delta.
void decode_with_base(const DecodeRequest& r);
}  // namespace gramzip::cpu
