// SPDX-License-Identifier: Apache-2.0
//
// Loads and stores with cache hints, and fences.  The hints do nothing here.
#pragma once

#include <cstddef>
#include <cstdint>
#include <type_traits>

#include "simt/keywords.h"

#define SIMT_LOAD(name)                                                \
  template <class T>                                                   \
  inline T name(const T* from) {                                       \
    static_assert(std::is_trivially_copyable_v<T> && sizeof(T) <= 16); \
    return *from;                                                      \
  }
SIMT_LOAD(__ldg)
SIMT_LOAD(__ldca)
SIMT_LOAD(__ldcg)
SIMT_LOAD(__ldcs)
SIMT_LOAD(__ldlu)
SIMT_LOAD(__ldcv)
#undef SIMT_LOAD

#define SIMT_STORE(name)                                               \
  template <class T>                                                   \
  inline void name(T* to, std::type_identity_t<T> value) {             \
    static_assert(std::is_trivially_copyable_v<T> && sizeof(T) <= 16); \
    *to = value;                                                       \
  }
SIMT_STORE(__stwb)
SIMT_STORE(__stcg)
SIMT_STORE(__stcs)
SIMT_STORE(__stwt)
#undef SIMT_STORE

namespace simt {

// Tells the checker that the calling thread's earlier writes may be published by an atomic.
void on_fence();

}  // namespace simt

// The compiler must not move memory accesses across either.  Every worker is an OS thread of the
// host, so the fence between blocks is a real one.
inline void __threadfence_block() { __atomic_signal_fence(__ATOMIC_SEQ_CST); }
inline void __threadfence() {
#if SIMT_CHECKED
  __atomic_signal_fence(__ATOMIC_SEQ_CST);  // a checked build runs on one OS thread
  simt::on_fence();
#else
  __atomic_thread_fence(__ATOMIC_SEQ_CST);
#endif
}
inline void __threadfence_system() { __threadfence(); }

inline size_t __cvta_generic_to_shared(const void* p) { return reinterpret_cast<size_t>(p); }
