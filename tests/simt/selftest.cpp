// SPDX-License-Identifier: Apache-2.0
//
// Tests of threads, barriers and shared memory of the emulator.
#include "simt/selftest.h"

#include <numeric>

namespace simt::selftest {
namespace {

__global__ void write_ids(uint32_t* out) {
  const unsigned block = (blockIdx.z * gridDim.y + blockIdx.y) * gridDim.x + blockIdx.x;
  out[block * (blockDim.x * blockDim.y * blockDim.z) + thread_rank()] =
      block << 16 | threadIdx.z << 10 | threadIdx.y << 5 | threadIdx.x;
}

TEST(Launch, EveryThreadOfEveryBlockRunsOnce) {
  const dim3 grid(3, 2, 2), block(5, 3, 2);
  for (const bool shuffle : {false, true}) {
    options().shuffle_blocks = shuffle;
    at_seeds([&] {
      Buffer<uint32_t> out(12 * 30);
      ASSERT_EQ(launch({grid, block}, write_ids, out.data()), cudaSuccess);
      const std::vector<uint32_t> got = out.values();
      for (uint32_t i = 0; i < got.size(); ++i) {
        const uint32_t t = i % 30;
        EXPECT_EQ(got[i], i / 30 << 16 | t / 15 << 10 | t / 5 % 3 << 5 | t % 5);
      }
    });
  }
}

__global__ void add(unsigned* out, unsigned value) { atomicAdd(out, value); }

TEST(Launch, ArgumentsAreConvertedToParameterTypes) {
  Buffer<unsigned> out(std::vector<unsigned>{0});
  ASSERT_EQ(launch({7, 33}, add, out.data(), short{3}), cudaSuccess);
  EXPECT_EQ(out.values()[0], 7u * 33u * 3u);
}

TEST(Launch, ManyBlocksOnManyWorkers) {
  options().workers = 4;
  Buffer<unsigned> out(std::vector<unsigned>{0});
  ASSERT_EQ(launch({1000, 64}, add, out.data(), 1), cudaSuccess);
  EXPECT_EQ(out.values()[0], 64000u);
  options() = Options();
}

TEST(Launch, BadShapesAreErrors) {
  Buffer<unsigned> out(1);
  EXPECT_TRUE(mentions(error_of({0, 32}, add, out.data(), 1u), "invalid launch configuration"));
  EXPECT_TRUE(mentions(error_of({1, 1025}, add, out.data(), 1u), "invalid launch configuration"));
  EXPECT_TRUE(mentions(error_of({1, 32, 228 * 1024}, add, out.data(), 1u), "over the limit"));
}

// Reverses the block through shared memory.
__global__ void reverse(int* out) {
  __shared__ int values[96];
  values[threadIdx.x] = int(threadIdx.x);
  __syncthreads();
  out[threadIdx.x] = values[95 - threadIdx.x];
}

TEST(Barrier, OrdersSharedMemory) {
  at_seeds([] {
    Buffer<int> out(96);
    ASSERT_EQ(launch({1, 96}, reverse, out.data()), cudaSuccess);
    for (int i = 0; i < 96; ++i) EXPECT_EQ(out.values()[size_t(i)], 95 - i);
  });
}

__global__ void count_votes(int* out) {
  const int count = __syncthreads_count(threadIdx.x % 3 == 0);
  const int any = __syncthreads_or(threadIdx.x == 70);
  const int all = __syncthreads_and(threadIdx.x != 70);
  out[threadIdx.x] = count * 100 + any * 10 + all;
}

TEST(Barrier, CountsVotes) {
  at_seeds([] {
    Buffer<int> out(75);
    ASSERT_EQ(launch({1, 75}, count_votes, out.data()), cudaSuccess);
    for (const int v : out.values()) EXPECT_EQ(v, 25 * 100 + 10);
  });
}

__global__ void diverge(int* out) {
  if (threadIdx.x < 16) {
    __syncthreads();
  } else {
    out[threadIdx.x] = 1;
    __syncthreads();
  }
}

__global__ void diverge_in_one_line(int*) {
  // clang-format off
  if (threadIdx.x < 16) { __syncthreads(); } else { __syncthreads(); }
  // clang-format on
}

TEST(Barrier, DivergenceIsAnError) {
  Buffer<int> out(32);
  at_seeds([&] {
    const std::string error = error_of({1, 32}, diverge, out.data());
    EXPECT_TRUE(mentions(error, "barrier divergence"));
    EXPECT_TRUE(mentions(error, "diverge"));  // the kernel's name
    EXPECT_TRUE(mentions(error_of({1, 32}, diverge_in_one_line, out.data()), "barrier divergence"));
  });
}

__global__ void leave_early(int*) {
  if (threadIdx.x == 3) return;
  __syncthreads();
}

TEST(Barrier, EarlyReturnIsAnErrorUnlessAllowed) {
  Buffer<int> out(64);
  at_seeds([&] { EXPECT_TRUE(mentions(error_of({1, 64}, leave_early, out.data()), "returned")); });
  options().allow_early_exit = true;
  EXPECT_EQ(error_of({1, 64}, leave_early, out.data()), "");
  options() = Options();
}

__global__ void warp_against_block(int* out) {
  if (threadIdx.x < 16) {
    out[threadIdx.x] = __shfl_sync(0xffffffffu, 1, 0);
  } else {
    __syncthreads();
  }
}

TEST(Barrier, DeadlockListsWhoWaitsWhere) {
  Buffer<int> out(32);
  at_seeds([&] {
    const std::string error = error_of({1, 32}, warp_against_block, out.data());
    EXPECT_TRUE(mentions(error, "deadlock"));
    EXPECT_TRUE(mentions(error, "waits in __shfl_sync(mask ffffffff) at"));
    EXPECT_TRUE(mentions(error, "waits in __syncthreads at"));
  });
}

__global__ void spin(int* flag) {
  if (threadIdx.x == 0) {
    while (atomicAdd(flag, 0) == 0) __nanosleep(100);
  } else if (threadIdx.x == 1) {
    atomicExch(flag, 1);
  }
}

__global__ void spin_for_ever(int* flag) {
  while (atomicAdd(flag, 0) == 0) __nanosleep(100);
}

TEST(Yield, SpinningMakesProgressOrIsAnError) {
  at_seeds([] {
    Buffer<int> flag(std::vector<int>{0});
    EXPECT_EQ(error_of({1, 32}, spin, flag.data()), "");
  });
  options().hang_seconds = 0.05;
  Buffer<int> flag(std::vector<int>{0});
  EXPECT_TRUE(mentions(error_of({1, 32}, spin_for_ever, flag.data()), "no progress"));
  options() = Options();
}

__global__ void trap(int*) {
  if (threadIdx.x == 5) __trap();
}

TEST(Trap, IsAnError) {
  Buffer<int> out(1);
  EXPECT_TRUE(mentions(error_of({1, 32}, trap, out.data()), "__trap() at"));
}

// The first block leaves values in shared memory; the next must not find them.
__global__ void observe_stale(int* stale) {
  __shared__ int fixed[32];
  GRAMZIP_DYN_SHARED(int, dynamic);
  if (blockIdx.x > 0 && (fixed[threadIdx.x] == 7 || dynamic[threadIdx.x] == 7)) *stale = 1;
  fixed[threadIdx.x] = dynamic[threadIdx.x] = 7;
}

TEST(SharedMemory, NothingSurvivesFromBlockToBlock) {
  if (checker_active()) GTEST_SKIP() << "the checker stops at the uninitialised read";
  options().workers = 1;
  Buffer<int> stale(std::vector<int>{0});
  ASSERT_EQ(launch({4, 32, 32 * sizeof(int)}, observe_stale, stale.data()), cudaSuccess);
  EXPECT_EQ(stale.values()[0], 0);
  options() = Options();
}

__global__ void dynamic_alignment(int* out) {
  GRAMZIP_DYN_SHARED(uint64_t, words);
  out[0] = int(reinterpret_cast<uintptr_t>(words) % 16);
}

TEST(SharedMemory, DynamicIsAligned) {
  Buffer<int> out(1);
  ASSERT_EQ(launch({1, 1, 64}, dynamic_alignment, out.data()), cudaSuccess);
  EXPECT_EQ(out.values()[0], 0);
}

__global__ void too_much_static(int* out) {
  __shared__ char big[48 * 1024 + 1];
  big[threadIdx.x] = 1;
  __syncthreads();
  out[threadIdx.x] = big[threadIdx.x];
}

TEST(SharedMemory, StaticLimitIsChecked) {
  Buffer<int> out(1);
  EXPECT_TRUE(mentions(error_of({1, 1}, too_much_static, out.data()), "over 48 KiB"));
}

// Neighbouring threads of different warps race; the outcome depends on the order.
__global__ void record_order(unsigned* next, unsigned* order) {
  order[atomicAdd(next, 1u)] = threadIdx.x;
}

std::vector<unsigned> order_at(uint64_t seed) {
  options().seed = seed;
  Buffer<unsigned> next(std::vector<unsigned>{0}), order(128);
  EXPECT_EQ(launch({1, 128}, record_order, next.data(), order.data()), cudaSuccess);
  options() = Options();
  return order.values();
}

TEST(Seed, SetsTheOrderOfThreads) {
  std::vector<unsigned> ascending(128);
  std::iota(ascending.begin(), ascending.end(), 0u);
  if (!checker_active()) {  // which switches threads at random accesses
    EXPECT_EQ(order_at(0), ascending);
  }
  EXPECT_NE(order_at(1), order_at(2));
  EXPECT_NE(order_at(2), order_at(4));
  for (const uint64_t seed : {1, 2, 3}) EXPECT_EQ(order_at(seed), order_at(seed));
}

}  // namespace
}  // namespace simt::selftest
