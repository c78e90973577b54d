// SPDX-License-Identifier: Apache-2.0
//
// What the parts of the fake CUDA runtime share.
#pragma once

#include <cuda_runtime.h>

#include <atomic>
#include <cstdint>

namespace simt {

// Remembers an error for cudaGetLastError() of this OS thread, and returns it.
cudaError_t set_last_error(cudaError_t error);

// Behind runtime_calls() of runtime_log.h.
struct CallCounters {
  std::atomic<uint64_t> launches{0}, fills{0}, host_copies{0}, device_copies{0}, allocations{0},
      waits{0}, other{0};
};
CallCounters& call_counters();

// For calls that may not stand in a capture: marks all captures under way as broken.  False if
// there is one.
bool leave_captures();

}  // namespace simt
