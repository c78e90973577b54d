// SPDX-License-Identifier: Apache-2.0
// Decodes blocks, one warp a block, one lane a sub-stream, in one pass (docs/format.md, 4).
//
//   block:   raw plane | class ids | lane header | rows | tails   ->   content
//   shared:  scratch of the table build, then the warps' columns | three-symbol table, 8 KiB
//            | one-symbol tables, 8 KiB each, up to DecodeTuning::shared_tables
//
// A CTA decodes blocks of one segment and builds the segment's tables first; segments with more
// tables than fit are left to a second kernel, whose tables lie in global memory, and those of
// exact floats to a third and a fourth. Codec bytes: a lane owns a piece of the block and writes it
// 16 bytes at a time; codec floats: in step s the warp writes 256 elements, 8 a lane, and so it
// does with exact floats, whose raw bits lie in the lanes (docs/format.md, 11); with a period:
// likewise, in the order of planes, behind all content. Every lane writes bytes of its own, so the
// result has no order. Reads each coded byte once, writes each decoded byte once: 1 + 1 / ratio
// bytes moved a byte.
#include "kernels/huffman_decode.h"

#include "kernels/common/block_lanes.h"
#include "kernels/common/block_modes.h"
#include "kernels/common/decode_table.h"
#include "kernels/common/exact_decode.h"
#include "kernels/common/lane_decode.h"

namespace gramzip::kernels {
namespace {
// kExact: a block of codec exact_floats, else of the others. kPieces: codec bytes, too.
template <bool kExact, bool kPieces>
__device__ BlockStatus decode_coded(const uint8_t* block, uint32_t coded_bytes, uint32_t size,
                                    const SegmentHeader& h, const Tables& t, uint32_t* columns,
                                    uint32_t lane, uint8_t* out) {
  const Split split = h.split();
  const BlockPlan plan = plan_block(size, split, h.tables);
  if (coded_bytes < plan.lanes_at + kBlockAlign) return BlockStatus::bad_block;
  const uint64_t plane_bits = kExact ? 0 : uint64_t{plan.n} * split.raw_bits;
  if (!part_ends_in_zeros(block, 0, plane_bits, plan.ids_at, lane)) return BlockStatus::bad_block;
  if (!class_ids_fit(block, plan, h.tables, t.list, lane)) return BlockStatus::bad_block;

  BlockLanes lanes;
  if (!read_lanes(block, plan.lanes_at, coded_bytes, lane, lanes)) return BlockStatus::bad_block;

  LaneReader in = lanes.reader(block, lane);
  const FloatBlock floats{block, plan.n, plan.ids_at, h, lane, out};
  bool good;
  if constexpr (kExact)
    good = decode_exact(in, t, floats);
  else if (kPieces && !split.interleaved)
    good = decode_piece(in, t, lane_count(plan.n, lane, false), columns + lane,
                        out + lane * lane_piece(plan.n));
  else
    good = decode_floats(in, t, floats);
  return __all_sync(kAllLanes, good) ? BlockStatus::ok : BlockStatus::bad_stream;
}

// kShared: decodes the groups whose tables fit into shared memory; else the others. kExact: those
// of exact floats; else the others. 64-bit raw values and exact values need more registers than the
// other loops, which would share them in one kernel.
template <bool kShared, bool kExact>
__global__ void __launch_bounds__(DecodeTuning::kMaxWarps* kWarp,
                                  kExact ? DecodeTuning::kMinExactCtas : DecodeTuning::kMinCtas)
    decode_kernel(const DecodeGroup* groups, const DeviceSegment* segments,
                  const BlockState* states, const uint64_t* coded_hashes, const DeviceTable* tables,
                  const uint8_t* lengths, const uint16_t* global_entries, const uint64_t* exact,
                  const uint8_t* data, uint32_t shared_tables, uint8_t* content,
                  DecodeOutput* outputs) {
  GRAMZIP_DYN_SHARED(TableScratch, scratch);
  uint32_t* multi = reinterpret_cast<uint32_t*>(scratch + 1);
  uint16_t* single = reinterpret_cast<uint16_t*>(multi + (1u << kByteCodeLimit));
  const DecodeGroup group = groups[blockIdx.x];
  const DeviceSegment& segment = segments[group.segment];
  const SegmentHeader& h = segment.header;
  // The whole CTA leaves.
  if ((h.tables <= shared_tables) != kShared || h.split().inline_raw != kExact) return;
  Tables t{single, multi, tables + segment.first_table, exact + segment.first_exact};
  if constexpr (kShared) {
    for (uint32_t i = 0; i < h.tables; ++i)
      build_table(t.list[i], lengths, h.code_limit, *scratch, single + uint64_t{i} * kTableEntries);
    if (!kExact && h.codec == Codec::bytes && h.tables == 1) {
      for (uint32_t i = threadIdx.x; i < (1u << kByteCodeLimit); i += blockDim.x)
        multi[i] = huffman::multi_entry(single, kByteCodeLimit, i);
      __syncthreads();
    }
  } else {
    t.single = global_entries + uint64_t{segment.first_table} * kTableEntries;
  }
  const uint32_t warp = threadIdx.x / kWarp, lane = threadIdx.x % kWarp;
  if (warp >= group.count) return;  // whole warps, behind the last barrier
  // The scratch has done its service: its memory holds the columns of the warps.
  uint32_t* columns = reinterpret_cast<uint32_t*>(scratch) + warp * UnitWriter::kColumn * kWarp;
  uint8_t* out = content + outputs[group.output + warp].at;
  const BlockStatus status = decode_block(
      segment, states, coded_hashes, data, group.first + warp, lane, out,
      [&](const uint8_t* block, uint32_t coded_bytes, uint32_t size, uint32_t) {
        uint8_t* to = out;
        if (h.period > 0) {
          DecodeOutput& output = outputs[group.output + warp];
          to = content + output.planes_at;
          if (lane == 0) output.period = h.period;
        }
        return decode_coded<kExact, kShared>(block, coded_bytes, size, h, t, columns, lane, to);
      });
  // Read again, so that no register keeps it meanwhile.
  if (lane == 0) outputs[groups[blockIdx.x].output + warp].status = status;
}
static_assert(sizeof(TableScratch) >=
              DecodeTuning::kMaxWarps * UnitWriter::kColumn * kWarp * sizeof(uint32_t));

__global__ void build_tables_kernel(const DeviceTable* tables, const uint8_t* lengths,
                                    const uint8_t* limits, uint16_t* entries) {
  GRAMZIP_DYN_SHARED(TableScratch, scratch);
  build_table(tables[blockIdx.x], lengths, limits[blockIdx.x], *scratch,
              entries + uint64_t{blockIdx.x} * kTableEntries);
}

__global__ void judge_kernel(const uint64_t* expected, const uint64_t* hashes,
                             DecodeOutput* outputs, uint32_t count) {
  const uint32_t i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < count && outputs[i].status == BlockStatus::ok && hashes[i] != expected[i])
    outputs[i].status = BlockStatus::bad_decoded_hash;
}
}  // namespace

cudaError_t build_tables(const DeviceTable* tables, const uint8_t* lengths, const uint8_t* limits,
                         uint32_t count, uint16_t* entries, cudaStream_t stream) {
  if (count == 0) return cudaSuccess;
  return launch(Launch{dim3(count), dim3(256), sizeof(TableScratch), stream}, build_tables_kernel,
                tables, lengths, limits, entries);
}

cudaError_t huffman_decode(const DecodeGroup* groups, uint32_t count, const DeviceSegment* segments,
                           const BlockState* states, const uint64_t* coded_hashes,
                           const DeviceTable* tables, const uint8_t* lengths,
                           const uint16_t* global_entries, const uint64_t* exact,
                           const uint8_t* data, uint32_t most_tables, uint8_t* content,
                           DecodeOutput* outputs, const DecodeTuning& tuning, cudaStream_t stream) {
  if (count == 0) return cudaSuccess;
  const uint32_t kept = most_tables < tuning.shared_tables ? most_tables : tuning.shared_tables;
  const size_t smem = sizeof(TableScratch) + (sizeof(uint32_t) << kByteCodeLimit) +
                      size_t{kept} * kTableEntries * sizeof(uint16_t);
  const auto start = [&](auto kernel, size_t bytes) {
    return launch(Launch{dim3(count), dim3(tuning.warps * kWarp), bytes, stream}, kernel, groups,
                  segments, states, coded_hashes, tables, lengths, global_entries, exact, data,
                  tuning.shared_tables, content, outputs);
  };
  const bool beyond = most_tables > tuning.shared_tables;
  cudaError_t status = start(decode_kernel<true, false>, smem);
  if (status == cudaSuccess && beyond)
    status = start(decode_kernel<false, false>, sizeof(TableScratch));
  if (status != cudaSuccess || exact == nullptr) return status;
  status = start(decode_kernel<true, true>, smem);
  if (status == cudaSuccess && beyond)
    status = start(decode_kernel<false, true>, sizeof(TableScratch));
  return status;
}

cudaError_t judge_decoded(const uint64_t* expected, const uint64_t* hashes, DecodeOutput* outputs,
                          uint32_t count, cudaStream_t stream) {
  if (count == 0) return cudaSuccess;
  return launch(Launch{dim3(static_cast<uint32_t>(ceil_div(count, 256))), dim3(256), 0, stream},
                judge_kernel, expected, hashes, outputs, count);
}
}  // namespace gramzip::kernels
