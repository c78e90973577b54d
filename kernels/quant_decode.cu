// SPDX-License-Identifier: Apache-2.0
// Decodes blocks of quantized weights, coders huffman and trellis, one warp a block, one lane a
// sub-stream, in one pass (docs/format.md, 16).
//
//   block:   class ids | lane header | rows | tails   ->   units: elements, or numbers of levels
//   shared:  columns of the warps, 512 bytes each | entries, 16 KiB a table | units of all phrases
//
// A lane owns whole runs, one after another, and writes them 16 bytes at a time; a phrase may lead
// from one into the next. Per code it looks up an entry, which names a phrase, and copies the
// phrase's words behind what it has, shifted into place. Along a trellis the state, a register,
// says which of two tables is next, and a code is one unit. A CTA decodes blocks of one segment,
// whose entries and units it copies to shared memory; segments that have too many of them are left
// to a second launch, which reads global memory. Every lane writes units of its own, so the result
// has no order. Reads each coded byte once, writes each unit once: 1 + 1 / ratio bytes moved a
// byte.
#include "kernels/common/block_lanes.h"
#include "kernels/common/decode_table.h"
#include "kernels/common/quant_block.h"
#include "kernels/common/unit_writer.h"

namespace gramzip::kernels {
namespace {
constexpr uint32_t kCodeMask = kTableEntries - 1;

// What a lane needs of its block.
struct QuantLane {
  const uint32_t* entries;
  const uint32_t* units;
  const uint8_t* ids;  // of the block
  uint32_t id_bits, n, unit_bytes, element_bytes, escape, quantizers;
  bool scaled;
  QuantTarget target;

  __device__ const uint32_t* table(uint32_t run) const {
    return id_bits == 0 ? entries
                        : entries + class_id(ids, run, id_bits) * quantizers * kTableEntries;
  }
};

// The element behind an escape, number j of the block.
__device__ void take_escape(LaneReader& in, const QuantLane& q, uint32_t j, UnitWriter& out) {
  const uint32_t bits = min(8 * q.element_bytes, 32u);
  const uint32_t low = in.peek() & (0xffffffffu >> (32 - bits));
  in.skip(bits);
  uint32_t high = 0;
  if (q.element_bytes == 8) {
    high = in.peek();
    in.skip(32);
  }
  if (q.scaled) {
    store_element(q.target.elements, j, q.element_bytes, low | (uint64_t{high} << 32));
    return out.put(q.escape, 16);
  }
  out.put(low, bits);
  if (q.element_bytes == 8) out.put(high, 32);
}

// All runs of the lane; false if a phrase leads beyond the lane or the bits do not end well.
__device__ bool decode_lane(LaneReader& in, const QuantLane& q, uint32_t lane, uint32_t* column) {
  const quant::LaneSpan span = quant::lane_span(q.n, lane);
  UnitWriter out(column, q.target.units + uint64_t{span.begin} * q.unit_bytes);
  for (uint32_t j = span.begin; j < span.end;) {  // run by run
    const uint32_t run = j / kRunElements;
    const uint32_t* const table = q.table(run);
    const uint32_t end = min((run + 1) * kRunElements, span.end);
    uint32_t e = table[in.peek() & kCodeMask];
    while (j < end) {
      in.skip(huffman::entry_length(e));
      const uint32_t units = (e >> kUnitsShift) & (2 * quant::kMaxPhrase - 1);
      if (units == 0) {
        take_escape(in, q, j++, out);
        e = table[in.peek() & kCodeMask];
        continue;
      }
      if (units > span.end - j) return false;
      j += units;
      const uint32_t* word = q.units + (e >> kPhraseShift);
      e = table[in.peek() & kCodeMask];  // arrives while the phrase is copied
      uint32_t bits = units * q.unit_bytes * 8;
      for (; bits > 32; bits -= 32) out.put(*word++, 32);
      out.put(*word, bits);
    }
  }
  out.finish();
  return in.ends_well();
}

// The same along a trellis.
__device__ bool decode_trellis(LaneReader& in, const QuantLane& q, uint32_t lane,
                               uint32_t* column) {
  const quant::LaneSpan span = quant::lane_span(q.n, lane);
  UnitWriter out(column, q.target.units + uint64_t{span.begin} * q.unit_bytes);
  const uint32_t bits = min(8 * q.unit_bytes, 32u);
  for (uint32_t j = span.begin; j < span.end;) {  // run by run
    const uint32_t* const tables = q.table(j / kRunElements);
    const uint32_t end = min((j / kRunElements + 1) * kRunElements, span.end);
    for (uint32_t state = 0; j < end; ++j) {
      const uint32_t e = tables[(in.peek() & kCodeMask) | (state & 1u) * kTableEntries];
      in.skip(huffman::entry_length(e));
      state = (state >> 1) ^ ((e >> kStateShift) & kStateMask);
      if ((e & kEscapeBit) != 0) {
        take_escape(in, q, j, out);
        continue;
      }
      const uint32_t* const unit = q.units + (e >> kLevelShift);
      out.put(unit[0], bits);
      if (q.unit_bytes == 8) out.put(unit[1], 32);
    }
  }
  out.finish();
  return in.ends_well();
}

__device__ BlockStatus decode_coded(const uint8_t* block, uint32_t coded_bytes, uint32_t tables,
                                    const DeviceTable* list, const QuantLane& q, uint32_t lane,
                                    uint32_t* columns) {
  const uint32_t classes = tables / q.quantizers;
  const BlockPlan plan = quant::plan_coded(q.n, classes);
  if (coded_bytes < plan.lanes_at + kBlockAlign) return BlockStatus::bad_block;
  if (!class_ids_fit(block, plan, classes, list, lane, q.quantizers)) return BlockStatus::bad_block;
  BlockLanes lanes;
  if (!read_lanes(block, plan.lanes_at, coded_bytes, lane, lanes)) return BlockStatus::bad_block;
  LaneReader in = lanes.reader(block, lane);
  const bool good = q.quantizers == 2 ? decode_trellis(in, q, lane, columns + lane)
                                      : decode_lane(in, q, lane, columns + lane);
  return __all_sync(kAllLanes, good) ? BlockStatus::ok : BlockStatus::bad_stream;
}

// kShared: decodes the groups whose tables fit into shared memory; else the others.
template <bool kShared>
__global__ void __launch_bounds__(QuantTuning::kMaxWarps* kWarp, QuantTuning::kMinCtas)
    quant_decode_kernel(const QuantBatch batch, const DecodeGroup* groups, uint32_t shared_bytes) {
  GRAMZIP_DYN_SHARED(uint32_t, copies);
  __shared__ uint32_t columns[QuantTuning::kMaxWarps * UnitWriter::kColumn * kWarp];
  const DecodeGroup group = groups[blockIdx.x];
  const DeviceSegment& segment = batch.segments[group.segment];
  const SegmentHeader& h = segment.header;
  const QuantSegment& q = batch.quant[segment.first_exact];
  if ((q.shared_bytes(h.tables) <= shared_bytes) != kShared) return;  // the whole CTA leaves
  const uint32_t* entries = batch.entries + uint64_t{q.first_table} * kTableEntries;
  const uint32_t* units = batch.units + q.units_at;
  if constexpr (kShared) {
    const uint32_t entry_words = h.tables * kTableEntries;
    for (uint32_t i = threadIdx.x; i < entry_words / 4; i += blockDim.x)
      reinterpret_cast<uint4*>(copies)[i] = reinterpret_cast<const uint4*>(entries)[i];
    for (uint32_t i = threadIdx.x; i < q.unit_words; i += blockDim.x)
      copies[entry_words + i] = units[i];
    __syncthreads();
    entries = copies;
    units = copies + entry_words;
  }
  const uint32_t warp = threadIdx.x / kWarp, lane = threadIdx.x % kWarp;
  if (warp >= group.count) return;  // whole warps, behind the last barrier
  decode_quant_block(
      batch, group, warp, lane, kWarp,
      [&](const uint8_t* block, uint32_t coded_bytes, uint32_t n, const QuantTarget& target) {
        const QuantLane in_lane{entries,
                                units,
                                block,
                                class_id_bits(h.tables / q.quantizers),
                                n,
                                q.unit_bytes,
                                element_info(h.type).bytes,
                                q.levels,
                                q.quantizers,
                                q.scaled,
                                target};
        return decode_coded(block, coded_bytes, h.tables, batch.tables + segment.first_table,
                            in_lane, lane, columns + warp * UnitWriter::kColumn * kWarp);
      });
}

__global__ void quant_entries_kernel(const QuantTable* quant_tables, const DeviceTable* tables,
                                     const uint8_t* lengths, const uint32_t* symbols,
                                     uint32_t* all_entries) {
  GRAMZIP_DYN_SHARED(TableScratch, scratch);
  uint16_t* const single = reinterpret_cast<uint16_t*>(scratch + 1);
  const QuantTable t = quant_tables[blockIdx.x];
  build_table(tables[t.table], lengths, kFloatCodeLimit, *scratch, single);
  uint32_t* const entries = all_entries + uint64_t{blockIdx.x} * kTableEntries;
  for (uint32_t i = threadIdx.x; i < kTableEntries; i += blockDim.x)
    entries[i] =
        symbols[t.symbols_at + huffman::entry_symbol(single[i])] | huffman::entry_length(single[i]);
}
}  // namespace

cudaError_t quant_entries(const QuantTable* quant_tables, uint32_t count, const DeviceTable* tables,
                          const uint8_t* lengths, const uint32_t* symbols, uint32_t* entries,
                          cudaStream_t stream) {
  if (count == 0) return cudaSuccess;
  constexpr size_t smem = sizeof(TableScratch) + kTableEntries * sizeof(uint16_t);
  return launch(Launch{dim3(count), dim3(256), smem, stream}, quant_entries_kernel, quant_tables,
                tables, lengths, symbols, entries);
}

cudaError_t quant_decode(const QuantBatch& batch, const DecodeGroup* groups, uint32_t count,
                         uint64_t most_shared, uint64_t least_shared, const QuantTuning& tuning,
                         cudaStream_t stream) {
  if (count == 0) return cudaSuccess;
  const auto start = [&](auto kernel, size_t bytes) {
    return launch(Launch{dim3(count), dim3(tuning.warps * kWarp), bytes, stream}, kernel, batch,
                  groups, tuning.shared_bytes);
  };
  if (least_shared <= tuning.shared_bytes) {
    const size_t bytes = most_shared < tuning.shared_bytes ? most_shared : tuning.shared_bytes;
    const cudaError_t status = start(quant_decode_kernel<true>, bytes);
    if (status != cudaSuccess) return status;
  }
  return most_shared > tuning.shared_bytes ? start(quant_decode_kernel<false>, 0) : cudaSuccess;
}
}  // namespace gramzip::kernels
