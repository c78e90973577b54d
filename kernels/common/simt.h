// SPDX-License-Identifier: Apache-2.0
//
// The one header a kernel file includes.
//
// Under nvcc it is the CUDA runtime plus launch().  Under a plain C++ compiler it is the emulator
// of tests/simt, so that the same source runs on the CPU, one fiber per CUDA thread.  A kernel file
// therefore never writes <<<>>> and never declares extern __shared__ itself.
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>

#if defined(__CUDACC__)

#include <cuda_runtime.h>

#define GRAMZIP_SIMT_GPU 1

// Declares `T* name`, the dynamic shared memory of the block, 16-byte aligned.  CUDA allows one
// type per extern symbol in a translation unit, so all uses share one array of bytes.
#define GRAMZIP_DYN_SHARED(T, name)                                        \
  extern __shared__ __align__(16) unsigned char gramzip_dynamic_shared_[]; \
  T* name = reinterpret_cast<T*>(gramzip_dynamic_shared_)

#else

#include "simt/emu.h"

#define GRAMZIP_SIMT_GPU 0

#define GRAMZIP_DYN_SHARED(T, name) T* name = static_cast<T*>(::simt::dynamic_shared())

#endif

namespace gramzip::kernels {

// Where and how wide a kernel runs.
struct Launch {
  dim3 grid;
  dim3 block;
  size_t smem = 0;                // bytes of dynamic shared memory per block
  cudaStream_t stream = nullptr;  // nullptr: the default stream
};

// Starts `kernel` with `args` converted to its parameter types, as <<<>>> does.  Does not
// synchronise.  Returns the launch's own error; an error of the running kernel appears at the next
// synchronisation.  The emulator runs the kernel to its end and throws simt::Error on misuse.
template <class... P, class... A>
cudaError_t launch(const Launch& config, void (*kernel)(P...), A&&... args) {
  static_assert(sizeof...(P) == sizeof...(A), "wrong number of kernel arguments");
#if GRAMZIP_SIMT_GPU
  // Up to this size dynamic shared memory needs no opt-in.
  constexpr size_t kDefaultSharedLimit = 48 * 1024;
  if (config.smem > kDefaultSharedLimit) {
    const cudaError_t status = cudaFuncSetAttribute(
        kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, static_cast<int>(config.smem));
    if (status != cudaSuccess) return status;
  }
  kernel<<<config.grid, config.block, config.smem, config.stream>>>(
      static_cast<P>(std::forward<A>(args))...);
  return cudaGetLastError();
#else
  return ::simt::launch_on(config.stream, config.grid, config.block, config.smem, kernel,
                           static_cast<P>(std::forward<A>(args))...);
#endif
}

}  // namespace gramzip::kernels
