// SPDX-License-Identifier: Apache-2.0
//
// What a test can set and what it can catch.
#pragma once

#include <cstddef>
#include <cstdint>
#include <stdexcept>

namespace simt {

// Thrown by launch() when a kernel breaks a rule of CUDA.  what() names the block, the thread and
// the source lines.
struct Error : std::runtime_error {
  using std::runtime_error::runtime_error;
};

struct Options {
  // Order of the threads of a block.  0: ascending, round robin, which looks like lock step and so
  // hides bugs.  Even: a random ready thread.  Odd: mostly the thread that became ready last, so
  // that one warp runs far ahead of the others.
  uint64_t seed = 0;
  // Blocks are handed out in random order instead of ascending.
  bool shuffle_blocks = false;
  // Blocks running at the same time, one OS thread each.  0: one per core, at most 16.  A checked
  // build always runs one at a time.
  int workers = 0;

  // A thread may return while others of its block still meet at __syncthreads().  The GPU allows
  // it; in our kernels it is a mistake.
  bool allow_early_exit = false;
  // Stack per thread; 0: 128 KiB, 256 KiB under ASan.
  size_t stack_bytes = 0;
  // Dynamic shared memory per block.
  size_t max_shared_bytes = 227 * 1024;
  // A block that makes no progress for so long is an error.  Noticed where threads yield
  // (__nanosleep, atomics of a checked build).
  double hang_seconds = 30;

  // Checked build: mean number of accesses between forced switches; 0: none.
  int preempt = 32;
  // Checked build: an access outside every cudaMalloc block is an error.
  bool check_bounds = true;
  // Checked build: accesses of warps are counted (traffic.h).
  bool count_traffic = false;

  // The emulated device has so much memory; allocating more fails.
  size_t device_memory_bytes = size_t(4) << 30;

  // Faults.  Each counts down from now: 1 fails the next call, 0 is off.  A count that has fired
  // is off again.
  // cudaMalloc, cudaMallocAsync, cudaMallocHost, cudaHostAlloc, cudaMallocManaged return
  // cudaErrorMemoryAllocation.
  int fail_alloc_at = 0;
  // launch() returns cudaErrorLaunchFailure and runs nothing.
  int fail_launch_at = 0;
};

// One set for the process.  Change it between launches only.
Options& options();

// Allocations of the fake CUDA runtime that have not been freed.  A test compares it with 0.
size_t live_allocations();

}  // namespace simt
