// SPDX-License-Identifier: Apache-2.0
// Stands in for the device API's work in a build without CUDA.
#include "host/backend/device_calls.h"
#include "host/backend/device_primitives.h"
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

void histogram(void*, size_t&, const void*, uint64_t, uint32_t, uint64_t*, Stream) {
  fail(ErrorCode::device, kWhy);
}
void ngram_count(void*, size_t&, const void*, uint64_t, uint32_t, uint32_t, void*, void*, Stream) {
  fail(ErrorCode::device, kWhy);
}
size_t huffman_bound(size_t) { fail(ErrorCode::device, kWhy); }
void huffman_encode(void*, size_t&, const void*, size_t, void*, uint64_t*, Stream) {
  fail(ErrorCode::device, kWhy);
}
void huffman_decode(void*, size_t&, const void*, size_t, void*, size_t, uint32_t*, uint32_t*,
                    Stream) {
  fail(ErrorCode::device, kWhy);
}
void quantize(void*, size_t&, ElementType, void*, uint64_t, const float*, uint32_t, uint16_t*,
              Stream) {
  fail(ErrorCode::device, kWhy);
}
void prune_below(void*, size_t&, ElementType, void*, uint64_t, uint64_t, uint64_t*, Stream) {
  fail(ErrorCode::device, kWhy);
}
void prune_two_of_four(void*, size_t&, ElementType, void*, uint64_t, uint64_t, Stream) {
  fail(ErrorCode::device, kWhy);
}
}  // namespace gramzip::device
