// SPDX-License-Identifier: Apache-2.0
//
// Atomic read-modify-write, relaxed as on the GPU.  CUDA's overloads and no others: note that
// uint64_t is unsigned long on Linux, which CUDA's atomics do not take.
#pragma once

#include "simt/keywords.h"

namespace simt {

// Reports an atomic access to the checker.  `pc` is the place in the kernel.
void on_atomic(const volatile void* p, size_t size, void* pc);

// Replaces *p by f(*p).  Returns the old value.
template <class T, class F>
SIMT_UNCHECKED inline T atomic_update(T* p, F f) {
  T old;
  __atomic_load(p, &old, __ATOMIC_RELAXED);
  for (;;) {
    T next = f(old);
    if (__atomic_compare_exchange(p, &old, &next, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED)) {
      return old;
    }
  }
}

}  // namespace simt

#if SIMT_CHECKED
// Not inlined, so that the return address lies in the kernel.
#define SIMT_ATOMIC __attribute__((noinline)) SIMT_UNCHECKED inline
#define SIMT_ON_ATOMIC(p) ::simt::on_atomic(p, sizeof(*(p)), __builtin_return_address(0))
#else
#define SIMT_ATOMIC inline
#define SIMT_ON_ATOMIC(p) static_cast<void>(0)
#endif

#define SIMT_FETCH(name, T, builtin)            \
  SIMT_ATOMIC T name(T* p, T value) {           \
    SIMT_ON_ATOMIC(p);                          \
    return builtin(p, value, __ATOMIC_RELAXED); \
  }
#define SIMT_UPDATE(name, T, expression)                                         \
  SIMT_ATOMIC T name(T* p, T value) {                                            \
    SIMT_ON_ATOMIC(p);                                                           \
    return simt::atomic_update(p, [value](T old) -> T { return (expression); }); \
  }
#define SIMT_EXCHANGE(T)                                  \
  SIMT_ATOMIC T atomicExch(T* p, T value) {               \
    SIMT_ON_ATOMIC(p);                                    \
    T old;                                                \
    __atomic_exchange(p, &value, &old, __ATOMIC_RELAXED); \
    return old;                                           \
  }
#define SIMT_COMPARE(T)                                                                          \
  SIMT_ATOMIC T atomicCAS(T* p, T expected, T value) {                                           \
    SIMT_ON_ATOMIC(p);                                                                           \
    __atomic_compare_exchange_n(p, &expected, value, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED); \
    return expected;                                                                             \
  }

SIMT_FETCH(atomicAdd, int, __atomic_fetch_add)
SIMT_FETCH(atomicAdd, unsigned, __atomic_fetch_add)
SIMT_FETCH(atomicAdd, unsigned long long, __atomic_fetch_add)
SIMT_UPDATE(atomicAdd, float, old + value)
SIMT_UPDATE(atomicAdd, double, old + value)
SIMT_FETCH(atomicSub, int, __atomic_fetch_sub)
SIMT_FETCH(atomicSub, unsigned, __atomic_fetch_sub)

SIMT_FETCH(atomicAnd, int, __atomic_fetch_and)
SIMT_FETCH(atomicAnd, unsigned, __atomic_fetch_and)
SIMT_FETCH(atomicAnd, unsigned long long, __atomic_fetch_and)
SIMT_FETCH(atomicOr, int, __atomic_fetch_or)
SIMT_FETCH(atomicOr, unsigned, __atomic_fetch_or)
SIMT_FETCH(atomicOr, unsigned long long, __atomic_fetch_or)
SIMT_FETCH(atomicXor, int, __atomic_fetch_xor)
SIMT_FETCH(atomicXor, unsigned, __atomic_fetch_xor)
SIMT_FETCH(atomicXor, unsigned long long, __atomic_fetch_xor)

SIMT_UPDATE(atomicMin, int, value < old ? value : old)
SIMT_UPDATE(atomicMin, unsigned, value < old ? value : old)
SIMT_UPDATE(atomicMin, long long, value < old ? value : old)
SIMT_UPDATE(atomicMin, unsigned long long, value < old ? value : old)
SIMT_UPDATE(atomicMax, int, value > old ? value : old)
SIMT_UPDATE(atomicMax, unsigned, value > old ? value : old)
SIMT_UPDATE(atomicMax, long long, value > old ? value : old)
SIMT_UPDATE(atomicMax, unsigned long long, value > old ? value : old)

// Counts up to `value`, then wraps to 0; counts down from `value`, wrapping at 0.
SIMT_UPDATE(atomicInc, unsigned, old >= value ? 0u : old + 1u)
SIMT_UPDATE(atomicDec, unsigned, old == 0u || old > value ? value : old - 1u)

SIMT_EXCHANGE(int)
SIMT_EXCHANGE(unsigned)
SIMT_EXCHANGE(unsigned long long)
SIMT_EXCHANGE(float)

SIMT_COMPARE(int)
SIMT_COMPARE(unsigned)
SIMT_COMPARE(unsigned long long)
SIMT_COMPARE(unsigned short)

#undef SIMT_FETCH
#undef SIMT_UPDATE
#undef SIMT_EXCHANGE
#undef SIMT_COMPARE
#undef SIMT_ATOMIC
#undef SIMT_ON_ATOMIC
