// SPDX-License-Identifier: Apache-2.0
//
// Tests of the race checker.  Only in the checked build.
#include "simt/selftest.h"

namespace simt::selftest {
namespace {

TEST(Checker, IsActive) { EXPECT_TRUE(checker_active()); }

__global__ void reverse_unsynchronised(int* out) {
  __shared__ int values[64];
  values[threadIdx.x] = int(threadIdx.x);
  out[threadIdx.x] = values[threadIdx.x ^ 63];
}

TEST(Checker, MissingBarrierIsFoundAtEverySeed) {
  Buffer<int> out(64);
  at_seeds([&] {
    const std::string error = error_of({1, 64}, reverse_unsynchronised, out.data());
    // One order reads first, the other writes first.
    EXPECT_FALSE(error.empty());
    EXPECT_TRUE(mentions(error, "shared"));
    EXPECT_TRUE(mentions(error, "selftest_checker.cpp:"));
  });
}

template <bool kSync>
__global__ void swap_in_warp(int* out) {
  __shared__ int values[32];
  values[threadIdx.x] = int(threadIdx.x);
  if (kSync) __syncwarp();
  out[threadIdx.x] = values[threadIdx.x ^ 1];
}

TEST(Checker, SyncwarpOrders) {
  Buffer<int> out(32);
  at_seeds([&] {
    EXPECT_FALSE(error_of({1, 32}, swap_in_warp<false>, out.data()).empty());
    EXPECT_EQ(error_of({1, 32}, swap_in_warp<true>, out.data()), "");
  });
}

__global__ void shuffle_instead_of_sync(int* out) {
  __shared__ int values[32];
  values[threadIdx.x] = int(threadIdx.x);
  (void)__shfl_sync(0xffffffffu, 1, 0);
  out[threadIdx.x] = values[threadIdx.x ^ 1];
}

TEST(Checker, ShufflesDoNotOrder) {
  Buffer<int> out(32);
  EXPECT_TRUE(mentions(error_of({1, 32}, shuffle_instead_of_sync, out.data()), "race on shared"));
}

__global__ void read_unwritten(int* out) {
  __shared__ int values[32];
  if (threadIdx.x < 31) values[threadIdx.x] = 1;
  __syncthreads();
  out[threadIdx.x] = values[threadIdx.x];
}

__global__ void read_unwritten_dynamic(int* out) {
  GRAMZIP_DYN_SHARED(int, values);
  if (threadIdx.x < 31) values[threadIdx.x] = 1;
  __syncthreads();
  out[threadIdx.x] = values[threadIdx.x];
}

TEST(Checker, UninitialisedSharedReads) {
  Buffer<int> out(32);
  at_seeds([&] {
    EXPECT_TRUE(mentions(error_of({1, 32}, read_unwritten, out.data()),
                         "read of uninitialised shared memory"));
    EXPECT_TRUE(mentions(error_of({1, 32, 128}, read_unwritten_dynamic, out.data()),
                         "read of uninitialised shared memory"));
  });
}

__global__ void increment_plainly(int* out) {
  __shared__ int counter;
  if (threadIdx.x == 0) counter = 0;
  __syncthreads();
  counter = counter + 1;
  __syncthreads();
  if (threadIdx.x == 0) out[0] = counter;
}

__global__ void increment_atomically(int* out) {
  __shared__ int counter;
  if (threadIdx.x == 0) counter = 0;
  __syncthreads();
  atomicAdd(&counter, 1);
  __syncthreads();
  if (threadIdx.x == 0) out[0] = counter;
}

TEST(Checker, LostUpdates) {
  Buffer<int> out(1);
  at_seeds([&] {
    EXPECT_TRUE(mentions(error_of({1, 40}, increment_plainly, out.data()), "race on shared"));
    EXPECT_EQ(error_of({1, 40}, increment_atomically, out.data()), "");
    EXPECT_EQ(out.values()[0], 40);
  });
}

__global__ void write_from_every_block(int* out) { out[0] = int(blockIdx.x); }

TEST(Checker, RacesBetweenBlocks) {
  Buffer<int> out(1);
  EXPECT_TRUE(mentions(error_of({2, 1}, write_from_every_block, out.data()), "race on global"));
}

// Every block writes its part; the one that counts last adds them up.
template <bool kFence, bool kSync>
__global__ void last_block_sums(unsigned* parts, unsigned* counter, unsigned* sum) {
  __shared__ bool last;
  parts[blockIdx.x * blockDim.x + threadIdx.x] = 1;
  if (kSync) __syncthreads();
  if (threadIdx.x == 0) {
    if (kFence) __threadfence();
    last = atomicAdd(counter, 1u) == gridDim.x - 1;
  }
  __syncthreads();
  if (last && threadIdx.x == 0) {
    unsigned total = 0;
    for (unsigned i = 0; i < gridDim.x * blockDim.x; ++i) total += parts[i];
    *sum = total;
  }
}

template <bool kFence, bool kSync>
std::string error_of_last_block() {
  Buffer<unsigned> parts(5 * 64), counter(std::vector<unsigned>{0}), sum(1);
  const std::string error =
      error_of({5, 64}, last_block_sums<kFence, kSync>, parts.data(), counter.data(), sum.data());
  if (error.empty()) {
    EXPECT_EQ(sum.values()[0], 320u);
  }
  return error;
}

TEST(Checker, FenceAndAtomicPublishABlocksWrites) {
  at_seeds([] {
    EXPECT_EQ((error_of_last_block<true, true>()), "");
    EXPECT_TRUE(mentions(error_of_last_block<false, true>(), "race on global"));
    EXPECT_TRUE(mentions(error_of_last_block<true, false>(), "race on global"));
  });
}

__global__ void poll(volatile int* flag) {
  if (threadIdx.x == 0) {
    while (*flag == 0) __nanosleep(100);
  } else {
    *flag = 1;
  }
}

TEST(Checker, VolatileCountsAsAtomic) {
  at_seeds([] {
    Buffer<int> flag(std::vector<int>{0});
    EXPECT_EQ(error_of({1, 2}, poll, flag.data()), "");
  });
}

__global__ void overrun_dynamic(int* out) {
  GRAMZIP_DYN_SHARED(int, values);
  values[threadIdx.x + 1] = 1;
  __syncthreads();
  out[threadIdx.x] = values[threadIdx.x + 1];
}

TEST(Checker, DynamicSharedOutOfBounds) {
  Buffer<int> out(32);
  EXPECT_TRUE(mentions(error_of({1, 32, 128}, overrun_dynamic, out.data()),
                       "out of bounds: 4 bytes at offset 128 of 128 bytes"));
  EXPECT_EQ(error_of({1, 32, 132}, overrun_dynamic, out.data()), "");
}

__global__ void copy(const int* in, int* out) { out[threadIdx.x] = in[threadIdx.x]; }

TEST(Checker, GlobalOutOfBounds) {
  Buffer<int> in(std::vector<int>(32)), out(32);
  EXPECT_EQ(error_of({1, 32}, copy, in.data(), out.data()), "");
  EXPECT_TRUE(mentions(error_of({1, 33}, copy, in.data(), out.data()), "out of bounds"));
  const std::vector<int> host(32);
  EXPECT_TRUE(mentions(error_of({1, 32}, copy, host.data(), out.data()), "no block of device"));
}

__global__ void lend_local(int** shared_pointer, int* out) {
  __shared__ int* lent;
  int local = 5;
  if (threadIdx.x == 0) lent = &local;
  __syncthreads();
  if (threadIdx.x == 1) out[0] = *lent;
  __syncthreads();
  if (threadIdx.x == 0) *shared_pointer = nullptr;
}

TEST(Checker, LocalMemoryOfAnotherThread) {
  Buffer<int*> pointer(1);
  Buffer<int> out(1);
  EXPECT_TRUE(mentions(error_of({1, 2}, lend_local, pointer.data(), out.data()),
                       "another thread's local memory"));
}

struct Parameters {
  int values[8];
};
__global__ void read_parameters(Parameters p, int* out) {
  out[threadIdx.x] = p.values[threadIdx.x];
}

TEST(Checker, ParametersAreReadable) {
  Buffer<int> out(8);
  EXPECT_EQ(error_of({1, 8}, read_parameters, Parameters{{1, 2, 3, 4, 5, 6, 7, 8}}, out.data()),
            "");
}

}  // namespace
}  // namespace simt::selftest
