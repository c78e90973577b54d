// SPDX-License-Identifier: Apache-2.0
//
// Stacks and the switch between them.
#pragma once

#include <cstddef>

namespace simt {

// A stack and the place where its execution stopped.
struct Context {
  void* stack_pointer = nullptr;
  char* stack_low = nullptr;
  char* stack_high = nullptr;
  void* fake_stack = nullptr;  // ASan's own
};

// Makes the next switch to `context` call `entry` on its empty stack.  `entry` begins with
// on_fiber_entry() and never returns.
void prepare_context(Context& context, void (*entry)());

// Saves the running execution in `from` and continues `to`.  Returns when something switches back
// to `from`; with `abandon` nothing ever does.
void switch_context(Context& from, Context& to, bool abandon);

// First call of an entry function.  Learns the bounds of `worker`, the stack of the OS thread, for
// ASan.
void on_fiber_entry(Context& worker);

// The stacks of one OS thread, one mapping, with a guard page below each.
class StackPool {
 public:
  StackPool() = default;
  StackPool(const StackPool&) = delete;
  StackPool& operator=(const StackPool&) = delete;
  ~StackPool();

  // Ensures `count` stacks of at least `bytes`.  True when the stacks moved.  Throws Error.
  bool reserve(size_t count, size_t bytes);

  // Fills in the stack bounds of number `i`.
  void assign(size_t i, Context& context) const;

  bool contains(const void* p) const {
    return static_cast<const char*>(p) >= base_ && static_cast<const char*>(p) < base_ + length_;
  }

 private:
  void release();

  char* base_ = nullptr;
  size_t length_ = 0;
  size_t count_ = 0;
  size_t bytes_ = 0;
};

}  // namespace simt
