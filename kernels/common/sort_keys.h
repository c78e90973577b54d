// SPDX-License-Identifier: Apache-2.0
// A stable sort of 64-bit keys by some of their bits: CUB's radix sort on the device. Launches
// kernels of its own, so in emulation the standard library sorts.
#pragma once
#include "kernels/common/simt.h"

#if GRAMZIP_SIMT_GPU
#include <cub/device/device_radix_sort.cuh>
#else
#include <algorithm>
#endif

namespace gramzip::kernels {
// Sorts in[0, count) into out by bits [first_bit, end_bit). Size first: with no workspace only sets
// workspace_bytes. Does not synchronise.
inline cudaError_t sort_keys(void* workspace, size_t& workspace_bytes, const uint64_t* in,
                             uint64_t* out, uint64_t count, int first_bit, int end_bit,
                             cudaStream_t stream) {
#if GRAMZIP_SIMT_GPU
  return cub::DeviceRadixSort::SortKeys(workspace, workspace_bytes, in, out, count, first_bit,
                                        end_bit, stream);
#else
  static_cast<void>(stream);
  if (workspace == nullptr) {
    workspace_bytes = 1;
    return cudaSuccess;
  }
  const uint64_t mask = (~uint64_t{0} >> (64 - (end_bit - first_bit))) << first_bit;
  std::copy(in, in + count, out);
  std::stable_sort(out, out + count,
                   [mask](uint64_t a, uint64_t b) { return (a & mask) < (b & mask); });
  return cudaSuccess;
#endif
}
}  // namespace gramzip::kernels
