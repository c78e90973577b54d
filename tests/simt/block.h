// SPDX-License-Identifier: Apache-2.0
//
// State of the emulator: a grid being run, and the block that an OS thread is running.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdarg>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <source_location>
#include <string>
#include <vector>

#include "simt/fiber.h"
#include "simt/launch.h"
#include "simt/ready_queue.h"
#include "simt/warp.h"

namespace simt {

inline constexpr int kWarpSize = 32;
inline constexpr int kMaxThreads = 1024;
inline constexpr int kMaxWarps = kMaxThreads / kWarpSize;

// A variable in the thread-local segment of the executable.
struct SharedVariable {
  uintptr_t offset;
  size_t bytes;
};

struct Grid {
  Kernel kernel;
  dim3 grid;
  dim3 block;
  size_t dynamic_bytes = 0;
  uint64_t blocks = 0;
  int workers = 1;              // blocks that run at the same time
  std::vector<uint32_t> order;  // empty: ascending
  std::vector<SharedVariable> shared;
  std::atomic<uint64_t> next{0};  // position in the order of the next block to start
  std::atomic<bool> failed{false};
  std::mutex mutex;
  std::string error;  // the first, guarded by mutex

  void set_error(const std::string& text);
};

enum class State : uint8_t { kReady, kAtBarrier, kInWarpOp, kReturned };

// A CUDA thread.
struct Fiber {
  Context context;
  uint3 index{};
  uint16_t id = 0;
  uint16_t warp = 0;
  uint16_t lane = 0;
  State state = State::kReturned;

  WarpRequest* request = nullptr;  // in kInWarpOp

  BlockOp barrier_op = BlockOp::kSync;  // in kAtBarrier, with the next three
  int predicate = 0;
  std::source_location at;
  int barrier_result = 0;

  // Checked build.  clocks[l]: writes of lane l with an older clock are visible to this thread
  // through __syncwarp.
  uint32_t clocks[kWarpSize] = {};
  bool fenced = false;  // has executed __threadfence()
};

// Why a block ended early.  Filled on a fiber's stack, which is never unwound, so without heap
// memory.  "{pc0}" and "{pc1}" in the text stand for code addresses, resolved to source lines once
// the worker is back on its own stack.
struct Failure {
  bool set = false;
  char text[4096];
  uintptr_t pc[2];
};

// The block that an OS thread is running, and the memory it reuses for its next blocks.
struct Block {
  Grid* grid = nullptr;
  uint64_t index = 0;
  int size = 0;                         // threads
  int live = 0;                         // of them not returned
  int at_barrier = 0;                   // of them waiting in __syncthreads
  unsigned alive[kMaxWarps] = {};       // lanes not returned, by warp
  unsigned in_warp_op[kMaxWarps] = {};  // lanes waiting in a collective, by warp
  uint32_t epoch = 0;                   // barriers passed
  uint64_t progress = 0;                // collectives passed and threads returned
  // True while the emulator's own code runs on a fiber: what that touches is not the kernel's
  // doing.
  bool in_emulator = true;

  std::vector<Fiber> fibers;
  Fiber* current = nullptr;
  ReadyQueue ready;
  StackPool stacks;
  Context worker;
  Failure failure;

  char* dynamic = nullptr;  // dynamic shared memory
  size_t dynamic_capacity = 0;
  uintptr_t tls_low = 0;  // the OS thread's copy of the executable's thread-local segment
  uintptr_t tls_high = 0;

  uint64_t last_progress = 0;  // hang detection
  unsigned yields = 0;
  std::chrono::steady_clock::time_point last_progress_time;
  int accesses_to_switch = 0;  // checked build

  Block() = default;
  Block(const Block&) = delete;
  Block& operator=(const Block&) = delete;
  ~Block();
};

// The block that this OS thread runs; null outside kernels.
Block* running_block();

// Marks a stretch of emulator code on a fiber.
class EmulatorScope {
 public:
  explicit EmulatorScope(Block& block) : block_(block) { block_.in_emulator = true; }
  ~EmulatorScope() { block_.in_emulator = false; }

 private:
  Block& block_;
};

// scheduler.cpp
void prepare_block(Block& block, Grid& grid);
void run_block(Block& block, uint64_t index);
void make_ready(Block& block, Fiber& fiber);
// Runs other threads until the current one, which is not ready, has been made ready again.
void wait_current(Block& block);
// Ends the block on behalf of the current thread.  `pc` as in Failure.
[[noreturn]] void fail_block(Block& block, const char* format, ...)
    __attribute__((format(printf, 2, 3)));
[[noreturn]] void vfail_block(Block& block, const char* format, va_list args);

// barrier.cpp
// Called when a thread returns: others may have waited for it alone.
void on_thread_return(Block& block, Fiber& fiber);

// warp.cpp
// Completes the collectives that waited for the thread alone.
void complete_without(Block& block, const Fiber& returned);
const char* name_of(WarpOp op);

// shared_memory.cpp
// The static __shared__ variables of a kernel, and its readable name.
std::vector<SharedVariable> shared_variables(const void* kernel);
std::string kernel_name(const void* kernel);
void map_shared_memory(Block& block);
// Fills all shared memory with junk, so that nothing survives from the block before.
void scramble_shared_memory(Block& block);

}  // namespace simt
