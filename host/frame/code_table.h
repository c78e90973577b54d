// SPDX-License-Identifier: Apache-2.0
// Code tables read from the wire (docs/format.md, 3). core/table_wire.h writes them.
#pragma once
#include <span>
#include <string>

#include "host/backend/backend.h"

namespace gramzip::frame {
// Reads the table at the front of `bytes`, checks it and returns its size. Throws Error(corrupt).
uint32_t load_code_table(std::span<const uint8_t> bytes, uint32_t symbols, uint32_t code_limit,
                         CodeTable& t, const std::string& where);
}  // namespace gramzip::frame
