// SPDX-License-Identifier: Apache-2.0
//
// Finds races, reads of uninitialised shared memory and accesses out of bounds, from the accesses
// that the compiler's ThreadSanitizer instrumentation reports (VARIANT check).
//
// Two accesses to a byte, at least one a write and not both atomic, race unless one is ordered
// before the other: by the thread's own program, by a __syncthreads() between them, by a
// __syncwarp() of both lanes, or across blocks by __threadfence() and an atomic on either side.
// Shuffles and votes order nothing, as on the GPU.  An order is found even if this run happened to
// execute the accesses far apart, so one seed finds most races.
#pragma once

#include <cstddef>
#include <cstdint>

#include "simt/block.h"

namespace simt {

// True when any linked file is instrumented.
bool checker_active();

void checker_begin_launch(const Kernel& kernel);
void checker_begin_block(Block& block);

// The lanes of the mask meet in __syncwarp.  `warp` is its lane 0.
void checker_sync_warp(Fiber* warp, unsigned lanes);

// An update reads and writes at once.
enum class Access { kRead, kWrite, kAtomicRead, kAtomicWrite, kAtomicUpdate };

// The current thread accesses [address, address + size) from the code at `pc`.  Fails the block or
// returns; may switch threads.
void checker_access(uintptr_t address, size_t size, Access access, uintptr_t pc);

// Called by the instrumented program's start-up code.
void checker_activate();

}  // namespace simt
