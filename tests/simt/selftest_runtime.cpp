// SPDX-License-Identifier: Apache-2.0
//
// Tests of the fake CUDA runtime.
#include <algorithm>

#include "simt/runtime_log.h"
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

__global__ void increment(int* out, int by) { out[0] += by; }

TEST(Graphs, RunWhatWasRecorded) {
  cudaStream_t stream = nullptr;
  cudaGraph_t graph = nullptr;
  cudaGraphExec_t executable = nullptr;
  ASSERT_EQ(cudaStreamCreate(&stream), cudaSuccess);
  Buffer<int> value(std::vector<int>{5});
  ASSERT_EQ(cudaStreamBeginCapture(stream, cudaStreamCaptureModeGlobal), cudaSuccess);
  EXPECT_EQ(cudaStreamBeginCapture(stream, cudaStreamCaptureModeGlobal), cudaErrorIllegalState);
  ASSERT_EQ(cudaMemsetAsync(value.data(), 0, sizeof(int), stream), cudaSuccess);
  int by = 3;
  for (int i = 0; i < 2; ++i)
    ASSERT_EQ(launch_on(stream, dim3(1), dim3(1), 0, increment, value.data(), by), cudaSuccess);
  by = 100;                                                            // recorded by value
  ASSERT_EQ(launch({1, 1}, increment, value.data(), 1), cudaSuccess);  // on another stream: at once
  ASSERT_EQ(cudaStreamEndCapture(stream, &graph), cudaSuccess);
  EXPECT_EQ(value.values()[0], 6);
  ASSERT_EQ(cudaGraphInstantiate(&executable, graph, 0), cudaSuccess);
  EXPECT_EQ(cudaGraphDestroy(graph), cudaSuccess);
  for (int i = 0; i < 2; ++i) {
    const uint64_t before = runtime_calls().launches;
    ASSERT_EQ(cudaGraphLaunch(executable, stream), cudaSuccess);
    EXPECT_EQ(value.values()[0], 6);
    EXPECT_EQ(runtime_calls().launches, before + 2);
  }
  EXPECT_EQ(cudaGraphExecDestroy(executable), cudaSuccess);
  EXPECT_EQ(cudaGraphLaunch(executable, stream), cudaErrorInvalidValue);
  EXPECT_EQ(cudaStreamDestroy(stream), cudaSuccess);
  (void)cudaGetLastError();
}

TEST(Graphs, WhatWaitsOrAllocatesBreaksACapture) {
  cudaStream_t stream = nullptr;
  ASSERT_EQ(cudaStreamCreate(&stream), cudaSuccess);
  EXPECT_EQ(cudaStreamBeginCapture(nullptr, cudaStreamCaptureModeGlobal),
            cudaErrorStreamCaptureUnsupported);
  void* p = nullptr;
  int host = 0;
  Buffer<int> value(1);
  for (int kind = 0; kind < 4; ++kind) {
    ASSERT_EQ(cudaStreamBeginCapture(stream, cudaStreamCaptureModeGlobal), cudaSuccess);
    const cudaError_t status = kind == 0   ? cudaStreamSynchronize(stream)
                               : kind == 1 ? cudaMalloc(&p, 8)
                               : kind == 2
                                   ? cudaMemcpy(&host, value.data(), 4, cudaMemcpyDeviceToHost)
                                   : cudaDeviceSynchronize();
    EXPECT_EQ(status, cudaErrorStreamCaptureUnsupported) << kind;
    cudaGraph_t graph = nullptr;
    EXPECT_EQ(cudaStreamEndCapture(stream, &graph), cudaErrorStreamCaptureInvalidated) << kind;
    EXPECT_EQ(graph, nullptr);
  }
  cudaGraph_t graph = nullptr;
  EXPECT_EQ(cudaStreamEndCapture(stream, &graph), cudaErrorIllegalState);
  EXPECT_EQ(cudaStreamDestroy(stream), cudaSuccess);
  (void)cudaGetLastError();
}

TEST(Calls, AreCounted) {
  const RuntimeCalls a = runtime_calls();
  Buffer<int> x(4), y(4);
  std::vector<int> host(4);
  ASSERT_EQ(cudaMemcpyAsync(x.data(), host.data(), 16, cudaMemcpyHostToDevice, nullptr),
            cudaSuccess);
  ASSERT_EQ(cudaMemcpyAsync(y.data(), x.data(), 16, cudaMemcpyDeviceToDevice, nullptr),
            cudaSuccess);
  ASSERT_EQ(cudaMemsetAsync(y.data(), 0, 16, nullptr), cudaSuccess);
  ASSERT_EQ(cudaStreamSynchronize(nullptr), cudaSuccess);
  ASSERT_EQ(launch({1, 1}, increment, x.data(), 1), cudaSuccess);
  const RuntimeCalls b = runtime_calls();
  EXPECT_EQ(b.allocations, a.allocations + 2);
  EXPECT_EQ(b.host_copies, a.host_copies + 1);
  EXPECT_EQ(b.device_copies, a.device_copies + 1);
  EXPECT_EQ(b.fills, a.fills + 1);
  EXPECT_EQ(b.waits, a.waits + 1);
  EXPECT_EQ(b.launches, a.launches + 1);
  EXPECT_EQ(b.other, a.other);
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
