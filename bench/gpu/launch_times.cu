// SPDX-License-Identifier: Apache-2.0
#include "bench/gpu/launch_times.h"

#include <cxxabi.h>

#include <cstdlib>
#include <regex>
#include <vector>

#include "host/backend/device_buffer.h"

namespace gramzip::bench {
namespace {
struct Timed {
  const void* kernel;
  cudaEvent_t before, after;
};
bool timing = false;
std::vector<Timed> launches;
// Host function or handle of a kernel: its mangled name. Filled before main().
std::map<const void*, std::string>& names() {
  static std::map<const void*, std::string> all;
  return all;
}

template <class Launch>
cudaError_t timed_launch(const void* kernel, cudaStream_t stream, const Launch& launch) {
  if (!timing) return launch();
  Timed t{kernel, nullptr, nullptr};
  check_cuda(cudaEventCreate(&t.before), "an event");
  check_cuda(cudaEventCreate(&t.after), "an event");
  check_cuda(cudaEventRecord(t.before, stream), "an event");
  const cudaError_t status = launch();
  check_cuda(cudaEventRecord(t.after, stream), "an event");
  launches.push_back(t);
  return status;
}
}  // namespace

void start_launch_times() {
  launches.clear();
  timing = true;
}

std::map<std::string, double> stop_launch_times() {
  timing = false;
  check_cuda(cudaDeviceSynchronize(), "waiting for kernels");
  std::map<std::string, double> seconds;
  for (const Timed& t : launches) {
    float ms = 0;
    check_cuda(cudaEventElapsedTime(&ms, t.before, t.after), "the time of a kernel");
    const auto found = names().find(t.kernel);
    seconds[found == names().end() ? "unknown" : kernel_label(found->second)] += ms / 1e3;
    cudaEventDestroy(t.before);
    cudaEventDestroy(t.after);
  }
  launches.clear();
  return seconds;
}

std::string kernel_label(const std::string& mangled) {
  int status = 0;
  char* readable = abi::__cxa_demangle(mangled.c_str(), nullptr, nullptr, &status);
  std::string name = readable ? readable : mangled;
  std::free(readable);
  // An anonymous namespace has the source's name in the mangled one alone.
  std::smatch source;
  static const std::regex in_source("_GLOBAL__N__[0-9a-f]+_[0-9]+_(\\w+?)_cu_[0-9a-f]{8}");
  const std::string label =
      std::regex_search(mangled, source, in_source) ? source[1].str() + ": " : "";
  for (const char* part : {"void ", "(anonymous namespace)::", "gramzip::kernels::", "gramzip::"})
    for (size_t at; (at = name.find(part)) != std::string::npos;)
      name.erase(at, std::string(part).size());
  return label + name.substr(0, name.find_first_of('('));
}
}  // namespace gramzip::bench

// What the linker calls in place of the runtime's own functions, which it names __real_*.
extern "C" {
using gramzip::bench::names;
using gramzip::bench::timed_launch;

cudaError_t __real___cudaLaunchKernel(cudaKernel_t, dim3, dim3, void**, size_t, cudaStream_t);
cudaError_t __real___cudaGetKernel(cudaKernel_t*, const void*);
void __real___cudaRegisterFunction(void**, const char*, char*, const char*, int, uint3*, uint3*,
                                   dim3*, dim3*, int*);

cudaError_t __wrap___cudaLaunchKernel(cudaKernel_t kernel, dim3 grid, dim3 block, void** args,
                                      size_t shared, cudaStream_t stream) {
  return timed_launch(kernel, stream, [&] {
    return __real___cudaLaunchKernel(kernel, grid, block, args, shared, stream);
  });
}
cudaError_t __wrap___cudaGetKernel(cudaKernel_t* handle, const void* host_function) {
  const cudaError_t status = __real___cudaGetKernel(handle, host_function);
  const auto found = names().find(host_function);
  if (status == cudaSuccess && found != names().end()) names()[*handle] = found->second;
  return status;
}
void __wrap___cudaRegisterFunction(void** fat, const char* host, char* device, const char* name,
                                   int threads, uint3* tid, uint3* bid, dim3* block, dim3* grid,
                                   int* warp) {
  names()[host] = name;
  __real___cudaRegisterFunction(fat, host, device, name, threads, tid, bid, block, grid, warp);
}
}
