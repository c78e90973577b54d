// SPDX-License-Identifier: Apache-2.0
#include "host/cpu/class_ids.h"

#include <cstring>

#include "gramzip/core/bitpack.h"

namespace gramzip::cpu {
bool read_class_ids(const uint8_t* block, const BlockPlan& plan, uint32_t table_count,
                    const DecodeTables& tables, std::vector<uint8_t>& ids) {
  const uint32_t id_bits = class_id_bits(table_count);
  const auto runs = static_cast<uint32_t>(ceil_div(plan.n, kRunElements));
  if (!rest_is_zero(block, plan.ids_at, uint64_t{runs} * id_bits, plan.lanes_at)) return false;
  ids.assign(runs, 0);
  for (uint32_t r = 0; r < runs; ++r) {
    ids[r] = static_cast<uint8_t>(load_bits(block + plan.ids_at, uint64_t{r} * id_bits, id_bits));
    if (ids[r] >= table_count || tables.codes_nothing[ids[r]]) return false;
  }
  return true;
}

void write_class_ids(std::span<const uint8_t> class_ids, const BlockPlan& plan,
                     uint32_t table_count, uint8_t* block) {
  std::memset(block + plan.ids_at, 0, plan.lanes_at - plan.ids_at);
  const uint32_t id_bits = class_id_bits(table_count);
  for (size_t r = 0; id_bits > 0 && r < class_ids.size(); ++r)
    or_bits(block + plan.ids_at, r * id_bits, id_bits, class_ids[r]);
}
}  // namespace gramzip::cpu
