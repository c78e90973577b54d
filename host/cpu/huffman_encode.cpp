// SPDX-License-Identifier: Apache-2.0
// The layout of a coded block. The loops over symbols are in huffman_encode_loops.inl.
#include "host/cpu/huffman_encode.h"

#include <array>
#include <cstring>

#include "host/base/cpu_features.h"
#include "host/cpu/class_ids.h"

namespace gramzip::cpu {
const EncodeLoops& encode_loops() {
#if defined(GRAMZIP_HAVE_AVX2)
  static const EncodeLoops& chosen = cpu_features().avx2_bmi2 ? kEncodeAvx2 : kEncodeBaseline;
  return chosen;
#else
  return kEncodeBaseline;
#endif
}

namespace {
// Working memory only grows: what is in it is written before it is read.
template <class T>
T* room_for(std::vector<T>& v, size_t n) {
  if (v.size() < n) v.resize(n);
  return v.data();
}
}  // namespace

bool BlockEncoder::encode(std::span<const uint8_t> content, const Split& split,
                          std::span<const CodeBook> books, std::span<const uint8_t> class_ids,
                          std::vector<uint8_t>& out) {
  make_encode_tables(books, 0, own_);
  const size_t at = out.size();
  out.resize(at + content.size());
  const uint32_t coded = encode(content, split, own_, class_ids, out.data() + at);
  out.resize(at + coded);
  return coded > 0;
}

uint32_t BlockEncoder::encode(std::span<const uint8_t> content, const Split& split,
                              const EncodeTables& tables, std::span<const uint8_t> class_ids,
                              uint8_t* out) {
  const auto size = static_cast<uint32_t>(content.size());
  const auto table_count = static_cast<uint32_t>(tables.single.size() / tables.symbols);
  const BlockPlan plan = plan_block(size, split, table_count);

  LaneJob job{content.data(), nullptr, plan.n, split.interleaved, &tables, nullptr, nullptr, 0};
  if (!class_ids.empty()) job.class_ids = class_ids.data();
  uint8_t* raw_plane = room_for(raw_plane_, plan.raw_bytes + kRawPlaneSlack);
  if (split.interleaved && (split.raw_bits > 0 || !tables.runs.empty())) {
    uint8_t* symbols = nullptr;
    uint16_t* symbols16 = nullptr;
    if (!tables.runs.empty())
      job.symbols16 = symbols16 = room_for(symbols16_, plan.n);
    else
      job.symbols = symbols = room_for(symbols_, plan.n);
    encode_loops().split(content.data(), plan.n, split, symbols, symbols16, raw_plane);
  }
  // An odd number of cache lines apart, so that the lanes do not share sets of the cache.
  const size_t longest = lane_count(plan.n, 0, split.interleaved) * size_t{kMaxSymbolBits} / 8 + 24;
  job.stride = ((longest + 63) / 64 | 1) * 64;
  job.lanes = room_for(lane_bytes_, job.stride * kLanes);
  LaneWords words{};
  encode_loops().lanes(job, words.data());

  const LanePlan lane_plan = plan_lanes(words);
  const uint32_t coded = coded_block_bytes(plan, lane_plan);
  if (coded >= size) return 0;

  const LaneHead head = lane_plan.head;
  uint8_t* block = out;
  if (plan.raw_bytes > 0) std::memcpy(block, raw_plane, plan.raw_bytes);
  std::memset(block + plan.raw_bytes, 0, plan.ids_at - plan.raw_bytes);
  write_class_ids(class_ids, plan, table_count, block);

  write_lanes({job.lanes, job.stride, words.data()}, head, encode_loops().lanes_to_rows,
              block + plan.lanes_at);
  return coded;
}
}  // namespace gramzip::cpu
