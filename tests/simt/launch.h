// SPDX-License-Identifier: Apache-2.0
//
// Starting a kernel, and the services of the scheduler that device code calls.
#pragma once

#include <cuda_runtime.h>

#include <cstddef>
#include <cstring>
#include <string>
#include <tuple>
#include <type_traits>

#include "simt/keywords.h"
#include "simt/runtime_graph.h"

namespace simt {

// Gives way to another thread of the block.  A loop that waits for a value must call it, through
// __nanosleep, since fibers are not preempted.
void yield();

// Ends the block with an error.  Never allocates: the fiber's stack is not unwound.
[[noreturn]] void fail(const char* format, ...) __attribute__((format(printf, 1, 2)));

// The dynamic shared memory of the running block, aligned to a page.
void* dynamic_shared();

// A kernel as the scheduler sees it.  Every thread calls body(parameters).
struct Kernel {
  const void* symbol;  // address of the __global__ function: finds its shared variables
  void (*body)(const void* parameters);
  const void* parameters;  // read by every thread, never written
  size_t parameter_bytes;
};

// Runs the grid to its end.  Throws Error when the kernel breaks a rule.
cudaError_t run_grid(const Kernel& kernel, dim3 grid, dim3 block, size_t shared_bytes);

template <class... P>
cudaError_t launch(dim3 grid, dim3 block, size_t shared_bytes, void (*kernel)(P...),
                   std::type_identity_t<P>... args) {
  struct Call {
    void (*kernel)(P...);
    std::tuple<P...> args;
  };
  const Call call{kernel, {args...}};
  const auto body = [](const void* p) {
    const Call& c = *static_cast<const Call*>(p);
    std::apply(c.kernel, c.args);
  };
  return run_grid({reinterpret_cast<const void*>(kernel), body, &call, sizeof call}, grid, block,
                  shared_bytes);
}

// On a stream, which may be capturing.
template <class... P>
cudaError_t launch_on(cudaStream_t stream, dim3 grid, dim3 block, size_t shared_bytes,
                      void (*kernel)(P...), std::type_identity_t<P>... args) {
  if (!is_capturing(stream)) return launch(grid, block, shared_bytes, kernel, args...);
  record(stream, [=] { return launch(grid, block, shared_bytes, kernel, args...); });
  return cudaSuccess;
}

}  // namespace simt

#define __trap() ::simt::fail("__trap() at %s:%d", __FILE__, __LINE__)

inline void __nanosleep(unsigned) { simt::yield(); }

// Copies between host memory and a __constant__ or __device__ variable, which is a plain variable
// here.
template <class T>
cudaError_t cudaMemcpyToSymbol(T& symbol, const void* from, size_t bytes, size_t offset = 0,
                               cudaMemcpyKind = cudaMemcpyHostToDevice) {
  if (offset > sizeof symbol || bytes > sizeof symbol - offset) return cudaErrorInvalidValue;
  std::memcpy(reinterpret_cast<char*>(&symbol) + offset, from, bytes);
  return cudaSuccess;
}
template <class T>
cudaError_t cudaMemcpyFromSymbol(void* to, const T& symbol, size_t bytes, size_t offset = 0,
                                 cudaMemcpyKind = cudaMemcpyDeviceToHost) {
  if (offset > sizeof symbol || bytes > sizeof symbol - offset) return cudaErrorInvalidValue;
  std::memcpy(to, reinterpret_cast<const char*>(&symbol) + offset, bytes);
  return cudaSuccess;
}
