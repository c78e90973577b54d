// SPDX-License-Identifier: Apache-2.0
// The caller's memory on a CUDA device, read and written by copies of what is asked for.
#pragma once
#include <memory>

#include "host/base/io.h"

namespace gramzip {
// Memory [p, p + n) of that device, or managed memory. Work under way on the device is waited for
// first; nothing else may use the memory meanwhile. Throws Error(device) if the build has no CUDA
// or the device does not answer, Error(invalid_argument) if the memory lies elsewhere. A copy that
// the device refuses, as one that leaves its allocation, is Error(device).
std::shared_ptr<RandomSource> device_memory_source(int device, const void* p, uint64_t n);
std::shared_ptr<RandomBuffer> device_memory_buffer(int device, void* p, uint64_t n);
}  // namespace gramzip
