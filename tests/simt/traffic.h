// SPDX-License-Identifier: Apache-2.0
//
// Counts what the memory system of a GPU would be asked for (VARIANT check,
// options().count_traffic).
//
// The k-th executions of one load or store by the lanes of a warp, within a block, count as one
// access of the warp, as if its lanes ran in lock step; loops with a number of rounds of their own
// in each lane are lined up by round. Neighbouring words of up to 16 bytes that a thread takes one
// after the other count as one access: the compiler of the host splits vectors. Sectors have 32
// bytes; a pass of shared memory serves 32 banks of 4 bytes. There are no caches.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "simt/checker.h"

namespace simt {

struct Traffic {
  struct Global {
    uint64_t accesses = 0, sectors = 0, bytes = 0;  // of warps; bytes: as the lanes asked for
  };
  Global loads, stores, atomics;
  uint64_t shared_accesses = 0, shared_passes = 0;
};

// Of all kernels since the last clear_traffic(), by name.
std::map<std::string, Traffic> traffic();
void clear_traffic();

// From the checker: a block begins; the current thread has accessed global or shared memory.
void traffic_begin_block(const Kernel& kernel);
void traffic_access(const Fiber& fiber, uintptr_t address, size_t size, bool shared, Access access,
                    uintptr_t pc);

}  // namespace simt
