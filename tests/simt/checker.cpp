// SPDX-License-Identifier: Apache-2.0
#include "simt/checker.h"

#include <algorithm>
#include <bitset>
#include <unordered_map>

#include "simt/device_memory.h"
#include "simt/image.h"
#include "simt/options.h"
#include "simt/shadow.h"
#include "simt/traffic.h"

namespace simt {
namespace {

bool active = false;

bool is_atomic(Access a) { return a >= Access::kAtomicRead; }
bool writes(Access a) {
  return a == Access::kWrite || a == Access::kAtomicWrite || a == Access::kAtomicUpdate;
}
bool reads(Access a) { return a != Access::kWrite && a != Access::kAtomicWrite; }

// What a block has published: everything before `epoch`, and in that epoch the threads named.
struct Published {
  uint32_t epoch = 0;
  std::bitset<kMaxThreads> threads;

  void merge(const Published& other) {
    if (other.epoch > epoch) {
      *this = other;
    } else if (other.epoch == epoch) {
      threads |= other.threads;
    }
  }
};
using Publications = std::unordered_map<uint32_t, Published>;  // by block

void merge(Publications& into, const Publications& from) {
  for (const auto& [block, published] : from) into[block].merge(published);
}

// A checked build runs one block at a time, so one set of shadows serves.
Shadow shared_shadow;
Shadow global_shadow;
Publications acquired;                                 // visible to the running block
std::unordered_map<uintptr_t, Publications> released;  // by address of the atomic
Kernel current_kernel;

// Whether the access recorded in `r` comes before what `f` does now.
bool ordered(const Block& block, const Fiber& f, const Record& r) {
  if (r.block != uint32_t(block.index)) {
    const auto found = acquired.find(r.block);
    if (found == acquired.end()) return false;
    const Published& p = found->second;
    return r.epoch < p.epoch || (r.epoch == p.epoch && p.threads[r.thread]);
  }
  if (r.thread == f.id || r.epoch < block.epoch) return true;
  return r.thread / kWarpSize == f.warp && f.clocks[r.thread % kWarpSize] > r.clock;
}

// An atomic on `address` takes over what others released there and, after a fence, releases what
// this thread knows.
void exchange_publications(const Block& block, const Fiber& f, uintptr_t address, bool write) {
  const auto found = released.find(address);
  if (found != released.end()) merge(acquired, found->second);
  if (!f.fenced || !write) return;
  Publications& here = released[address];
  merge(here, acquired);
  Published own;
  own.epoch = block.epoch;
  // The lanes that this one has met in __syncwarp count as published with it.
  for (unsigned l = 0; l < kWarpSize; ++l) {
    if (f.clocks[l]) own.threads.set(f.warp * kWarpSize + l);
  }
  here[uint32_t(block.index)].merge(own);
}

const char* describe(const Record& r, bool write) {
  return r.is_atomic ? "atomic" : write ? "write" : "read";
}

const char* describe(Access access) {
  return is_atomic(access) ? "atomic" : writes(access) ? "write" : "read";
}

[[noreturn]] void fail_race(Block& block, uintptr_t address, bool shared, Access access,
                            const Record& r, bool recorded_write) {
  block.failure.pc[1] = executable_image().bias + r.pc;
  fail_block(block,
             "race on %s byte %p: %s at {pc0}; earlier %s by block %u thread %u at {pc1}, "
             "with nothing that orders them",
             shared ? "shared" : "global", reinterpret_cast<void*>(address), describe(access),
             describe(r, recorded_write), r.block, unsigned(r.thread));
}

void check_byte(Block& block, const Fiber& f, Cell& cell, uintptr_t address, bool shared,
                Access access, const Record& now) {
  const bool atomic = is_atomic(access);
  const auto races = [&](const Record& r) {
    return r.exists() && !(atomic && r.is_atomic) && !ordered(block, f, r);
  };
  if (shared && reads(access) && !cell.write.exists()) {
    fail_block(block, "%s of uninitialised shared memory at {pc0}", describe(access));
  }
  if (races(cell.write)) fail_race(block, address, shared, access, cell.write, true);
  if (!writes(access)) {
    const bool replace_first = !cell.read[0].exists() || ordered(block, f, cell.read[0]);
    cell.read[replace_first ? 0 : 1] = now;
    return;
  }
  for (const Record& r : cell.read) {
    if (races(r)) fail_race(block, address, shared, access, r, false);
  }
  cell.write = now;
}

void check_bytes(Block& block, const Fiber& f, uintptr_t address, size_t size, bool shared,
                 Access access, const Record& now) {
  Shadow& shadow = shared ? shared_shadow : global_shadow;
  for (size_t i = 0; i < size;) {
    Cell* cell = &shadow[address + i];
    const Cell before = *cell;
    check_byte(block, f, *cell, address + i, shared, access, now);
    const Cell after = *cell;
    // The bytes of a word mostly have one history, and so one verdict.
    for (++i, ++cell; i < size && Shadow::same_page(address + i - 1, address + i); ++i, ++cell) {
      if (!(*cell == before)) break;
      *cell = after;
    }
  }
}

bool lies_in(uintptr_t address, const void* low, size_t bytes) {
  return address - reinterpret_cast<uintptr_t>(low) < bytes;
}

bool is_builtin_variable(uintptr_t address) {
  return lies_in(address, &threadIdx, sizeof threadIdx) ||
         lies_in(address, &blockIdx, sizeof blockIdx) ||
         lies_in(address, &blockDim, sizeof blockDim) || lies_in(address, &gridDim, sizeof gridDim);
}

enum class Space { kIgnored, kShared, kGlobal };

// Where an access goes.  Fails the block when it must not go there.
Space classify(Block& block, const Fiber& f, uintptr_t address, size_t size) {
  const auto* p = reinterpret_cast<const char*>(address);
  if (p >= f.context.stack_low && p < f.context.stack_high) return Space::kIgnored;
  if (block.stacks.contains(p))
    fail_block(block, "access to another thread's local memory at {pc0}");
  if (lies_in(address, block.dynamic, block.dynamic_capacity)) {
    const size_t offset = size_t(p - block.dynamic);
    if (offset + size > block.grid->dynamic_bytes) {
      fail_block(block,
                 "out of bounds: %zu bytes at offset %zu of %zu bytes of dynamic shared "
                 "memory, at {pc0}",
                 size, offset, block.grid->dynamic_bytes);
    }
    return Space::kShared;
  }
  if (address >= block.tls_low && address < block.tls_high) {
    return is_builtin_variable(address) ? Space::kIgnored : Space::kShared;
  }
  if (lies_in(address, current_kernel.parameters, current_kernel.parameter_bytes)) {
    return Space::kIgnored;
  }
  const Image& image = executable_image();
  const bool variable = address >= image.low && address < image.high;
  if (options().check_bounds && !variable && !is_device_memory(address, size)) {
    fail_block(block, "out of bounds: %zu bytes at %p, at {pc0}, lie in no block of device memory",
               size, reinterpret_cast<void*>(address));
  }
  return Space::kGlobal;
}

}  // namespace

bool checker_active() { return active; }
void checker_activate() { active = true; }

void checker_begin_launch(const Kernel& kernel) {
  if (!active) return;
  current_kernel = kernel;
  global_shadow.clear();
  released.clear();
}

void checker_begin_block(Block&) {
  if (!active) return;
  shared_shadow.clear();
  acquired.clear();
  if (options().count_traffic) traffic_begin_block(current_kernel);
}

void checker_sync_warp(Fiber* warp, unsigned lanes) {
  if (!active) return;
  uint32_t joined[kWarpSize] = {};
  for (unsigned m = lanes; m; m &= m - 1) {
    const Fiber& f = warp[__builtin_ctz(m)];
    for (int i = 0; i < kWarpSize; ++i) {
      if (f.clocks[i] > joined[i]) joined[i] = f.clocks[i];
    }
  }
  // What a lane does from now on is newer than what the others know of it.
  for (unsigned m = lanes; m; m &= m - 1) {
    const int lane = __builtin_ctz(m);
    joined[lane] = warp[lane].clocks[lane] + 1;
  }
  for (unsigned m = lanes; m; m &= m - 1) {
    Fiber& f = warp[__builtin_ctz(m)];
    for (int i = 0; i < kWarpSize; ++i) f.clocks[i] = joined[i];
  }
}

void checker_access(uintptr_t address, size_t size, Access access, uintptr_t pc) {
  Block* block = running_block();
  if (!block || block->in_emulator) return;
  {
    const EmulatorScope scope(*block);
    const Fiber& f = *block->current;
    block->failure.pc[0] = pc;
    const Space space = classify(*block, f, address, size);
    if (space == Space::kIgnored) return;
    if (options().count_traffic)
      traffic_access(f, address, size, space == Space::kShared, access, pc);
    if (is_atomic(access)) exchange_publications(*block, f, address, writes(access));
    Record now = {};
    now.block = uint32_t(block->index);
    now.epoch = block->epoch;
    now.thread = f.id;
    now.is_atomic = is_atomic(access);
    now.clock = f.clocks[f.lane];
    now.pc = uint32_t(pc - executable_image().bias);
    check_bytes(*block, f, address, size, space == Space::kShared, access, now);
    if (options().preempt <= 0 || --block->accesses_to_switch > 0) return;
    block->accesses_to_switch = 1 + int(block->ready.rng().below(uint32_t(2 * options().preempt)));
  }
  yield();
}

void on_atomic(const volatile void* p, size_t size, void* pc) {
  checker_access(reinterpret_cast<uintptr_t>(p), size, Access::kAtomicUpdate,
                 reinterpret_cast<uintptr_t>(pc));
}

void on_fence() {
  Block* block = running_block();
  if (block) block->current->fenced = true;
}

}  // namespace simt
