// SPDX-License-Identifier: Apache-2.0
#include "bench/gpu/device.h"

#include "host/backend/device_buffer.h"

namespace gramzip::bench {
namespace {
__global__ void copy_kernel(const uint4* from, uint4* to, uint64_t n) {
  for (uint64_t i = blockIdx.x * uint64_t{blockDim.x} + threadIdx.x; i < n;
       i += uint64_t{gridDim.x} * blockDim.x)
    to[i] = from[i];
}
}  // namespace

bool device_is_there(std::string& why) { return device_answers(0, why); }

Device describe_device() {
  cudaDeviceProp p{};
  check_cuda(cudaGetDeviceProperties(&p, 0), "asking for the device");
  Device d{};
  d.name = p.name;
  d.compute = std::to_string(p.major) + "." + std::to_string(p.minor);
  d.sms = p.multiProcessorCount;
  check_cuda(cudaDriverGetVersion(&d.driver), "asking for the driver");
  check_cuda(cudaRuntimeGetVersion(&d.runtime), "asking for the runtime");
  size_t free_bytes = 0, total_bytes = 0;
  check_cuda(cudaMemGetInfo(&free_bytes, &total_bytes), "asking for memory");
  d.free_bytes = free_bytes;
  d.memory_bytes = total_bytes;
  return d;
}

std::vector<double> time_copies(uint64_t bytes, int runs, bool by_kernel) {
  DeviceBuffer<uint4> from, to;
  const uint64_t n = bytes / sizeof(uint4);
  from.reserve(n);
  to.reserve(n);
  check_cuda(cudaMemset(from.get(), 1, n * sizeof(uint4)), "filling memory");
  cudaEvent_t before, after;
  check_cuda(cudaEventCreate(&before), "an event");
  check_cuda(cudaEventCreate(&after), "an event");
  std::vector<double> seconds;
  for (int run = -1; run < runs; ++run) {  // the first is not counted
    check_cuda(cudaEventRecord(before), "an event");
    if (by_kernel)
      check_cuda(kernels::launch({dim3(132 * 16), dim3(512)}, copy_kernel, from.get(), to.get(), n),
                 "the copy kernel");
    else
      check_cuda(cudaMemcpyAsync(to.get(), from.get(), n * sizeof(uint4), cudaMemcpyDeviceToDevice),
                 "a copy");
    check_cuda(cudaEventRecord(after), "an event");
    check_cuda(cudaEventSynchronize(after), "a copy");
    float ms = 0;
    check_cuda(cudaEventElapsedTime(&ms, before, after), "the time of a copy");
    if (run >= 0) seconds.push_back(ms / 1e3);
  }
  cudaEventDestroy(before);
  cudaEventDestroy(after);
  return seconds;
}
}  // namespace gramzip::bench
