// SPDX-License-Identifier: Apache-2.0
// Archives as the device API sees them: what there is to decode, and archives of plain segments.
#pragma once
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "host/backend/device_calls.h"
#include "host/base/io.h"

namespace gramzip {
// What decoding items of archives takes, read from their indexes and the metas of the segments that
// hold them. items: absent: one an archive, all of its content. Throws Error, also if the host has
// to decode such a segment.
std::unique_ptr<device::DecodePlan> plan_device_decode(
    std::span<const std::shared_ptr<RandomSource>> archives,
    std::optional<std::vector<device::PlannedItem>> items, const device::Allocator& allocator,
    device::Stream stream);

inline constexpr uint32_t kLeastPlainSegment = 1u << 16, kPlainSegment = 1u << 22;
// The array as archives in a row, one a plain segment (host/backend/plain_segment.h) of
// segment_bytes; one without segments if it is empty. By the CPU.
void compress_array(std::span<const uint8_t> array, ElementType type, uint32_t segment_bytes,
                    Sink& out);
// The most bytes that they take.
uint64_t compress_array_bound(uint64_t size, ElementType type, uint32_t segment_bytes);
std::unique_ptr<device::EncodePlan> plan_device_encode(std::span<const device::PlannedArray> arrays,
                                                       uint32_t segment_bytes,
                                                       const device::Allocator& allocator,
                                                       device::Stream stream);
}  // namespace gramzip
