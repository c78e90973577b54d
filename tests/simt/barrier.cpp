// SPDX-License-Identifier: Apache-2.0
//
// __syncthreads and its kin.
#include <cstring>

#include "simt/block.h"
#include "simt/options.h"

namespace simt {
namespace {

bool same_place(const std::source_location& a, const std::source_location& b) {
  return a.line() == b.line() && a.column() == b.column() &&
         (a.file_name() == b.file_name() || std::strcmp(a.file_name(), b.file_name()) == 0);
}

// All live threads have arrived.
void release_barrier(Block& block) {
  const Fiber* first = nullptr;
  int count = 0;
  for (int i = 0; i < block.size; ++i) {
    const Fiber& f = block.fibers[size_t(i)];
    if (f.state != State::kAtBarrier) continue;
    if (!first) first = &f;
    if (f.barrier_op != first->barrier_op || !same_place(f.at, first->at)) {
      fail_block(block,
                 "barrier divergence: thread (%u,%u,%u) is at %s:%u:%u while thread "
                 "(%u,%u,%u) is at %s:%u:%u",
                 first->index.x, first->index.y, first->index.z, first->at.file_name(),
                 unsigned(first->at.line()), unsigned(first->at.column()), f.index.x, f.index.y,
                 f.index.z, f.at.file_name(), unsigned(f.at.line()), unsigned(f.at.column()));
    }
    count += f.predicate != 0;
  }
  const int arrived = block.at_barrier;
  block.at_barrier = 0;
  ++block.epoch;
  ++block.progress;
  for (int i = 0; i < block.size; ++i) {
    Fiber& f = block.fibers[size_t(i)];
    if (f.state != State::kAtBarrier) continue;
    switch (f.barrier_op) {
      case BlockOp::kSync:
        break;
      case BlockOp::kCount:
        f.barrier_result = count;
        break;
      case BlockOp::kAnd:
        f.barrier_result = count == arrived;
        break;
      case BlockOp::kOr:
        f.barrier_result = count > 0;
        break;
    }
    make_ready(block, f);
  }
}

}  // namespace

int block_barrier(BlockOp op, int predicate, const std::source_location& at) {
  Block* block = running_block();
  if (!block) fail("__syncthreads outside a kernel");
  const EmulatorScope scope(*block);
  if (block->live != block->size && !options().allow_early_exit) {
    fail_block(*block, "__syncthreads at %s:%u after another thread of the block has returned",
               at.file_name(), unsigned(at.line()));
  }
  Fiber& f = *block->current;
  f.state = State::kAtBarrier;
  f.barrier_op = op;
  f.predicate = predicate;
  f.at = at;
  if (++block->at_barrier == block->live) release_barrier(*block);
  wait_current(*block);
  return f.barrier_result;
}

void on_thread_return(Block& block, Fiber& fiber) {
  block.alive[fiber.warp] &= ~(1u << fiber.lane);
  if (block.at_barrier) {
    if (!options().allow_early_exit) {
      fail_block(block, "returned while %d threads wait in __syncthreads", block.at_barrier);
    }
    if (block.at_barrier == block.live) release_barrier(block);
  }
  complete_without(block, fiber);
}

}  // namespace simt
