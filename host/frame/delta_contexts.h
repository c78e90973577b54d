// SPDX-License-Identifier: Apache-2.0
// The words in front of the code tables of codecs delta and sparse_delta, and what these codecs ask
// of the tables (docs/format.md, 14).
#pragma once
#include <span>
#include <string>
#include <vector>

#include "host/backend/backend.h"

namespace gramzip::frame {
// Reads and checks the words at the front of `bytes`; returns their size with padding. Throws
// Error(corrupt).
uint32_t load_contexts(const SegmentHeader& h, std::span<const uint8_t> bytes,
                       std::vector<uint16_t>& contexts, const std::string& where);
void check_delta_tables(const SegmentHeader& h, std::span<const CodeTable> tables,
                        const std::string& where);
}  // namespace gramzip::frame
