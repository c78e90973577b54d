// SPDX-License-Identifier: Apache-2.0
// Finds candidates of matches by sorting.
//
//   keys     of hash k:  segment | slot | position      one a byte, in order of position
//   sorted   stably by segment and slot:  ... s5@120 s5@731 s5@902 | s6@44 ...
//   the candidates of s5@902 are the entries in front of it: 731, 120
//
// A thread an entry: it compares its position with those before it in the slot and writes what its
// position offers. One pass of sort and compare for each hash, the longest first, so that an offer
// of equal gain is replaced by none that comes later; before that, the first positions of groups
// look for matches that fill their group, whose positions then need no look of their own. Every
// entry writes offers of its own position: no order. Moves 16 bytes a byte and digit of the sort,
// and 24 of offers.
#include "kernels/text_match_find.h"

#include "kernels/common/sort_keys.h"

namespace gramzip::kernels {
namespace {
constexpr int kPositionBits = 24;  // of a key, the lowest
constexpr int kSlotBits = 23;      // above them
constexpr uint32_t kNoSlot =
    1u << (kSlotBits - 1);  // a position without a hash: nobody's candidate
static_assert(kMaxSegmentBytes <= 1u << kPositionBits);

__global__ void keys_kernel(const uint8_t* content, const DeviceSegment* segments,
                            const TextInput* inputs, uint32_t hash, uint64_t* keys) {
  const DeviceSegment& segment = segments[blockIdx.y];
  const uint32_t size = segment.header.decoded_bytes;
  const uint32_t p = blockIdx.x * blockDim.x + threadIdx.x;
  if (p >= round_up(size, 128)) return;
  const TextInput& input = inputs[blockIdx.y];
  const uint32_t bytes = input.settings.hash[hash].bytes;
  const bool used = input.settings.hash[hash].ways > 0;
  const uint8_t* at = content + segment.content_at + p;
  const uint64_t slot =
      used && p + bytes <= size ? text::match_hash(at, bytes) >> (64 - input.slot_bits) : kNoSlot;
  keys[segment.content_at + p] =
      uint64_t{blockIdx.y} << (kPositionBits + kSlotBits) | slot << kPositionBits | p;
}

// An entry of the sorted keys and what its position may look at.
struct Entry {
  const uint64_t* key;
  uint64_t value;
  uint64_t front;  // entries before it
  const DeviceSegment* segment;
  const uint8_t* at;
  uint32_t p, rest;
  text::MatchHash hash;
  uint32_t min_gain;

  // False if the position offers nothing.
  __device__ bool load(const uint8_t* content, uint64_t count, const DeviceSegment* segments,
                       const TextInput* inputs, uint32_t k, const uint64_t* sorted) {
    front = uint64_t{blockIdx.x} * blockDim.x + threadIdx.x;
    if (front >= count) return false;
    key = sorted + front;
    value = *key;
    if ((value >> kPositionBits & (2 * kNoSlot - 1)) >= kNoSlot) return false;
    const auto s = static_cast<uint32_t>(value >> (kPositionBits + kSlotBits));
    segment = segments + s;
    hash = inputs[s].settings.hash[k];
    min_gain = inputs[s].settings.min_gain;
    p = static_cast<uint32_t>(value) & ((1u << kPositionBits) - 1);
    at = content + segment->content_at + p;
    rest = lane_end(segment->header, p) - p;
    return rest >= hash.bytes;
  }
  // Calls f(offer) for each candidate that goes on for the bytes of the hash, nearest first, until
  // it returns false.
  template <class F>
  __device__ void candidates(F f) const {
    for (uint32_t w = 1; w <= hash.ways && w <= front; ++w) {
      const uint64_t other = *(key - w);
      if (other >> kPositionBits != value >> kPositionBits) return;
      const uint32_t q = static_cast<uint32_t>(other) & ((1u << kPositionBits) - 1);
      const uint32_t n = common_bytes(at - (p - q), at, rest);
      if (n >= hash.bytes && !f(text::MatchOffer{p - q, n})) return;
    }
  }
  __device__ uint64_t index() const { return segment->content_at + p; }
};

__global__ void runs_kernel(const uint8_t* content, uint64_t count, const DeviceSegment* segments,
                            const TextInput* inputs, const uint64_t* sorted, PackedOffer* runs) {
  Entry e;
  if (!e.load(content, count, segments, inputs, text::kMatchHashes - 1, sorted)) return;
  if (e.p % text::kGroup != 0) return;
  e.candidates([&](text::MatchOffer m) {
    if (text::fills_group(m.length, e.rest)) runs[e.index() / text::kGroup] = pack_offer(m);
    return false;
  });
}

__global__ void offers_kernel(const uint8_t* content, uint64_t count, const DeviceSegment* segments,
                              const TextInput* inputs, uint32_t k, const uint64_t* sorted,
                              const PackedOffer* runs, PackedOffer* best, PackedOffer* nearest) {
  Entry e;
  if (!e.load(content, count, segments, inputs, k, sorted)) return;
  if (runs[e.index() / text::kGroup] != 0) return;
  text::MatchOffer top = unpack_offer(best[e.index()]);
  uint32_t gain = top.length > 0 ? text::match_gain(top.length, top.distance) : 0;
  bool any = false, better = false;
  e.candidates([&](text::MatchOffer m) {
    const uint32_t its = text::match_gain(m.length, m.distance);
    if (its < e.min_gain) return true;
    if (!any && nearest != nullptr) nearest[e.index()] = pack_offer(m);
    any = true;
    if (its <= gain) return true;
    gain = its;
    top = m;
    better = true;
    return true;
  });
  if (better) best[e.index()] = pack_offer(top);
}

int end_bit(uint32_t segments) {
  return kPositionBits + kSlotBits + static_cast<int>(ceil_log2(segments));
}
}  // namespace

cudaError_t text_match_find_size(uint64_t bytes, uint32_t segments, size_t& sort_workspace_bytes,
                                 cudaStream_t stream) {
  return sort_keys(nullptr, sort_workspace_bytes, nullptr, nullptr, bytes, kPositionBits,
                   end_bit(segments), stream);
}

cudaError_t text_match_find(const uint8_t* content, uint64_t bytes, const DeviceSegment* segments,
                            const TextInput* inputs, uint32_t segment_count,
                            uint32_t longest_segment, const TextMatchArrays& arrays,
                            const TextMatchFindTuning& tuning, cudaStream_t stream) {
  if (bytes == 0) return cudaSuccess;
  cudaError_t status =
      cudaMemsetAsync(arrays.runs, 0, ceil_div(bytes, text::kGroup) * sizeof(PackedOffer), stream);
  for (PackedOffer* offers : arrays.offers)
    if (status == cudaSuccess)
      status = cudaMemsetAsync(offers, 0, bytes * sizeof(PackedOffer), stream);
  const uint32_t threads = tuning.threads;
  const Launch by_segment{
      dim3(static_cast<uint32_t>(ceil_div(round_up(longest_segment, 128), threads)), segment_count),
      dim3(threads), 0, stream};
  const Launch by_entry{dim3(static_cast<uint32_t>(ceil_div(bytes, threads))), dim3(threads), 0,
                        stream};
  for (uint32_t k = text::kMatchHashes; k-- > 0 && status == cudaSuccess;) {
    status = launch(by_segment, keys_kernel, content, segments, inputs, k, arrays.keys);
    if (status != cudaSuccess) return status;
    size_t workspace_bytes = arrays.sort_workspace_bytes;
    status = sort_keys(arrays.sort_workspace, workspace_bytes, arrays.keys, arrays.sorted, bytes,
                       kPositionBits, end_bit(segment_count), stream);
    if (status == cudaSuccess && k == text::kMatchHashes - 1)
      status = launch(by_entry, runs_kernel, content, bytes, segments, inputs, arrays.sorted,
                      arrays.runs);
    if (status == cudaSuccess)
      status = launch(by_entry, offers_kernel, content, bytes, segments, inputs, k, arrays.sorted,
                      arrays.runs, arrays.offers[0], k < 2 ? arrays.offers[1 + k] : nullptr);
  }
  return status;
}
}  // namespace gramzip::kernels
