// SPDX-License-Identifier: Apache-2.0
//
// What the parts of the fake CUDA runtime share.
#pragma once

#include <cuda_runtime.h>

namespace simt {

// Remembers an error for cudaGetLastError() of this OS thread, and returns it.
cudaError_t set_last_error(cudaError_t error);

}  // namespace simt
