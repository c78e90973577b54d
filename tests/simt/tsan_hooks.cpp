// SPDX-License-Identifier: Apache-2.0
//
// The functions that code compiled with -fsanitize=thread calls, in place of libtsan.
#include <cstdint>

#include "simt/checker.h"

using simt::Access;
using simt::checker_access;

#define PC reinterpret_cast<uintptr_t>(__builtin_return_address(0))
#define ADDRESS(p) reinterpret_cast<uintptr_t>(p)

extern "C" {

void __tsan_init() { simt::checker_activate(); }
void __tsan_func_entry(void*) {}
void __tsan_func_exit() {}

// A volatile access counts as atomic: kernels use it to poll what an atomic publishes.
#define PLAIN(size)                                                                          \
  void __tsan_read##size(void* p) { checker_access(ADDRESS(p), size, Access::kRead, PC); }   \
  void __tsan_write##size(void* p) { checker_access(ADDRESS(p), size, Access::kWrite, PC); } \
  void __tsan_unaligned_read##size(void* p) {                                                \
    checker_access(ADDRESS(p), size, Access::kRead, PC);                                     \
  }                                                                                          \
  void __tsan_unaligned_write##size(void* p) {                                               \
    checker_access(ADDRESS(p), size, Access::kWrite, PC);                                    \
  }                                                                                          \
  void __tsan_volatile_read##size(void* p) {                                                 \
    checker_access(ADDRESS(p), size, Access::kAtomicRead, PC);                               \
  }                                                                                          \
  void __tsan_volatile_write##size(void* p) {                                                \
    checker_access(ADDRESS(p), size, Access::kAtomicWrite, PC);                              \
  }                                                                                          \
  void __tsan_unaligned_volatile_read##size(void* p) {                                       \
    checker_access(ADDRESS(p), size, Access::kAtomicRead, PC);                               \
  }                                                                                          \
  void __tsan_unaligned_volatile_write##size(void* p) {                                      \
    checker_access(ADDRESS(p), size, Access::kAtomicWrite, PC);                              \
  }
PLAIN(1)
PLAIN(2)
PLAIN(4)
PLAIN(8)
PLAIN(16)

void __tsan_read_range(void* p, unsigned long n) {
  checker_access(ADDRESS(p), n, Access::kRead, PC);
}
void __tsan_write_range(void* p, unsigned long n) {
  checker_access(ADDRESS(p), n, Access::kWrite, PC);
}
void __tsan_vptr_update(void**, void*) {}
void __tsan_vptr_read(void**) {}

#define RMW(bits, T, name)                                           \
  T __tsan_atomic##bits##_##name(volatile T* p, T value, int) {      \
    checker_access(ADDRESS(p), bits / 8, Access::kAtomicUpdate, PC); \
    return __atomic_##name(p, value, __ATOMIC_SEQ_CST);              \
  }
#define COMPARE(bits, T, strength)                                                                \
  int __tsan_atomic##bits##_compare_exchange_##strength(volatile T* p, T* expected, T value, int, \
                                                        int) {                                    \
    checker_access(ADDRESS(p), bits / 8, Access::kAtomicUpdate, PC);                              \
    return __atomic_compare_exchange_n(p, expected, value, false, __ATOMIC_SEQ_CST,               \
                                       __ATOMIC_SEQ_CST);                                         \
  }
#define ATOMIC(bits, T)                                              \
  T __tsan_atomic##bits##_load(const volatile T* p, int) {           \
    checker_access(ADDRESS(p), bits / 8, Access::kAtomicRead, PC);   \
    return __atomic_load_n(p, __ATOMIC_SEQ_CST);                     \
  }                                                                  \
  void __tsan_atomic##bits##_store(volatile T* p, T value, int) {    \
    checker_access(ADDRESS(p), bits / 8, Access::kAtomicWrite, PC);  \
    __atomic_store_n(p, value, __ATOMIC_SEQ_CST);                    \
  }                                                                  \
  T __tsan_atomic##bits##_exchange(volatile T* p, T value, int) {    \
    checker_access(ADDRESS(p), bits / 8, Access::kAtomicUpdate, PC); \
    return __atomic_exchange_n(p, value, __ATOMIC_SEQ_CST);          \
  }                                                                  \
  RMW(bits, T, fetch_add)                                            \
  RMW(bits, T, fetch_sub)                                            \
  RMW(bits, T, fetch_and)                                            \
  RMW(bits, T, fetch_or)                                             \
  RMW(bits, T, fetch_xor)                                            \
  COMPARE(bits, T, strong)                                           \
  COMPARE(bits, T, weak)
ATOMIC(8, uint8_t)
ATOMIC(16, uint16_t)
ATOMIC(32, uint32_t)
ATOMIC(64, uint64_t)

void __tsan_atomic_thread_fence(int) {}
void __tsan_atomic_signal_fence(int) {}

}  // extern "C"
