// SPDX-License-Identifier: Apache-2.0
//
// Tests of the fake CUDA runtime.
#include <algorithm>

#include "simt/sanitizer.h"
#include "simt/selftest.h"

namespace simt::selftest {
namespace {

TEST(Memory, IsJunkUntilWritten) {
  Buffer<uint32_t> fresh(100);
  for (const uint32_t v : fresh.values()) EXPECT_EQ(v, 0xA5A5A5A5u);
  ASSERT_EQ(cudaMemset(fresh.data(), 0, 400), cudaSuccess);
  EXPECT_EQ(fresh.values(), std::vector<uint32_t>(100));
}

TEST(Memory, CopiesCheckDirectionAndRange) {
  std::vector<char> host(64);
  Buffer<char> device(64);
  EXPECT_EQ(cudaMemcpy(device.data(), host.data(), 64, cudaMemcpyHostToDevice), cudaSuccess);
  EXPECT_EQ(cudaMemcpy(host.data(), device.data() + 32, 32, cudaMemcpyDefault), cudaSuccess);
  EXPECT_EQ(cudaMemcpy(host.data(), device.data(), 64, cudaMemcpyHostToDevice),
            cudaErrorInvalidValue);
  EXPECT_EQ(cudaMemcpy(device.data() + 1, host.data(), 64, cudaMemcpyHostToDevice),
            cudaErrorInvalidValue);
  EXPECT_EQ(cudaMemcpyAsync(host.data(), device.data() + 1, 64, cudaMemcpyDeviceToHost, nullptr),
            cudaErrorInvalidValue);
  EXPECT_EQ(cudaMemset(host.data(), 0, 64), cudaErrorInvalidValue);
  EXPECT_EQ(cudaGetLastError(), cudaErrorInvalidValue);
  EXPECT_EQ(cudaGetLastError(), cudaSuccess);
}

TEST(Memory, FreesAreChecked) {
  const size_t before = live_allocations();
  void *device = nullptr, *pinned = nullptr;
  ASSERT_EQ(cudaMalloc(&device, 10), cudaSuccess);
  ASSERT_EQ(cudaMallocHost(&pinned, 10), cudaSuccess);
  EXPECT_EQ(live_allocations(), before + 2);
  EXPECT_EQ(cudaFreeHost(device), cudaErrorInvalidValue);
  EXPECT_EQ(cudaFree(pinned), cudaErrorInvalidValue);
  EXPECT_EQ(cudaFree(static_cast<char*>(device) + 1), cudaErrorInvalidValue);
  EXPECT_EQ(cudaFree(device), cudaSuccess);
  EXPECT_EQ(cudaFree(device), cudaErrorInvalidValue);
  EXPECT_EQ(cudaFreeHost(pinned), cudaSuccess);
  EXPECT_EQ(cudaFree(nullptr), cudaSuccess);
  EXPECT_EQ(live_allocations(), before);
  (void)cudaGetLastError();
}

TEST(Memory, TheDeviceCanBeFull) {
  options().device_memory_bytes = 1 << 20;
  void *a = nullptr, *b = nullptr;
  size_t free_bytes = 0, total_bytes = 0;
  EXPECT_EQ(cudaMalloc(&a, 600 << 10), cudaSuccess);
  EXPECT_EQ(cudaMemGetInfo(&free_bytes, &total_bytes), cudaSuccess);
  EXPECT_EQ(free_bytes, size_t(424 << 10));
  EXPECT_EQ(cudaMallocAsync(&b, 600 << 10, nullptr), cudaErrorMemoryAllocation);
  EXPECT_EQ(cudaFreeAsync(a, nullptr), cudaSuccess);
  EXPECT_EQ(cudaMalloc(&b, 600 << 10), cudaSuccess);
  EXPECT_EQ(cudaFree(b), cudaSuccess);
  EXPECT_EQ(cudaGetLastError(), cudaErrorMemoryAllocation);
  options() = Options();
}

__global__ void set(int* out, int i) { out[i] = 1; }

TEST(Faults, CountDownAndFireOnce) {
  void* p[3] = {};
  options().fail_alloc_at = 2;
  EXPECT_EQ(cudaMalloc(&p[0], 8), cudaSuccess);
  EXPECT_EQ(cudaMallocHost(&p[1], 8), cudaErrorMemoryAllocation);
  EXPECT_EQ(p[1], nullptr);
  EXPECT_EQ(cudaMalloc(&p[2], 8), cudaSuccess);
  options().fail_launch_at = 1;
  EXPECT_EQ(launch({1, 1}, set, static_cast<int*>(p[0]), 0), cudaErrorLaunchFailure);
  EXPECT_EQ(launch({1, 1}, set, static_cast<int*>(p[0]), 0), cudaSuccess);
  EXPECT_EQ(cudaGetLastError(), cudaErrorLaunchFailure);
  EXPECT_EQ(cudaFree(p[0]), cudaSuccess);
  EXPECT_EQ(cudaFree(p[2]), cudaSuccess);
}

TEST(Memory, AWriteBehindTheEndIsAnError) {
  Buffer<int> out(32);
#if SIMT_ASAN
  EXPECT_DEATH(error_of({1, 1}, set, out.data(), 32), "AddressSanitizer");
#else
  const std::string error = error_of({1, 1}, set, out.data(), 32);
  EXPECT_TRUE(mentions(error, checker_active() ? "out of bounds" : "wrote behind the end"));
#endif
  EXPECT_EQ(error_of({1, 1}, set, out.data(), 31), "");
}

__constant__ int table[4];
__global__ void read_table(int* out) { out[threadIdx.x] = table[threadIdx.x]; }

TEST(Memory, ConstantMemory) {
  const int values[4] = {1, 2, 3, 4};
  ASSERT_EQ(cudaMemcpyToSymbol(table, values, sizeof values), cudaSuccess);
  EXPECT_EQ(cudaMemcpyToSymbol(table, values, sizeof values, 4), cudaErrorInvalidValue);
  Buffer<int> out(4);
  ASSERT_EQ(launch({1, 4}, read_table, out.data()), cudaSuccess);
  EXPECT_EQ(out.values(), std::vector<int>({1, 2, 3, 4}));
}

TEST(Streams, HandlesAreChecked) {
  cudaStream_t stream = nullptr;
  ASSERT_EQ(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking), cudaSuccess);
  EXPECT_EQ(cudaStreamSynchronize(stream), cudaSuccess);
  EXPECT_EQ(cudaStreamSynchronize(nullptr), cudaSuccess);
  EXPECT_EQ(cudaStreamQuery(stream), cudaSuccess);
  EXPECT_EQ(cudaStreamDestroy(stream), cudaSuccess);
  EXPECT_EQ(cudaStreamSynchronize(stream), cudaErrorInvalidResourceHandle);
  EXPECT_EQ(cudaStreamDestroy(stream), cudaErrorInvalidResourceHandle);
  (void)cudaGetLastError();
}

TEST(Events, MeasureTime) {
  cudaEvent_t start = nullptr, end = nullptr;
  float milliseconds = -1;
  ASSERT_EQ(cudaEventCreate(&start), cudaSuccess);
  ASSERT_EQ(cudaEventCreate(&end), cudaSuccess);
  ASSERT_EQ(cudaEventRecord(start, nullptr), cudaSuccess);
  EXPECT_EQ(cudaEventElapsedTime(&milliseconds, start, end), cudaErrorInvalidResourceHandle);
  ASSERT_EQ(cudaEventRecord(end, nullptr), cudaSuccess);
  EXPECT_EQ(cudaEventSynchronize(end), cudaSuccess);
  EXPECT_EQ(cudaEventElapsedTime(&milliseconds, start, end), cudaSuccess);
  EXPECT_GE(milliseconds, 0.0f);
  EXPECT_EQ(cudaEventDestroy(start), cudaSuccess);
  EXPECT_EQ(cudaEventDestroy(end), cudaSuccess);
  (void)cudaGetLastError();
}

TEST(Device, DescribesItself) {
  int count = 0, processors = 0, blocks = 0, version = 0;
  cudaDeviceProp properties;
  ASSERT_EQ(cudaGetDeviceCount(&count), cudaSuccess);
  EXPECT_EQ(count, 1);
  ASSERT_EQ(cudaGetDeviceProperties(&properties, 0), cudaSuccess);
  EXPECT_STREQ(properties.name, "SIMT emulator");
  ASSERT_EQ(cudaDeviceGetAttribute(&processors, cudaDevAttrMultiProcessorCount, 0), cudaSuccess);
  EXPECT_EQ(processors, properties.multiProcessorCount);
  ASSERT_EQ(cudaOccupancyMaxActiveBlocksPerMultiprocessor(&blocks, set, 256, 100 << 10),
            cudaSuccess);
  EXPECT_EQ(blocks, 2);
  ASSERT_EQ(cudaRuntimeGetVersion(&version), cudaSuccess);
  EXPECT_EQ(version, CUDART_VERSION);
  EXPECT_EQ(cudaSetDevice(1), cudaErrorInvalidDevice);
  EXPECT_STREQ(cudaGetErrorName(cudaGetLastError()), "cudaErrorInvalidDevice");
}

}  // namespace
}  // namespace simt::selftest
