// SPDX-License-Identifier: Apache-2.0
// Decodes blocks of fast floats, one warp a block, one lane a sub-stream, in one pass
// (docs/format.md, 13).
//
//   block:   raw plane | class ids | exceptions | words in demand order   ->   content
//   shared:  the segment's tables, 256 bytes each
//
// In a step the warp writes 128 elements, 4 consecutive ones a lane. Then the lanes that need a
// word take the next ones of the stream: a ballot says which lanes those are, and how many lie
// before a lane. Every lane writes bytes of its own; exceptions are written behind a barrier of the
// warp. Reads each coded byte once, writes each decoded byte once: 1 + 1 / ratio bytes moved a
// byte.
#include "kernels/fast_decode.h"

#include "kernels/common/block_lanes.h"
#include "kernels/common/block_modes.h"

namespace gramzip::kernels {
namespace {
// A coded block whose structure is sound, as a lane sees it.
struct FastBlock {
  const uint8_t* block;  // its raw plane
  BlockPlan plan;
  Split split;
  uint32_t tables, lane;
  const uint32_t* exceptions;
  uint32_t exception_count;
  const uint32_t* words;
  uint32_t word_count;

  __device__ uint32_t word(uint32_t i) const { return i < word_count ? words[i] : 0; }
  // The table of a run, 0 behind the last run.
  __device__ uint32_t id(uint32_t run) const {
    const uint32_t bits = class_id_bits(tables);
    if (bits == 0 || run * kRunElements >= plan.n) return 0;
    return static_cast<uint32_t>(load_bits(block + plan.ids_at, uint64_t{run} * bits, bits));
  }
};

// The raw values of a lane's four elements, in whole aligned words where the width allows it.
template <uint32_t kRaw>
__device__ void load_raw(const uint8_t* plane, uint32_t first, uint32_t* raw) {
  if constexpr (kRaw == 8) {
    const uint32_t w = *reinterpret_cast<const uint32_t*>(plane + first);
    for (uint32_t k = 0; k < fast::kGroup; ++k) raw[k] = (w >> (8 * k)) & 0xff;
  } else if constexpr (kRaw == 24) {
    const auto* w = reinterpret_cast<const uint32_t*>(plane + 3 * first);
    raw[0] = w[0] & 0xffffff;
    raw[1] = (w[0] >> 24) | ((w[1] & 0xffff) << 8);
    raw[2] = (w[1] >> 16) | ((w[2] & 0xff) << 16);
    raw[3] = w[2] >> 8;
  } else {
    static_assert(fast::kGroup * kRaw <= 64);
    const uint64_t w = load_bits(plane, uint64_t{first} * kRaw, fast::kGroup * kRaw);
    for (uint32_t k = 0; k < fast::kGroup; ++k)
      raw[k] = static_cast<uint32_t>(w >> (k * kRaw)) & ((1u << kRaw) - 1);
  }
}

// Four elements by one store.
template <uint32_t kBytes>
__device__ void store_group(uint8_t* out, const uint32_t* x) {
  if constexpr (kBytes == 4)
    *reinterpret_cast<uint4*>(out) = make_uint4(x[0], x[1], x[2], x[3]);
  else if constexpr (kBytes == 2)
    *reinterpret_cast<uint2*>(out) = make_uint2(x[0] | (x[1] << 16), x[2] | (x[3] << 16));
  else
    *reinterpret_cast<uint32_t*>(out) = x[0] | (x[1] << 8) | (x[2] << 16) | (x[3] << 24);
}

// All steps; the split is known when compiling. True if the lane's bits end well.
template <uint32_t kBytes, uint32_t kRaw>
__device__ bool decode_steps(const FastBlock& f, const FastEntries* entries, uint8_t* out) {
  constexpr Split split{kBytes, 8 * kBytes - kRaw, kRaw, true};
  const uint32_t before = (1u << f.lane) - 1, n = f.plan.n;
  uint32_t first = f.word(f.lane), second = f.word(kLanes + f.lane), position = 0;
  uint32_t next = fast::kFirstWords;
  constexpr uint32_t kStepsOfRun = kRunElements / fast::kStep;
  uint32_t ids = 0;  // of 32 runs, one a lane
  for (uint32_t step = 0; step < fast::steps_of(n); ++step) {
    const uint32_t run = step / kStepsOfRun;
    if (step % (kStepsOfRun * kWarp) == 0) ids = f.id(run + f.lane);
    const uint16_t* table = entries[__shfl_sync(kAllLanes, ids, run % kWarp)].entry;
    uint32_t window = __funnelshift_r(first, second, position), exponents[fast::kGroup];
#pragma unroll
    for (uint32_t k = 0; k < fast::kGroup; ++k) {
      const uint32_t e = table[window & (fast::kEntries - 1)];
      exponents[k] = e >> 8;
      window >>= e & 0xff;
      position += e & 0xff;
    }
    const bool takes = fast::takes_word(64 - position);
    const uint32_t taking = __ballot_sync(kAllLanes, takes);
    if (takes) {
      first = second;
      second = f.word(next + static_cast<uint32_t>(__popc(taking & before)));
    }
    next += static_cast<uint32_t>(__popc(taking));
    position %= 32;

    const uint32_t at = step * fast::kStep + f.lane * fast::kGroup;
    if (at + fast::kGroup <= n) {
      uint32_t x[fast::kGroup];
      load_raw<kRaw>(f.block, at, x);
      for (uint32_t k = 0; k < fast::kGroup; ++k)
        x[k] = static_cast<uint32_t>(split.join(exponents[k], x[k]));
      store_group<kBytes>(out + uint64_t{at} * kBytes, x);
    } else {
#pragma unroll  // exponents stay in registers
      for (uint32_t k = 0; k < fast::kGroup; ++k)
        if (at + k < n)
          store_element(
              out, at + k, kBytes,
              split.join(exponents[k], load_bits(f.block, uint64_t{at + k} * kRaw, kRaw)));
    }
  }
  return next >= f.word_count && __funnelshift_r(first, second, position) == 0 &&
         second >> position == 0;
}

__device__ bool decode_type(const FastBlock& f, const FastEntries* entries, uint8_t* out) {
  switch (f.split.bytes * 64u + f.split.raw_bits) {
    case 1 * 64 + 3:
      return decode_steps<1, 3>(f, entries, out);
    case 1 * 64 + 4:
      return decode_steps<1, 4>(f, entries, out);
    case 2 * 64 + 8:
      return decode_steps<2, 8>(f, entries, out);
    case 2 * 64 + 11:
      return decode_steps<2, 11>(f, entries, out);
    default:
      return decode_steps<4, 24>(f, entries, out);
  }
}

// Each lane looks at every 32nd exception.
__device__ bool exceptions_fit(const FastBlock& f) {
  bool good = true;
  for (uint32_t i = f.lane; i < f.exception_count; i += kWarp) {
    const fast::Exception e = fast::unpack_exception(f.exceptions[i]);
    const bool behind = i == 0 || fast::unpack_exception(f.exceptions[i - 1]).element < e.element;
    good = good && behind && e.element < f.plan.n && e.exponent >> f.split.symbol_bits == 0;
  }
  return __all_sync(kAllLanes, good);
}

__device__ BlockStatus decode_coded(const uint8_t* block, uint32_t coded_bytes, uint32_t size,
                                    const SegmentHeader& h, const DeviceTable* tables,
                                    const FastEntries* entries, uint32_t lane, uint8_t* out) {
  FastBlock f{
      block, plan_block(size, h.split(), h.tables), h.split(), h.tables, lane, nullptr, 0, nullptr,
      0};
  const BlockPlan& plan = f.plan;
  if (coded_bytes % 4 != 0 || coded_bytes < plan.lanes_at + 4) return BlockStatus::bad_block;
  if (!part_ends_in_zeros(block, 0, uint64_t{plan.n} * f.split.raw_bits, plan.ids_at, lane))
    return BlockStatus::bad_block;
  if (!class_ids_fit(block, plan, h.tables, tables, lane)) return BlockStatus::bad_block;

  const auto* rest = reinterpret_cast<const uint32_t*>(block + plan.lanes_at);
  const uint32_t room = (coded_bytes - plan.lanes_at) / 4 - 1;
  f.exception_count = rest[0];
  if (f.exception_count > room) return BlockStatus::bad_block;
  f.exceptions = rest + 1;
  f.words = f.exceptions + f.exception_count;
  f.word_count = room - f.exception_count;
  if (!exceptions_fit(f)) return BlockStatus::bad_block;
  if (f.word_count > 0 && f.words[f.word_count - 1] == 0) return BlockStatus::bad_block;

  const bool good = decode_type(f, entries, out);
  __syncwarp();
  for (uint32_t i = lane; i < f.exception_count; i += kWarp)
    fast::patch(out, f.split, fast::unpack_exception(f.exceptions[i]));
  return __all_sync(kAllLanes, good) ? BlockStatus::ok : BlockStatus::bad_stream;
}

__global__ void __launch_bounds__(FastTuning::kMaxWarps* kWarp, FastTuning::kMinCtas)
    fast_decode_kernel(const DecodeGroup* groups, const DeviceSegment* segments,
                       const BlockState* states, const uint64_t* coded_hashes,
                       const DeviceTable* tables, const FastEntries* all_entries,
                       const uint8_t* data, uint8_t* content, DecodeOutput* outputs) {
  GRAMZIP_DYN_SHARED(FastEntries, entries);
  const DecodeGroup group = groups[blockIdx.x];
  const DeviceSegment& segment = segments[group.segment];
  const SegmentHeader& h = segment.header;
  const FastEntries* from = all_entries + segment.first_table;
  for (uint32_t i = threadIdx.x; i < h.tables * fast::kEntries; i += blockDim.x)
    entries[i / fast::kEntries].entry[i % fast::kEntries] =
        from[i / fast::kEntries].entry[i % fast::kEntries];
  __syncthreads();
  const uint32_t warp = threadIdx.x / kWarp, lane = threadIdx.x % kWarp;
  if (warp >= group.count) return;  // whole warps, behind the last barrier
  DecodeOutput& output = outputs[group.output + warp];
  uint8_t* out = content + output.at;
  const BlockStatus status =
      decode_block(segment, states, coded_hashes, data, group.first + warp, lane, out,
                   [&](const uint8_t* block, uint32_t coded_bytes, uint32_t size, uint32_t) {
                     return decode_coded(block, coded_bytes, size, h, tables + segment.first_table,
                                         entries, lane, out);
                   });
  if (lane == 0) output.status = status;
}
}  // namespace

cudaError_t fast_decode(const DecodeGroup* groups, uint32_t count, const DeviceSegment* segments,
                        const BlockState* states, const uint64_t* coded_hashes,
                        const DeviceTable* tables, const FastEntries* entries, const uint8_t* data,
                        uint32_t most_tables, uint8_t* content, DecodeOutput* outputs,
                        const FastTuning& tuning, cudaStream_t stream) {
  if (count == 0) return cudaSuccess;
  return launch(Launch{dim3(count), dim3(tuning.warps * kWarp),
                       size_t{most_tables} * sizeof(FastEntries), stream},
                fast_decode_kernel, groups, segments, states, coded_hashes, tables, entries, data,
                content, outputs);
}
}  // namespace gramzip::kernels
