// SPDX-License-Identifier: Apache-2.0
// Plain segments: those that the device API encodes without a decision of the host
// (docs/device.md). Bytes and integers are of codec and type bytes; floats of codec floats, whose
// runs have classes by core/run_keys.h. All else is as every writer does it.
#pragma once
#include "gramzip/core/run_keys.h"
#include "host/backend/backend.h"

namespace gramzip {
// The header, with no tables yet.
inline SegmentHeader make_plain_header(ElementType type, uint32_t bytes) {
  return make_segment_header(is_float(type) ? type : ElementType::bytes, bytes);
}
// Classes of its runs, used or not.
inline uint32_t plain_classes(const SegmentHeader& h) {
  if (h.codec != Codec::floats) return 1;
  return key_classes(h.decoded_bytes / h.split().bytes / kRunElements);
}
// The most bytes of its meta.
inline uint64_t plain_meta_bound(const SegmentHeader& h) {
  const uint32_t tables = plain_classes(h) * table_wire_bytes(h.alphabet());
  return round_up(kSegmentHeaderBytes + tables, 8) + uint64_t{h.blocks} * kBlockRecordBytes;
}
namespace cpu {
void encode_plain(ElementType type, std::span<const uint8_t> content, EncodedSegment& out);
}
}  // namespace gramzip
