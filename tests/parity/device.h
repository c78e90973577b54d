// SPDX-License-Identifier: Apache-2.0
// The device side of the parity tests: the kernels under the emulator at several schedules, or, in
// the program of the label `gpu`, on a real device.
#pragma once
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>

#include "host/backend/backend.h"
#include "host/frame/segment_meta.h"
#if GRAMZIP_PARITY_EMULATED
#include "simt/options.h"
#endif

namespace gramzip::test {
// Null where there is no device: the test then skips, or fails under GRAMZIP_REQUIRE_GPU=1.
inline std::unique_ptr<Backend> device_backend() {
  std::string why;
  auto backend = make_cuda_backend(0, why);
  if (!backend && std::getenv("GRAMZIP_REQUIRE_GPU") != nullptr) ADD_FAILURE() << why;
  return backend;
}

// The same bytes on the wire.
inline void expect_same(const EncodedSegment& a, const EncodedSegment& b, const std::string& name) {
  ASSERT_EQ(frame::store_segment_meta(a), frame::store_segment_meta(b)) << name;
  ASSERT_TRUE(a.data == b.data) << name;
}

// Runs f once for each schedule of the emulator, with its number; on a device once. The checked
// build is ten times slower and finds races at any schedule: it runs two that do not look like lock
// step.
template <class F>
void for_schedules(int schedules, F f) {
#if GRAMZIP_PARITY_EMULATED
  const int first = GRAMZIP_PARITY_CHECKED ? 1 : 0;
  const int last = GRAMZIP_PARITY_CHECKED ? std::min(schedules, 3) : schedules;
  for (int seed = first; seed < last; ++seed) {
    simt::options().seed = static_cast<uint64_t>(seed);
    simt::options().shuffle_blocks = seed > 1;
    f(seed);
  }
  simt::options() = {};
#else
  (void)schedules;
  f(0);
#endif
}
}  // namespace gramzip::test

#define GRAMZIP_DEVICE_OR_SKIP(backend)        \
  const auto backend = test::device_backend(); \
  if (!backend) GTEST_SKIP() << "no device answers"
