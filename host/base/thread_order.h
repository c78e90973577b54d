// SPDX-License-Identifier: Apache-2.0
// What oneTBB promises of the order of its tasks, told to ThreadSanitizer, which cannot see into
// the distribution's library. Nothing in other builds.
#pragma once
#if defined(__SANITIZE_THREAD__)
#include <sanitizer/tsan_interface.h>
#endif

namespace gramzip {
// What came before tell_order(p) happens before what follows see_order(p).
inline void tell_order([[maybe_unused]] void* place) {
#if defined(__SANITIZE_THREAD__)
  __tsan_release(place);
#endif
}
inline void see_order([[maybe_unused]] void* place) {
#if defined(__SANITIZE_THREAD__)
  __tsan_acquire(place);
#endif
}
// One of the turns at a place, which follow each other.
class Turn {
 public:
  explicit Turn(void* place) : place_(place) { see_order(place); }
  Turn(const Turn&) = delete;
  Turn& operator=(const Turn&) = delete;
  ~Turn() { tell_order(place_); }

 private:
  void* place_;
};
}  // namespace gramzip
