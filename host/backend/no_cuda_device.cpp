// SPDX-License-Identifier: Apache-2.0
// Stands in for the device API's work in a build without CUDA.
#include "host/backend/device_calls.h"
#include "host/base/error.h"

namespace gramzip::device {
namespace {
constexpr const char* kWhy = "this gramzip was built without CUDA";
}

bool decodes(Codec) { fail(ErrorCode::device, kWhy); }

std::unique_ptr<DecodePlan> plan_decode(size_t, std::span<const PlannedSegment>,
                                        std::span<const PlannedItem>, const Allocator&, Stream) {
  fail(ErrorCode::device, kWhy);
}

std::unique_ptr<EncodePlan> plan_encode(std::span<const PlannedArray>, std::span<const uint64_t>,
                                        uint32_t, const ArchiveHead&, const Allocator&, Stream) {
  fail(ErrorCode::device, kWhy);
}
}  // namespace gramzip::device
