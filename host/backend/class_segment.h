// SPDX-License-Identifier: Apache-2.0
// Decisions about a segment of floats or planes that every backend takes alike.
#pragma once
#include <span>

#include "host/backend/backend.h"

namespace gramzip {
// Codec planes: integers, and bytes in records of fixed length.
bool has_planes(const SegmentInput& in);
// Codecs whose runs of 256 elements have classes: floats and planes.
bool has_classes(const SegmentInput& in);
// The exact values of a segment that is to have some: of codec exact_floats then.
std::vector<uint64_t> exact_values(const SegmentInput& in);
// The header, with no tables yet, of a segment that has_classes(), or of codec bytes. exact: its
// exact_values().
SegmentHeader start_header(const SegmentInput& in, std::span<const uint64_t> exact);

// Whether one table of bytes takes no more than the classes of a segment of planes, which is then
// coded as one of type and codec bytes.
struct PlaneClasses {
  uint64_t code_bits;    // of all symbols
  uint64_t table_bytes;  // on the wire
  uint32_t tables, runs;
};
bool bytes_suffice(const PlaneClasses& classes, std::span<const uint32_t> counts_of_bytes);
}  // namespace gramzip
