// SPDX-License-Identifier: Apache-2.0
//
// Barriers of a block, and what the lanes of a warp do together.
//
// Every call carries its source position, so that threads meeting at different calls are reported
// as a divergence.  __activemask() is not offered: its value is an accident of scheduling.
#pragma once

#include <cstring>
#include <source_location>

#include "simt/keywords.h"

namespace simt {

enum class BlockOp : int { kSync, kCount, kAnd, kOr };

// Waits for all threads of the block.  Returns the count, conjunction or disjunction of their
// predicates.
int block_barrier(BlockOp op, int predicate, const std::source_location& at);

enum class WarpOp : int {
  kSync,
  kShuffle,
  kShuffleUp,
  kShuffleDown,
  kShuffleXor,
  kBallot,
  kAny,
  kAll,
  kMatchAny,
  kMatchAll,
  kReduceAdd,
  kReduceMinUnsigned,
  kReduceMaxUnsigned,
  kReduceMinSigned,
  kReduceMaxSigned,
  kReduceAnd,
  kReduceOr,
  kReduceXor,
};

// One lane's part of a collective.  It lives on the lane's stack until the collective completes.
struct WarpRequest {
  WarpOp op;
  unsigned mask;
  int argument;  // source lane, delta or xor mask of a shuffle
  int width;     // of a shuffle's segments
  uint64_t value;
  uint64_t result;
  const std::source_location* at;
};

// Waits for the lanes of request.mask, then fills request.result.
void warp_collective(WarpRequest& request);

template <class T>
SIMT_UNCHECKED inline T warp_op(WarpOp op, unsigned mask, T value, int argument, int width,
                                const std::source_location& at) {
  static_assert(sizeof(T) == 4 || sizeof(T) == 8);
  WarpRequest request{op, mask, argument, width, 0, 0, &at};
  std::memcpy(&request.value, &value, sizeof value);
  warp_collective(request);
  T result;
  std::memcpy(&result, &request.result, sizeof result);
  return result;
}

}  // namespace simt

#define SIMT_AT const std::source_location at = std::source_location::current()
#define SIMT_DEVICE SIMT_UNCHECKED inline

SIMT_DEVICE void __syncthreads(SIMT_AT) { simt::block_barrier(simt::BlockOp::kSync, 0, at); }
SIMT_DEVICE int __syncthreads_count(int predicate, SIMT_AT) {
  return simt::block_barrier(simt::BlockOp::kCount, predicate, at);
}
SIMT_DEVICE int __syncthreads_and(int predicate, SIMT_AT) {
  return simt::block_barrier(simt::BlockOp::kAnd, predicate, at);
}
SIMT_DEVICE int __syncthreads_or(int predicate, SIMT_AT) {
  return simt::block_barrier(simt::BlockOp::kOr, predicate, at);
}
SIMT_DEVICE void __syncwarp(unsigned mask = 0xffffffffu, SIMT_AT) {
  simt::warp_op(simt::WarpOp::kSync, mask, 0, 0, 32, at);
}

// CUDA's overloads and no others: a type that nvcc would convert or reject is treated alike here.
#define SIMT_SHUFFLE(T)                                                                           \
  SIMT_DEVICE T __shfl_sync(unsigned mask, T value, int source, int width = 32, SIMT_AT) {        \
    return simt::warp_op(simt::WarpOp::kShuffle, mask, value, source, width, at);                 \
  }                                                                                               \
  SIMT_DEVICE T __shfl_up_sync(unsigned mask, T value, unsigned delta, int width = 32, SIMT_AT) { \
    return simt::warp_op(simt::WarpOp::kShuffleUp, mask, value, int(delta), width, at);           \
  }                                                                                               \
  SIMT_DEVICE T __shfl_down_sync(unsigned mask, T value, unsigned delta, int width = 32,          \
                                 SIMT_AT) {                                                       \
    return simt::warp_op(simt::WarpOp::kShuffleDown, mask, value, int(delta), width, at);         \
  }                                                                                               \
  SIMT_DEVICE T __shfl_xor_sync(unsigned mask, T value, int lanes, int width = 32, SIMT_AT) {     \
    return simt::warp_op(simt::WarpOp::kShuffleXor, mask, value, lanes, width, at);               \
  }                                                                                               \
  SIMT_DEVICE unsigned __match_any_sync(unsigned mask, T value, SIMT_AT) {                        \
    uint64_t bits = 0;                                                                            \
    std::memcpy(&bits, &value, sizeof value);                                                     \
    return unsigned(simt::warp_op(simt::WarpOp::kMatchAny, mask, bits, 0, 32, at));               \
  }                                                                                               \
  SIMT_DEVICE unsigned __match_all_sync(unsigned mask, T value, int* all, SIMT_AT) {              \
    uint64_t bits = 0;                                                                            \
    std::memcpy(&bits, &value, sizeof value);                                                     \
    const auto lanes = unsigned(simt::warp_op(simt::WarpOp::kMatchAll, mask, bits, 0, 32, at));   \
    *all = lanes != 0;                                                                            \
    return lanes;                                                                                 \
  }
SIMT_SHUFFLE(int)
SIMT_SHUFFLE(unsigned)
SIMT_SHUFFLE(long)
SIMT_SHUFFLE(unsigned long)
SIMT_SHUFFLE(long long)
SIMT_SHUFFLE(unsigned long long)
SIMT_SHUFFLE(float)
SIMT_SHUFFLE(double)
#undef SIMT_SHUFFLE

SIMT_DEVICE unsigned __ballot_sync(unsigned mask, int predicate, SIMT_AT) {
  return unsigned(simt::warp_op(simt::WarpOp::kBallot, mask, predicate, 0, 32, at));
}
SIMT_DEVICE int __any_sync(unsigned mask, int predicate, SIMT_AT) {
  return simt::warp_op(simt::WarpOp::kAny, mask, predicate, 0, 32, at);
}
SIMT_DEVICE int __all_sync(unsigned mask, int predicate, SIMT_AT) {
  return simt::warp_op(simt::WarpOp::kAll, mask, predicate, 0, 32, at);
}

#define SIMT_REDUCE(name, T, op)                                    \
  SIMT_DEVICE T name(unsigned mask, T value, SIMT_AT) {             \
    return simt::warp_op(simt::WarpOp::op, mask, value, 0, 32, at); \
  }
SIMT_REDUCE(__reduce_add_sync, unsigned, kReduceAdd)
SIMT_REDUCE(__reduce_add_sync, int, kReduceAdd)
SIMT_REDUCE(__reduce_min_sync, unsigned, kReduceMinUnsigned)
SIMT_REDUCE(__reduce_min_sync, int, kReduceMinSigned)
SIMT_REDUCE(__reduce_max_sync, unsigned, kReduceMaxUnsigned)
SIMT_REDUCE(__reduce_max_sync, int, kReduceMaxSigned)
SIMT_REDUCE(__reduce_and_sync, unsigned, kReduceAnd)
SIMT_REDUCE(__reduce_or_sync, unsigned, kReduceOr)
SIMT_REDUCE(__reduce_xor_sync, unsigned, kReduceXor)
#undef SIMT_REDUCE
#undef SIMT_DEVICE
#undef SIMT_AT
