// SPDX-License-Identifier: Apache-2.0
// Stands in for device memory in a build without CUDA; a file of its own, so that tests may bring
// theirs.
#include "host/backend/device_memory.h"
#include "host/base/error.h"

namespace gramzip {
namespace {
constexpr const char* kWhy = "this gramzip was built without CUDA";
}

std::shared_ptr<RandomSource> device_memory_source(int, const void*, uint64_t) {
  fail(ErrorCode::device, kWhy);
}

std::shared_ptr<RandomBuffer> device_memory_buffer(int, void*, uint64_t) {
  fail(ErrorCode::device, kWhy);
}
}  // namespace gramzip
