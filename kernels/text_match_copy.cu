// SPDX-License-Identifier: Apache-2.0
// Resolves copies by pointer jumping, a byte at a time.
//
//   sources   | 0 1 2 3 | 1 2 | 5 ...    byte 6 copies byte 5, which copies byte 2, which is known
//   round     | 0 1 2 3 | 1 2 | 2 ...    every byte follows the sources of its source
//   at last   content[i] = content[sources[i]]
//
// A round takes a byte `hops` sources further along chains that earlier rounds have shortened, so
// after r rounds a source lies (hops + 1)^r copies back: the number of rounds depends on the
// longest segment alone, not on how deep the copies of hostile input nest. A unit whose bytes have
// all reached known ones is not looked at again, and rounds that find none left end at once.
// A source is read while its owner may be moving it on: both values lie on the same chain, the new
// one further along, so the end of each chain, which is the result, does not depend on the order.
// Neighbours of a match move along neighbouring sources, so a warp's loads stay in few sectors.
// Moves 4 bytes to read, 4 to write and 4 a hop per byte and round.
#include "kernels/text_match_copy.h"

namespace gramzip::kernels {
namespace {
// The thread's four bytes of a unit.
struct Own {
  uint32_t at;
  uint32_t source[4];

  __device__ Own(const uint32_t* sources, uint32_t unit, uint32_t lane)
      : at(unit * kMatchUnit + 4 * lane) {
    const uint4 v = *reinterpret_cast<const uint4*>(sources + at);
    source[0] = v.x;
    source[1] = v.y;
    source[2] = v.z;
    source[3] = v.w;
  }
};

__global__ void __launch_bounds__(1024)
    follow_kernel(uint32_t* sources, uint32_t units, uint32_t hops, uint32_t round,
                  uint8_t* unit_done, uint32_t* unfinished) {
  const uint32_t unit = blockIdx.x * (blockDim.x / kWarp) + threadIdx.x / kWarp;
  const uint32_t lane = threadIdx.x % kWarp;
  if (unit >= units) return;  // whole warps leave
  if (round > 0 && (unfinished[round] == 0 || unit_done[unit] != 0)) return;
  volatile uint32_t* moving = sources;  // others move theirs meanwhile
  const Own own(sources, unit, lane);
  uint32_t source[4];
  bool ended[4];
#pragma unroll
  for (uint32_t k = 0; k < 4; ++k) {
    source[k] = own.source[k];
    ended[k] = source[k] == own.at + k;
  }
  for (uint32_t hop = 0; hop < hops; ++hop)
#pragma unroll
    for (uint32_t k = 0; k < 4; ++k) {
      if (ended[k]) continue;
      const uint32_t next = moving[source[k]];
      ended[k] = next == source[k];
      source[k] = next;
    }
#pragma unroll
  for (uint32_t k = 0; k < 4; ++k)
    if (source[k] != own.source[k]) moving[own.at + k] = source[k];
  const bool all = ended[0] && ended[1] && ended[2] && ended[3];
  const bool done = __all_sync(kAllLanes, all);
  __syncwarp();  // all lanes have read unit_done
  if (lane != 0) return;
  unit_done[unit] = done ? 1 : 0;
  if (!done) atomicOr(unfinished + round + 1, 1u);
}

// Bytes that copy nothing are only read here, the others only written.
__global__ void __launch_bounds__(1024)
    copy_kernel(uint8_t* content, const uint32_t* sources, uint32_t units) {
  const uint32_t unit = blockIdx.x * (blockDim.x / kWarp) + threadIdx.x / kWarp;
  if (unit >= units) return;
  const Own own(sources, unit, threadIdx.x % kWarp);
  uint32_t word = 0;
  bool all = true;
#pragma unroll
  for (uint32_t k = 0; k < 4; ++k) {
    const bool copies = own.source[k] != own.at + k;
    all = all && copies;
    if (copies) word |= uint32_t{content[own.source[k]]} << (8 * k);
  }
  if (all) {
    *reinterpret_cast<uint32_t*>(content + own.at) = word;
    return;
  }
#pragma unroll
  for (uint32_t k = 0; k < 4; ++k)
    if (own.source[k] != own.at + k) content[own.at + k] = static_cast<uint8_t>(word >> (8 * k));
}
}  // namespace

cudaError_t text_match_copy(uint8_t* content, uint32_t* sources, uint64_t bytes,
                            uint32_t longest_segment, uint8_t* unit_done, uint32_t* unfinished,
                            const TextMatchTuning& tuning, cudaStream_t stream) {
  if (bytes == 0) return cudaSuccess;
  const auto units = static_cast<uint32_t>(bytes / kMatchUnit);
  const Launch config{dim3(static_cast<uint32_t>(ceil_div(units, tuning.warps))),
                      dim3(tuning.warps * kWarp), 0, stream};
  cudaError_t status =
      cudaMemsetAsync(unfinished, 0, (kMaxMatchRounds + 1) * sizeof(uint32_t), stream);
  const uint32_t rounds = match_rounds(longest_segment, tuning.hops);
  for (uint32_t r = 0; r < rounds && status == cudaSuccess; ++r)
    status = launch(config, follow_kernel, sources, units, tuning.hops, r, unit_done, unfinished);
  if (status != cudaSuccess) return status;
  return launch(config, copy_kernel, content, sources, units);
}
}  // namespace gramzip::kernels
