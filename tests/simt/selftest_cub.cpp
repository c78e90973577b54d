// SPDX-License-Identifier: Apache-2.0
//
// CUB's own block and warp collectives give right results in emulation.
#include <algorithm>
#include <random>

#include "kernels/common/cub.h"
#include "simt/selftest.h"

namespace simt::selftest {
namespace {

constexpr int kThreads = 128;
constexpr int kItems = 4;
constexpr int kValues = kThreads * kItems;

std::vector<uint32_t> random_values() {
  std::mt19937 random(3);
  std::vector<uint32_t> values(kValues);
  for (uint32_t& v : values) v = random();
  return values;
}

template <cub::BlockScanAlgorithm kAlgorithm>
__global__ void __launch_bounds__(kThreads)
    scan(const uint32_t* in, uint32_t* sums, uint32_t* maxima, uint32_t* total) {
  using Scan = cub::BlockScan<uint32_t, kThreads, kAlgorithm>;
  __shared__ typename Scan::TempStorage storage;
  const uint32_t value = in[threadIdx.x];
  uint32_t sum, block_sum, maximum;
  Scan(storage).ExclusiveSum(value, sum, block_sum);
  __syncthreads();
  Scan(storage).InclusiveScan(value, maximum, ::cuda::maximum<>{});
  sums[threadIdx.x] = sum;
  maxima[threadIdx.x] = maximum;
  if (threadIdx.x == 0) *total = block_sum;
}

template <cub::BlockScanAlgorithm kAlgorithm>
void test_scan() {
  const std::vector<uint32_t> in = random_values();
  at_seeds([&] {
    Buffer<uint32_t> values(in), sums(kThreads), maxima(kThreads), total(1);
    ASSERT_EQ(launch({1, kThreads}, scan<kAlgorithm>, values.data(), sums.data(), maxima.data(),
                     total.data()),
              cudaSuccess);
    uint32_t sum = 0, maximum = 0;
    const std::vector<uint32_t> got_sums = sums.values(), got_maxima = maxima.values();
    for (size_t i = 0; i < kThreads; ++i) {
      EXPECT_EQ(got_sums[i], sum);
      sum += in[i];
      maximum = std::max(maximum, in[i]);
      EXPECT_EQ(got_maxima[i], maximum);
    }
    EXPECT_EQ(total.values()[0], sum);
  });
}

TEST(Cub, BlockScanWarpScans) { test_scan<cub::BLOCK_SCAN_WARP_SCANS>(); }
TEST(Cub, BlockScanRaking) { test_scan<cub::BLOCK_SCAN_RAKING>(); }

template <cub::BlockReduceAlgorithm kAlgorithm>
__global__ void __launch_bounds__(kThreads) reduce(const uint32_t* in, uint32_t* out) {
  using Reduce = cub::BlockReduce<uint32_t, kThreads, kAlgorithm>;
  __shared__ typename Reduce::TempStorage storage;
  const uint32_t sum = Reduce(storage).Sum(in[threadIdx.x]);
  __syncthreads();
  const uint32_t least = Reduce(storage).Reduce(in[threadIdx.x], ::cuda::minimum<>{}, 100);
  if (threadIdx.x == 0) {
    out[0] = sum;
    out[1] = least;
  }
}

template <cub::BlockReduceAlgorithm kAlgorithm>
void test_reduce() {
  const std::vector<uint32_t> in = random_values();
  uint32_t sum = 0;
  for (size_t i = 0; i < kThreads; ++i) sum += in[i];
  at_seeds([&] {
    Buffer<uint32_t> values(in), out(2);
    ASSERT_EQ(launch({1, kThreads}, reduce<kAlgorithm>, values.data(), out.data()), cudaSuccess);
    EXPECT_EQ(out.values()[0], sum);
    EXPECT_EQ(out.values()[1], *std::min_element(in.begin(), in.begin() + 100));
  });
}

TEST(Cub, BlockReduceWarpReductions) { test_reduce<cub::BLOCK_REDUCE_WARP_REDUCTIONS>(); }
TEST(Cub, BlockReduceRaking) { test_reduce<cub::BLOCK_REDUCE_RAKING>(); }

__global__ void __launch_bounds__(kThreads) sort(const uint32_t* in, uint32_t* keys, int* origins) {
  using Load = cub::BlockLoad<uint32_t, kThreads, kItems, cub::BLOCK_LOAD_TRANSPOSE>;
  using Sort = cub::BlockRadixSort<uint32_t, kThreads, kItems, int>;
  using Store = cub::BlockStore<uint32_t, kThreads, kItems, cub::BLOCK_STORE_WARP_TRANSPOSE>;
  __shared__ union {
    typename Load::TempStorage load;
    typename Sort::TempStorage sort;
    typename Store::TempStorage store;
  } storage;
  uint32_t key[kItems];
  int origin[kItems];
  Load(storage.load).Load(in, key);
  for (int i = 0; i < kItems; ++i) origin[i] = int(threadIdx.x) * kItems + i;
  __syncthreads();
  Sort(storage.sort).Sort(key, origin);
  __syncthreads();
  Store(storage.store).Store(keys, key);
  for (int i = 0; i < kItems; ++i) origins[int(threadIdx.x) * kItems + i] = origin[i];
}

TEST(Cub, BlockRadixSortIsRightAndStable) {
  std::vector<uint32_t> in = random_values();
  for (uint32_t& v : in) v &= 0x3f;  // many equal keys
  std::vector<int> order(kValues);
  for (int i = 0; i < kValues; ++i) order[size_t(i)] = i;
  std::stable_sort(order.begin(), order.end(),
                   [&](int a, int b) { return in[size_t(a)] < in[size_t(b)]; });
  at_seeds([&] {
    Buffer<uint32_t> values(in), keys(kValues);
    Buffer<int> origins(kValues);
    ASSERT_EQ(launch({1, kThreads}, sort, values.data(), keys.data(), origins.data()), cudaSuccess);
    EXPECT_EQ(origins.values(), order);
    EXPECT_TRUE(std::ranges::is_sorted(keys.values()));
  });
}

__global__ void __launch_bounds__(kThreads) warp(const uint32_t* in, uint32_t* out) {
  using Scan = cub::WarpScan<uint32_t>;
  using Reduce = cub::WarpReduce<uint32_t, 16>;
  __shared__ typename Scan::TempStorage scan_storage[kThreads / 32];
  __shared__ typename Reduce::TempStorage reduce_storage[kThreads / 16];
  uint32_t prefix;
  Scan(scan_storage[threadIdx.x / 32]).InclusiveSum(in[threadIdx.x], prefix);
  const uint32_t greatest =
      Reduce(reduce_storage[threadIdx.x / 16]).Reduce(in[threadIdx.x], ::cuda::maximum<>{});
  out[threadIdx.x] = prefix;
  if (threadIdx.x % 16 == 0) out[kThreads + threadIdx.x / 16] = greatest;
}

TEST(Cub, WarpScanAndReduce) {
  const std::vector<uint32_t> in = random_values();
  at_seeds([&] {
    Buffer<uint32_t> values(in), out(kThreads + kThreads / 16);
    ASSERT_EQ(launch({1, kThreads}, warp, values.data(), out.data()), cudaSuccess);
    const std::vector<uint32_t> got = out.values();
    uint32_t sum = 0;
    for (size_t i = 0; i < kThreads; ++i) {
      if (i % 32 == 0) sum = 0;
      sum += in[i];
      EXPECT_EQ(got[i], sum);
      if (i % 16 == 0) {
        EXPECT_EQ(got[kThreads + i / 16],
                  *std::max_element(in.begin() + long(i), in.begin() + long(i) + 16));
      }
    }
  });
}

__global__ void __launch_bounds__(kThreads)
    expand(const uint32_t* lengths, uint32_t* out, uint32_t* total) {
  constexpr int kPerThread = 4;
  using Decode = cub::BlockRunLengthDecode<uint32_t, kThreads, 1, kPerThread>;
  __shared__ typename Decode::TempStorage storage;
  uint32_t value[1] = {threadIdx.x}, length[1] = {lengths[threadIdx.x]}, size = 0;
  Decode decode(storage, value, length, size);
  for (uint32_t from = 0; from < size; from += kThreads * kPerThread) {
    uint32_t items[kPerThread];
    decode.RunLengthDecode(items, from);
    for (uint32_t i = 0; i < kPerThread; ++i) {
      const uint32_t to = from + threadIdx.x * kPerThread + i;
      if (to < size) out[to] = items[i];
    }
  }
  if (threadIdx.x == 0) *total = size;
}

TEST(Cub, BlockRunLengthDecode) {
  std::vector<uint32_t> lengths(kThreads), expected;
  for (uint32_t i = 0; i < kThreads; ++i) {
    lengths[i] = 1 + i * 7 % 11;
    expected.insert(expected.end(), lengths[i], i);
  }
  at_seeds([&] {
    Buffer<uint32_t> in(lengths), out(expected.size()), total(1);
    ASSERT_EQ(launch({1, kThreads}, expand, in.data(), out.data(), total.data()), cudaSuccess);
    EXPECT_EQ(total.values()[0], expected.size());
    EXPECT_EQ(out.values(), expected);
  });
}

}  // namespace
}  // namespace simt::selftest
