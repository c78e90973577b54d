// SPDX-License-Identifier: Apache-2.0
// The quant table in front of the code tables of codec quantized (docs/format.md, 16).
// host/model/quant_table.h writes it.
#pragma once
#include <span>
#include <string>

#include "gramzip/core/format.h"
#include "host/model/quant_table.h"

namespace gramzip::frame {
// Reads and checks the table at the front of `wire`; returns its size with padding. Throws
// Error(corrupt).
uint32_t load_quant_table(const SegmentHeader& h, std::span<const uint8_t> wire, quant::Table& t,
                          const std::string& where);
}  // namespace gramzip::frame
