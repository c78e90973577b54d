// SPDX-License-Identifier: Apache-2.0
// The class ids of a coded block (docs/format.md, 4).
#pragma once
#include <cstdint>
#include <span>
#include <vector>

#include "gramzip/core/plan.h"
#include "host/cpu/decode_tables.h"

namespace gramzip::cpu {
// Reads the ids of a block whose part up to plan.lanes_at is there. False (bad_block) if a set bit
// is unused, or a run has no table or one that codes nothing.
bool read_class_ids(const uint8_t* block, const BlockPlan& plan, uint32_t table_count,
                    const DecodeTables& tables, std::vector<uint8_t>& ids);
// Writes them, with their padding; class_ids is empty if there is one table.
void write_class_ids(std::span<const uint8_t> class_ids, const BlockPlan& plan,
                     uint32_t table_count, uint8_t* block);
}  // namespace gramzip::cpu
