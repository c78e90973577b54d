// SPDX-License-Identifier: Apache-2.0
// The header of a segment (docs/format.md, 2.4).
#pragma once
#include <cstdint>
#include <string>

#include "gramzip/core/archive_wire.h"

namespace gramzip::frame {
// Every field checked by itself and against the others, and whether this release decodes it.
// Throws Error(corrupt or unsupported) that begins with `where`.
SegmentHeader load_segment_header(const uint8_t* p, const std::string& where);
}  // namespace gramzip::frame
