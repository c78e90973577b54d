// SPDX-License-Identifier: Apache-2.0
//
// Capture of streams into graphs: the work is recorded with the arguments it was given, and runs,
// in order, when the graph is launched.
#pragma once

#include <cuda_runtime.h>

#include <functional>

namespace simt {

bool is_capturing(cudaStream_t stream);
// The stream is capturing.
void record(cudaStream_t stream, std::function<cudaError_t()> work);

}  // namespace simt
