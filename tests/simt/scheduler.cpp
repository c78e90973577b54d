// SPDX-License-Identifier: Apache-2.0
//
// Runs the threads of one block as fibers of one OS thread.
#include <cstdio>
#include <cstring>
#include <thread>

#include "simt/block.h"
#include "simt/checker.h"
#include "simt/options.h"
#include "simt/sanitizer.h"

__thread uint3 threadIdx;
__thread uint3 blockIdx;
__thread dim3 blockDim;
__thread dim3 gridDim;

namespace simt {
namespace {

// Asking for the time at each yield would cost more than the yield.
constexpr unsigned kYieldsPerClock = 1024;

__thread Block* running = nullptr;

// Continues `to`; null is the worker's own stack, which ends the block.
void switch_to(Block& block, Fiber* to) {
  Fiber* from = block.current;
  const bool abandon = to == nullptr || (from && from->state == State::kReturned);
  block.current = to;
  if (to) threadIdx = to->index;
  switch_context(from ? from->context : block.worker, to ? to->context : block.worker,
                 from && abandon);
}

Fiber* pop_ready(Block& block) {
  return block.ready.empty() ? nullptr : &block.fibers[block.ready.pop()];
}

// Lists the distinct places where threads wait.
[[noreturn]] void fail_deadlock(Block& block) {
  constexpr int kMaxPlaces = 6;
  char report[2048];
  size_t used = 0;
  const auto append = [&](const char* format, auto... args) {
    const int n = std::snprintf(report + used, sizeof report - used, format, args...);
    if (n > 0) used = std::min(sizeof report - 1, used + size_t(n));
  };
  append("deadlock: no thread can run; %d of %d have returned", block.size - block.live,
         block.size);
  const Fiber* shown[kMaxPlaces];
  int places = 0;
  for (int i = 0; i < block.size && places < kMaxPlaces; ++i) {
    const Fiber& f = block.fibers[size_t(i)];
    if (f.state == State::kReturned) continue;
    const bool in_warp_op = f.state == State::kInWarpOp;
    const std::source_location& at = in_warp_op ? *f.request->at : f.at;
    bool seen = false;
    for (int k = 0; k < places; ++k) {
      const Fiber& s = *shown[k];
      const std::source_location& known = s.state == State::kInWarpOp ? *s.request->at : s.at;
      seen |= s.state == f.state && known.line() == at.line() && known.column() == at.column() &&
              (!in_warp_op || s.request->mask == f.request->mask);
    }
    if (seen) continue;
    shown[places++] = &f;
    append("\n  thread (%u,%u,%u) waits in ", f.index.x, f.index.y, f.index.z);
    if (in_warp_op) {
      append("%s(mask %08x)", name_of(f.request->op), f.request->mask);
    } else {
      append("__syncthreads");
    }
    append(" at %s:%u", at.file_name(), unsigned(at.line()));
  }
  fail_block(block, "%s", report);
}

void start_thread() {
  Block& block = *running;
  on_fiber_entry(block.worker);
  Fiber& fiber = *block.current;
  const Kernel& kernel = block.grid->kernel;

  block.in_emulator = false;
  kernel.body(kernel.parameters);
  block.in_emulator = true;

  fiber.state = State::kReturned;
  --block.live;
  ++block.progress;
  on_thread_return(block, fiber);
  Fiber* next = pop_ready(block);
  if (!next && block.live) fail_deadlock(block);
  switch_to(block, next);
  __builtin_unreachable();
}

}  // namespace

Block* running_block() { return running; }

void make_ready(Block& block, Fiber& fiber) {
  fiber.state = State::kReady;
  block.ready.push(fiber.id);
}

void wait_current(Block& block) {
  Fiber* next = pop_ready(block);
  if (!next) fail_deadlock(block);
  if (next != block.current) switch_to(block, next);
}

void vfail_block(Block& block, const char* format, va_list args) {
  block.in_emulator = true;
  Failure& failure = block.failure;
  failure.set = true;
  const uint3 thread = block.current->index;
  const int n = std::snprintf(failure.text, sizeof failure.text,
                              "block (%u,%u,%u) thread (%u,%u,%u): ", blockIdx.x, blockIdx.y,
                              blockIdx.z, thread.x, thread.y, thread.z);
  std::vsnprintf(failure.text + n, sizeof failure.text - size_t(n), format, args);
  switch_to(block, nullptr);
  __builtin_unreachable();
}

void fail_block(Block& block, const char* format, ...) {
  va_list args;
  va_start(args, format);
  vfail_block(block, format, args);
}

void fail(const char* format, ...) {
  va_list args;
  va_start(args, format);
  if (running && running->current) vfail_block(*running, format, args);
  char text[1024];
  std::vsnprintf(text, sizeof text, format, args);
  va_end(args);
  throw Error(text);
}

void yield() {
  Block* block = running;
  if (!block) return;
  const EmulatorScope scope(*block);
  if (++block->yields % kYieldsPerClock == 0) {
    const auto now = std::chrono::steady_clock::now();
    if (block->progress != block->last_progress) {
      block->last_progress = block->progress;
      block->last_progress_time = now;
    }
    const std::chrono::duration<double> idle = now - block->last_progress_time;
    if (idle.count() > options().hang_seconds) {
      fail_block(*block, "no progress for %.1f seconds", idle.count());
    }
    if (block->grid->failed) fail_block(*block, "abandoned: another block failed");
  }
  Fiber* next = pop_ready(*block);
  if (!next) {
    // All others wait or have returned: only another block can change what this one sees. The checker
    // comes here every few accesses of a thread that is alone, too often for a system call.
    if (block->grid->workers > 1) std::this_thread::yield();
    return;
  }
  make_ready(*block, *block->current);
  switch_to(*block, next);
}

void prepare_block(Block& block, Grid& grid) {
#if SIMT_ASAN
  constexpr size_t kStackBytes = 256 * 1024;
#else
  constexpr size_t kStackBytes = 128 * 1024;
#endif
  block.grid = &grid;
  block.size = int(grid.block.x * grid.block.y * grid.block.z);
  const size_t bytes = options().stack_bytes ? options().stack_bytes : kStackBytes;
  if (block.stacks.reserve(size_t(block.size), bytes)) {
    if (block.fibers.size() < size_t(block.size)) block.fibers.resize(size_t(block.size));
    for (size_t i = 0; i < block.fibers.size(); ++i) {
      block.stacks.assign(i, block.fibers[i].context);
    }
  }
  map_shared_memory(block);
}

void run_block(Block& block, uint64_t index) {
  const Grid& grid = *block.grid;
  block.index = index;
  blockIdx = {unsigned(index % grid.grid.x), unsigned(index / grid.grid.x % grid.grid.y),
              unsigned(index / grid.grid.x / grid.grid.y)};
  blockDim = grid.block;
  gridDim = grid.grid;

  block.live = block.size;
  block.at_barrier = 0;
  block.epoch = 0;
  block.progress = block.last_progress = 0;
  block.last_progress_time = std::chrono::steady_clock::now();
  block.failure.set = false;
  block.failure.pc[0] = block.failure.pc[1] = 0;
  block.in_emulator = true;
  block.accesses_to_switch = 1;
  block.ready.reset(size_t(block.size), options().seed, index);
  scramble_shared_memory(block);
  checker_begin_block(block);

  for (int warp = 0; warp < kMaxWarps; ++warp) {
    const int lanes = block.size - warp * kWarpSize;
    block.alive[warp] = lanes >= kWarpSize ? ~0u : lanes > 0 ? (1u << lanes) - 1u : 0u;
    block.in_warp_op[warp] = 0;
  }
  for (int i = 0; i < block.size; ++i) {
    Fiber& f = block.fibers[size_t(i)];
    const unsigned rank = unsigned(i);
    f.id = uint16_t(i);
    f.warp = uint16_t(i / kWarpSize);
    f.lane = uint16_t(i % kWarpSize);
    f.index = {rank % grid.block.x, rank / grid.block.x % grid.block.y,
               rank / (grid.block.x * grid.block.y)};
    f.request = nullptr;
    std::memset(f.clocks, 0, sizeof f.clocks);
    f.clocks[f.lane] = 1;
    f.fenced = false;
    prepare_context(f.context, start_thread);
    make_ready(block, f);
  }

  running = &block;
  switch_to(block, pop_ready(block));
  running = nullptr;
  block.current = nullptr;
}

}  // namespace simt
