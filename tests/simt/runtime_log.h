// SPDX-License-Identifier: Apache-2.0
//
// What the program asked of the fake CUDA runtime, for tests of code that may only enqueue.
#pragma once

#include <cstdint>

namespace simt {

struct RuntimeCalls {
  uint64_t launches = 0;
  uint64_t fills = 0;          // cudaMemset and its like
  uint64_t host_copies = 0;    // from or to host memory
  uint64_t device_copies = 0;  // within device memory
  uint64_t allocations = 0;    // and frees
  uint64_t waits = 0;  // stream, event and device synchronisation, queries; what implies one
  uint64_t other = 0;  // streams, events, graphs, look-ups of pointers and devices
};
// Since the program's start, by all threads.
RuntimeCalls runtime_calls();

}  // namespace simt
