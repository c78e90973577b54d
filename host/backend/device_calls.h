// SPDX-License-Identifier: Apache-2.0
// The device API's work (include/gramzip/device.h), without CUDA's headers. A plan is made on the
// host; its calls enqueue kernels and fills alone: they allocate nothing, synchronise nothing, copy
// nothing to or from the host. All throw Error.
#pragma once
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "host/backend/backend.h"

struct CUstream_st;
namespace gramzip::device {
using Stream = CUstream_st*;  // cudaStream_t

inline constexpr size_t kTempAlign = 256, kArchiveAlign = 128, kArrayAlign = 16;

// The caller's, in stream order; without functions CUDA's own.
struct Allocator {
  void* (*allocate)(void* context, size_t bytes, Stream stream) = nullptr;
  void (*release)(void* context, void* p, size_t bytes, Stream stream) = nullptr;
  void* context = nullptr;
};

struct ItemInfo {
  uint64_t output_bytes;  // decoding: of content; encoding: the room that an archive needs
  uint64_t first_block, blocks;
};
class Plan {
 public:
  virtual ~Plan() = default;
  // Gives the device memory back, once.
  virtual void release(Stream stream) = 0;
  size_t temp_bytes() const { return temp_bytes_; }
  std::span<const ItemInfo> items() const { return items_; }
  uint64_t blocks() const { return blocks_; }

 protected:
  std::vector<ItemInfo> items_;
  uint64_t blocks_ = 0;
  size_t temp_bytes_ = 0;
};
// What a call works in: device memory.
struct Temp {
  void* p;
  size_t bytes;
};

// ---- Decoding ----
struct PlannedSegment {
  SegmentView view;  // without data
  size_t archive;
  uint64_t data_at;     // where its data begins in the archive
  uint64_t content_at;  // in the archive's content
  bool of_base;  // its codec is one of deltas: its blocks need those in their place in the base
};
struct PlannedItem {
  size_t archive;
  uint64_t begin, size;  // within its content
};
// Codecs whose blocks need neither each other nor models.
bool decodes(Codec codec);

class DecodePlan : public Plan {
 public:
  // Statuses are u32 of device memory. bases: one an archive; null, or null for those without one.
  virtual void decode(const void* const* archives, const void* const* bases, void* const* outputs,
                      Temp temp, uint32_t* statuses, uint32_t* bad, Stream stream) const = 0;
};
// What a segment of a delta refers to must begin at a multiple of this in its base.
inline constexpr uint64_t kBaseAlign = 16;
// segments: those that hold content of items, in order of archive and content.
std::unique_ptr<DecodePlan> plan_decode(size_t archives, std::span<const PlannedSegment> segments,
                                        std::span<const PlannedItem> items,
                                        const Allocator& allocator, Stream stream);

// ---- Encoding: plain segments (host/backend/plain_segment.h), each an archive ----
// What of an archive of one segment is the same for all of them.
struct ArchiveHead {
  std::vector<uint8_t> bytes;    // header and members section
  uint64_t members_header_hash;  // of the members section's header
  std::vector<uint8_t> empty;    // the archive of an empty array
};
struct PlannedArray {
  uint64_t size;
  ElementType type;
};
class EncodePlan : public Plan {
 public:
  // sizes: u64 of device memory, one an array.
  virtual void encode(const void* const* inputs, void* const* outputs, Temp temp, uint64_t* sizes,
                      Stream stream) const = 0;
};
// bounds: the most bytes of each array's archives.
std::unique_ptr<EncodePlan> plan_encode(std::span<const PlannedArray> arrays,
                                        std::span<const uint64_t> bounds, uint32_t segment_bytes,
                                        const ArchiveHead& head, const Allocator& allocator,
                                        Stream stream);
}  // namespace gramzip::device
