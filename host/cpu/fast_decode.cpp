// SPDX-License-Identifier: Apache-2.0
// The structure of a block of fast floats: parts, padding, class ids, exceptions. The loops over
// codes are in fast_decode_loops.inl and fast_decode_avx512.cpp.
#include "host/cpu/fast_decode.h"

#include "gramzip/core/bitpack.h"

#include "host/base/cpu_features.h"

namespace gramzip::cpu {
FastLoops fast_loops() {
#if defined(GRAMZIP_HAVE_VBMI)
  if (cpu_features().avx512_vbmi) return decode_fast_avx512;
#endif
#if defined(GRAMZIP_HAVE_AVX2)
  if (cpu_features().avx2_bmi2) return decode_fast_avx2;
#endif
  return decode_fast_baseline;
}

bool FastDecoder::prepare(const Block& b, const Split& split, std::span<const FastTable> tables,
                          std::vector<uint8_t>& class_ids, FastJob& job,
                          const uint8_t*& exceptions) {
  const auto table_count = static_cast<uint32_t>(tables.size());
  const BlockPlan plan = plan_block(static_cast<uint32_t>(b.out.size()), split, table_count);
  const uint8_t* block = b.coded.data();
  exceptions = block + plan.lanes_at;
  if (b.coded.size() < plan.lanes_at + 4) return false;
  if (!rest_is_zero(block, 0, uint64_t{plan.n} * split.raw_bits, plan.ids_at)) return false;

  const uint32_t id_bits = class_id_bits(table_count);
  const auto runs = static_cast<uint32_t>(ceil_div(plan.n, kRunElements));
  if (!rest_is_zero(block, plan.ids_at, uint64_t{runs} * id_bits, plan.lanes_at)) return false;
  class_ids.resize(runs);
  for (uint32_t r = 0; r < runs; ++r) {
    const auto id =
        static_cast<uint8_t>(load_bits(block + plan.ids_at, uint64_t{r} * id_bits, id_bits));
    if (id >= table_count || tables[id].codes_nothing) return false;
    class_ids[r] = id;
  }

  const size_t room = (b.coded.size() - plan.lanes_at) / 4 - 1;
  const uint32_t count = load_le<uint32_t>(exceptions);
  if (b.coded.size() % 4 != 0 || count > room) return false;
  uint32_t next = 0;  // the lowest element that an exception may have
  for (uint32_t i = 0; i < count; ++i) {
    const fast::Exception e = fast::unpack_exception(load_le<uint32_t>(exceptions + 4 + 4 * i));
    if (e.element < next || e.element >= plan.n || e.exponent >> split.symbol_bits != 0)
      return false;
    next = e.element + 1;
  }
  const auto words = static_cast<uint32_t>(room - count);
  if (words > 0 && load_le<uint32_t>(block + b.coded.size() - 4) == 0) return false;
  job = {block, class_ids.data(), tables.data(), exceptions + 4 + size_t{4} * count,
         words, plan.n,           split,         b.out.data()};
  return true;
}

void FastDecoder::decode(std::span<Block> blocks, const Split& split,
                         std::span<const FastTable> tables) {
  FastJob jobs[kAtOnce];
  Block* of_job[kAtOnce];
  const uint8_t* exceptions[kAtOnce];
  uint32_t count = 0;
  for (Block& b : blocks) {
    b.status = BlockStatus::bad_block;
    if (prepare(b, split, tables, class_ids_[count], jobs[count], exceptions[count]))
      of_job[count++] = &b;
  }
  BlockStatus status[kAtOnce];
  if (count == kAtOnce && jobs[0].n == jobs[1].n) {
    loops_(jobs, kAtOnce, exponents_, status);
  } else {
    for (uint32_t i = 0; i < count; ++i) loops_(jobs + i, 1, exponents_, status + i);
  }
  for (uint32_t i = 0; i < count; ++i) {
    of_job[i]->status = status[i];
    const uint32_t patches = load_le<uint32_t>(exceptions[i]);
    for (uint32_t k = 0; k < patches; ++k)
      fast::patch(of_job[i]->out.data(), split,
                  fast::unpack_exception(load_le<uint32_t>(exceptions[i] + 4 + 4 * k)));
  }
}
}  // namespace gramzip::cpu
