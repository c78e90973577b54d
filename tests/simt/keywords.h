// SPDX-License-Identifier: Apache-2.0
//
// CUDA's qualifiers and built-in variables.
#pragma once

#include <cuda_runtime.h>

#undef __global__
#undef __device__
#undef __host__
#undef __shared__
#undef __constant__
#undef __managed__
#undef __launch_bounds__
#undef __grid_constant__
#undef __forceinline__
#undef __maxnreg__

#define __global__
#define __device__
#define __host__
#define __constant__
#define __managed__
#define __launch_bounds__(...)
#define __maxnreg__(...)
#define __grid_constant__
#define __forceinline__ inline __attribute__((always_inline))

// thread_local in a function implies static.  CUB under-aligns its TempStorage, which UBSan
// reports; 32 bytes satisfy every member.
#define __shared__ thread_local __attribute__((aligned(32)))

// True where the accesses of this translation unit are reported to the checker (VARIANT check).
#if defined(__SANITIZE_THREAD__)
#define SIMT_CHECKED 1
#else
#define SIMT_CHECKED 0
#endif

// Marks emulator code that must not be reported to the checker as if the kernel had done it.
#define SIMT_UNCHECKED __attribute__((no_sanitize("thread")))

// Set at each fiber switch, so that plain code reads its own values.
extern __thread uint3 threadIdx;
extern __thread uint3 blockIdx;
extern __thread dim3 blockDim;
extern __thread dim3 gridDim;
inline constexpr int warpSize = 32;

namespace simt {

inline unsigned thread_rank() {
  return (threadIdx.z * blockDim.y + threadIdx.y) * blockDim.x + threadIdx.x;
}
inline unsigned lane() { return thread_rank() & 31u; }

}  // namespace simt
