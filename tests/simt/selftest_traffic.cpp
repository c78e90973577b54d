// SPDX-License-Identifier: Apache-2.0
//
// Tests of counted accesses against counts by hand.  Only in the checked build.
#include "simt/selftest.h"
#include "simt/traffic.h"

namespace simt::selftest {
namespace {

// What one launch of a kernel asked for.
template <class... A>
Traffic counted(const gramzip::kernels::Launch& config, A&&... args) {
  options().count_traffic = true;
  clear_traffic();
  (void)launch(config, std::forward<A>(args)...);
  options() = Options();
  const auto all = traffic();
  return all.size() == 1 ? all.begin()->second : Traffic();
}

__global__ void copy_strided(const int* in, int* out, int stride) {
  out[threadIdx.x] = in[threadIdx.x * stride];
}

TEST(Traffic, SectorsOfNeighboursAndOfStrides) {
  Buffer<int> in(64 * 32), out(64);
  const Traffic close = counted({1, 64}, copy_strided, in.data(), out.data(), 1);
  EXPECT_EQ(close.loads.accesses, 2u);
  EXPECT_EQ(close.loads.sectors, 8u);
  EXPECT_EQ(close.loads.bytes, 256u);
  EXPECT_EQ(close.stores.sectors, 8u);
  EXPECT_EQ(close.shared_accesses, 0u);
  EXPECT_EQ(counted({1, 64}, copy_strided, in.data(), out.data(), 4).loads.sectors, 32u);
  EXPECT_EQ(counted({1, 64}, copy_strided, in.data(), out.data(), 32).loads.sectors, 64u);
}

__global__ void copy_vectors(const int4* in, int4* out) {
  const int4 v = in[threadIdx.x];
  out[threadIdx.x] = make_int4(v.w, v.z, v.y, v.x);
}

TEST(Traffic, AVectorIsOneAccess) {
  Buffer<int4> in(32), out(32);
  const Traffic t = counted({1, 32}, copy_vectors, in.data(), out.data());
  EXPECT_EQ(t.loads.accesses, 1u);
  EXPECT_EQ(t.loads.sectors, 16u);
  EXPECT_EQ(t.stores.sectors, 16u);
}

__global__ void rounds_of_own(const int* in, int* out) {
  int sum = 0;
  for (unsigned i = 0; i <= threadIdx.x; ++i) sum += in[32 * i + threadIdx.x];
  out[threadIdx.x] = sum;
}

TEST(Traffic, LanesAreLinedUpByRound) {
  Buffer<int> in(32 * 32), out(32);
  const Traffic t = counted({1, 32}, rounds_of_own, in.data(), out.data());
  EXPECT_EQ(t.loads.accesses, 32u);
  EXPECT_EQ(t.loads.bytes, 4u * 32 * 33 / 2);
}

__global__ void shared_strided(int* out, int stride) {
  __shared__ int values[32 * 32];
  values[threadIdx.x * stride] = int(threadIdx.x);
  __syncthreads();
  out[threadIdx.x] = values[threadIdx.x * stride];
}

TEST(Traffic, BankConflicts) {
  Buffer<int> out(32);
  const Traffic close = counted({1, 32}, shared_strided, out.data(), 1);
  EXPECT_EQ(close.shared_accesses, 2u);
  EXPECT_EQ(close.shared_passes, 2u);
  EXPECT_EQ(counted({1, 32}, shared_strided, out.data(), 2).shared_passes, 4u);
  EXPECT_EQ(counted({1, 32}, shared_strided, out.data(), 32).shared_passes, 64u);
}

__global__ void count_up(int* counter) { atomicAdd(counter, 1); }

TEST(Traffic, AtomicsAreApart) {
  Buffer<int> counter(1);
  const Traffic t = counted({1, 32}, count_up, counter.data());
  EXPECT_EQ(t.atomics.accesses, 1u);
  EXPECT_EQ(t.atomics.sectors, 1u);
  EXPECT_EQ(t.loads.accesses + t.stores.accesses, 0u);
}

}  // namespace
}  // namespace simt::selftest
