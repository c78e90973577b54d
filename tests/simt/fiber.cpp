// SPDX-License-Identifier: Apache-2.0
#include "simt/fiber.h"

#include <sys/mman.h>

#include <algorithm>
#include <cstdint>
#include <cstring>

#include "simt/options.h"
#include "simt/sanitizer.h"

// Pushes the callee-saved registers, stores the stack pointer in *save, and pops those of `to`.
// ucontext would make two system calls each time; a __syncthreads() costs a switch per thread.
extern "C" void simt_switch_stack(void** save, void* to);

#if defined(__x86_64__)

asm(R"(
.text
.globl simt_switch_stack
.type simt_switch_stack,@function
simt_switch_stack:
  pushq %rbp
  pushq %rbx
  pushq %r12
  pushq %r13
  pushq %r14
  pushq %r15
  movq %rsp, (%rdi)
  movq %rsi, %rsp
  popq %r15
  popq %r14
  popq %r13
  popq %r12
  popq %rbx
  popq %rbp
  ret
.size simt_switch_stack,.-simt_switch_stack
)");

static void* initial_stack(char* top, void (*entry)()) {
  void** sp = reinterpret_cast<void**>(top);
  *--sp = nullptr;                         // return address of entry, never used
  *--sp = reinterpret_cast<void*>(entry);  // popped by ret: rsp % 16 == 8 in entry, as after a call
  for (int i = 0; i < 6; ++i) *--sp = nullptr;
  return sp;
}

#elif defined(__aarch64__)

// Written from the procedure call standard; not yet run on such a machine.
asm(R"(
.text
.globl simt_switch_stack
.type simt_switch_stack,@function
simt_switch_stack:
  sub sp, sp, #160
  stp x19, x20, [sp, #0]
  stp x21, x22, [sp, #16]
  stp x23, x24, [sp, #32]
  stp x25, x26, [sp, #48]
  stp x27, x28, [sp, #64]
  stp x29, x30, [sp, #80]
  stp d8, d9, [sp, #96]
  stp d10, d11, [sp, #112]
  stp d12, d13, [sp, #128]
  stp d14, d15, [sp, #144]
  mov x9, sp
  str x9, [x0]
  mov sp, x1
  ldp x19, x20, [sp, #0]
  ldp x21, x22, [sp, #16]
  ldp x23, x24, [sp, #32]
  ldp x25, x26, [sp, #48]
  ldp x27, x28, [sp, #64]
  ldp x29, x30, [sp, #80]
  ldp d8, d9, [sp, #96]
  ldp d10, d11, [sp, #112]
  ldp d12, d13, [sp, #128]
  ldp d14, d15, [sp, #144]
  add sp, sp, #160
  ret
.size simt_switch_stack,.-simt_switch_stack
)");

static void* initial_stack(char* top, void (*entry)()) {
  constexpr size_t kFrame = 160;
  constexpr size_t kLinkRegister = 88;  // x30: ret jumps to it
  char* sp = top - kFrame;
  std::memset(sp, 0, kFrame);
  *reinterpret_cast<void**>(sp + kLinkRegister) = reinterpret_cast<void*>(entry);
  return sp;
}

#else
#error "write simt_switch_stack for this processor"
#endif

namespace simt {
namespace {
constexpr size_t kPage = 4096;
}

void prepare_context(Context& context, void (*entry)()) {
  SIMT_ASAN_UNPOISON(context.stack_low, size_t(context.stack_high - context.stack_low));
  context.stack_pointer = initial_stack(context.stack_high, entry);
  context.fake_stack = nullptr;
}

void switch_context(Context& from, Context& to, [[maybe_unused]] bool abandon) {
#if SIMT_ASAN
  __sanitizer_start_switch_fiber(abandon ? nullptr : &from.fake_stack, to.stack_low,
                                 size_t(to.stack_high - to.stack_low));
#endif
  simt_switch_stack(&from.stack_pointer, to.stack_pointer);
#if SIMT_ASAN
  __sanitizer_finish_switch_fiber(from.fake_stack, nullptr, nullptr);
#endif
}

void on_fiber_entry([[maybe_unused]] Context& worker) {
#if SIMT_ASAN
  const void* low = nullptr;
  size_t size = 0;
  __sanitizer_finish_switch_fiber(nullptr, &low, &size);
  // The first fiber of an OS thread is entered from that thread's own stack.
  if (!worker.stack_low) {
    worker.stack_low = static_cast<char*>(const_cast<void*>(low));
    worker.stack_high = worker.stack_low + size;
  }
#endif
}

StackPool::~StackPool() { release(); }

void StackPool::release() {
  if (base_) munmap(base_, length_);
  base_ = nullptr;
  length_ = count_ = 0;
}

bool StackPool::reserve(size_t count, size_t bytes) {
  bytes = (bytes + kPage - 1) / kPage * kPage;
  if (count <= count_ && bytes == bytes_) return false;
  count = std::max(count, count_);
  release();
  const size_t slot = bytes + kPage;
  void* p = mmap(nullptr, count * slot, PROT_READ | PROT_WRITE,
                 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (p == MAP_FAILED) throw Error("no memory for the stacks of the emulated threads");
  base_ = static_cast<char*>(p);
  length_ = count * slot;
  count_ = count;
  bytes_ = bytes;
  for (size_t i = 0; i < count; ++i) mprotect(base_ + i * slot, kPage, PROT_NONE);
  return true;
}

void StackPool::assign(size_t i, Context& context) const {
  const size_t slot = bytes_ + kPage;
  context.stack_low = base_ + i * slot + kPage;
  // Staggered tops: with equal low address bits the frames of a warp would share cache sets.
  context.stack_high = base_ + (i + 1) * slot - (i % 32) * 192;
}

}  // namespace simt
