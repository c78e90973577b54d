// SPDX-License-Identifier: Apache-2.0
// Decodes blocks of codec delta, one warp a block, one lane a sub-stream (docs/format.md, 14.1).
//
//   block:   class ids | lane header | rows | tails,  base   ->   content
//   shared:  scratch of the table build | table of each sum of exponent and class, a byte each
//            | one-symbol tables, 8 KiB each, up to DeltaTuning::shared_tables
//
// A lane takes 8 elements of the base from its group of a run, finds the table of each by its
// exponent and the class of the run, and reads a code and its raw bits from its bit string. Every
// lane writes elements of its own, so the result has no order. Reads each coded byte and each byte
// of the base once, writes each decoded byte once: 2 + 1 / ratio bytes moved a byte.
#include "kernels/delta_decode.h"

#include <type_traits>

#include "gramzip/core/delta.h"
#include "kernels/common/base_block.h"
#include "kernels/common/block_lanes.h"
#include "kernels/common/decode_table.h"
#include "kernels/common/lane_decode.h"
#include "kernels/common/lane_encode.h"

namespace gramzip::kernels {
namespace {
struct DeltaTables {
  const uint16_t* entries;  // kTableEntries a table
  const uint8_t* of_sum;
  uint32_t classes;
};

// A coded block as a lane sees it.
struct DeltaLane {
  const uint8_t* block;  // its class ids
  const uint8_t* base;
  uint8_t* out;
  uint32_t n, id_bits, exponent_bits, lane;

  __device__ uint32_t class_of(uint32_t run) const {
    return static_cast<uint32_t>(load_bits(block, uint64_t{run} * id_bits, id_bits));
  }
};

// The next `bits` bits, up to 61.
template <class Word>
__device__ Word take_raw(LaneReader& in, uint32_t bits) {
  if constexpr (sizeof(Word) == 8) {
    const uint32_t first = min(bits, 32u);
    uint64_t raw = in.peek() & ((uint64_t{1} << first) - 1);
    in.skip(first);
    if (bits > 32) {
      raw |= uint64_t{in.peek() & ((1u << (bits - 32)) - 1)} << 32;
      in.skip(bits - 32);
    }
    return raw;
  } else {
    const uint32_t raw = in.peek() & ((1u << bits) - 1);
    in.skip(bits);
    return raw;
  }
}

// The element that the next code and its raw bits make of the base's x.
template <uint32_t kBytes>
__device__ uint64_t take_element(LaneReader& in, const DeltaTables& t, const uint8_t* of_exponent,
                                 const delta::Arithmetic& a, uint64_t x) {
  using Word = std::conditional_t<kBytes == 8, uint64_t, uint32_t>;
  constexpr uint32_t kMostRaw = 8 * kBytes - 3;
  const uint16_t* table = t.entries + of_exponent[a.exponent(x)] * kTableEntries;
  const uint32_t window = in.peek(), e = table[window & kFloatMask];
  const uint32_t symbol = huffman::entry_symbol(e), length = huffman::entry_length(e);
  const uint32_t raw_bits = delta::raw_bits(symbol);
  Word raw = 0;
  if constexpr (delta::kCodeLimit + kMostRaw <= 32) {
    raw = (window >> length) & ((1u << raw_bits) - 1);
    in.skip(length + raw_bits);
  } else {
    in.skip(length);
    raw = take_raw<Word>(in, raw_bits);
  }
  return a.apply(static_cast<Word>(x), delta::bucket_base<Word>(symbol) + raw);
}

template <uint32_t kBytes>
__device__ void decode_lane(LaneReader& in, const DeltaTables& t, const DeltaLane& d) {
  const delta::Arithmetic a{8 * kBytes, d.exponent_bits};
  const uint32_t groups = d.n / kLaneGroup;
  uint32_t g = d.lane;
  for (; g < groups; g += kLanes) {
    const uint8_t* of_exponent = t.of_sum + d.class_of(g / kLanes);
    const uint64_t at = uint64_t{g} * kLaneGroup * kBytes;
    if constexpr (kBytes == 8) {  // two at a time: a group of them takes too many registers
      for (uint32_t k = 0; k < kLaneGroup / 2; ++k) {
        ulonglong2 x = reinterpret_cast<const ulonglong2*>(d.base + at)[k];
        x.x = take_element<kBytes>(in, t, of_exponent, a, x.x);
        x.y = take_element<kBytes>(in, t, of_exponent, a, x.y);
        reinterpret_cast<ulonglong2*>(d.out + at)[k] = x;
      }
    } else {
      uint64_t x[kLaneGroup];
      load_group<kBytes>(d.base + at, x);
#pragma unroll
      for (uint32_t k = 0; k < kLaneGroup; ++k)
        x[k] = take_element<kBytes>(in, t, of_exponent, a, x[k]);
      store_group<kBytes>(d.out + at, x);
    }
  }
  if (g != groups || d.n % kLaneGroup == 0) return;
  const uint8_t* of_exponent = t.of_sum + d.class_of(g / kLanes);  // the group that the end cuts
  for (uint32_t j = g * kLaneGroup; j < d.n; ++j)
    store_element(d.out, j, kBytes,
                  take_element<kBytes>(in, t, of_exponent, a, load_element(d.base, j, kBytes)));
}

__device__ BlockStatus decode_coded(const BaseBlock& b, const DeltaTables& t, uint32_t lane) {
  const ElementInfo element = element_info(b.header().type);
  const uint32_t coded_bytes = b.state->coded_bytes;
  const BlockPlan plan = delta::plan_dense(b.size, b.header().type, t.classes);
  if (!b.has_room() || coded_bytes < plan.lanes_at + kBlockAlign) return BlockStatus::bad_block;
  const uint32_t id_bits = class_id_bits(t.classes);
  const auto runs = static_cast<uint32_t>(ceil_div(plan.n, kRunElements));
  if (!part_ends_in_zeros(b.coded, 0, uint64_t{runs} * id_bits, plan.lanes_at, lane))
    return BlockStatus::bad_block;
  const DeltaLane d{b.coded, b.base, b.out, plan.n, id_bits, element.exponent_bits, lane};
  bool ids_good = true;
  for (uint32_t r = lane; r < runs; r += kWarp) ids_good = ids_good && d.class_of(r) < t.classes;
  if (!__all_sync(kAllLanes, ids_good)) return BlockStatus::bad_block;

  BlockLanes lanes;
  if (!read_lanes(b.coded, plan.lanes_at, coded_bytes, lane, lanes)) return BlockStatus::bad_block;
  LaneReader in = lanes.reader(b.coded, lane);
  switch (element.bytes) {
    case 1:
      decode_lane<1>(in, t, d);
      break;
    case 2:
      decode_lane<2>(in, t, d);
      break;
    case 4:
      decode_lane<4>(in, t, d);
      break;
    default:
      decode_lane<8>(in, t, d);
  }
  return __all_sync(kAllLanes, in.ends_well()) ? BlockStatus::ok : BlockStatus::bad_stream;
}

// kShared: decodes the groups whose tables fit into shared memory; else the others.
template <bool kShared>
__global__ void __launch_bounds__(DeltaTuning::kMaxWarps* kWarp, DeltaTuning::kMinCtas)
    delta_kernel(BaseBatch batch, const DecodeGroup* groups, uint32_t shared_tables) {
  GRAMZIP_DYN_SHARED(TableScratch, scratch);
  uint8_t* of_sum = reinterpret_cast<uint8_t*>(scratch + 1);
  uint16_t* shared_entries = reinterpret_cast<uint16_t*>(of_sum + delta::kMaxSums);
  const DecodeGroup group = groups[blockIdx.x];
  const DeviceSegment& segment = batch.segments[group.segment];
  const SegmentHeader& h = segment.header;
  if ((h.tables <= shared_tables) != kShared) return;  // the whole CTA leaves
  DeltaTables t{shared_entries, of_sum, 1};
  if constexpr (kShared) {
    for (uint32_t i = 0; i < h.tables; ++i)
      build_table(batch.tables[segment.first_table + i], batch.lengths, h.code_limit, *scratch,
                  shared_entries + uint64_t{i} * kTableEntries);
  } else {
    t.entries = batch.entries + uint64_t{segment.first_table} * kTableEntries;
  }
  if (h.tables > 0) {
    const uint16_t* words = batch.contexts + segment.first_table;
    t.classes = words[0];
    const uint32_t sums = delta::arithmetic(h.type).exponents() + delta::kMaxClasses;
    for (uint32_t i = threadIdx.x; i < sums; i += blockDim.x)
      of_sum[i] = static_cast<uint8_t>(delta::table_of(words + 1, h.tables, i));
  }
  __syncthreads();
  const uint32_t warp = threadIdx.x / kWarp, lane = threadIdx.x % kWarp;
  if (warp >= group.count) return;  // whole warps, behind the last barrier
  const BaseBlock b = base_block(batch, group, warp);
  const BlockStatus status =
      b.is_coded() ? decode_coded(b, t, lane) : fill_base_block(b, lane, kWarp);
  if (lane == 0) batch.outputs[group.output + warp].status = status;
}
static_assert(sizeof(TableScratch) % 2 == 0 && delta::kMaxSums % 2 == 0);  // entries are aligned
}  // namespace

cudaError_t delta_decode(const BaseBatch& batch, const DecodeGroup* groups, uint32_t count,
                         uint32_t most_tables, const DeltaTuning& tuning, cudaStream_t stream) {
  if (count == 0) return cudaSuccess;
  const uint32_t kept = most_tables < tuning.shared_tables ? most_tables : tuning.shared_tables;
  const size_t fixed = sizeof(TableScratch) + delta::kMaxSums;
  const auto start = [&](auto kernel, size_t bytes) {
    return launch(Launch{dim3(count), dim3(tuning.warps * kWarp), bytes, stream}, kernel, batch,
                  groups, tuning.shared_tables);
  };
  const cudaError_t status =
      start(delta_kernel<true>, fixed + size_t{kept} * kTableEntries * sizeof(uint16_t));
  if (status != cudaSuccess || most_tables <= tuning.shared_tables) return status;
  return start(delta_kernel<false>, fixed);
}
}  // namespace gramzip::kernels
