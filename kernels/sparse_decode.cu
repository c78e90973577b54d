// SPDX-License-Identifier: Apache-2.0
// Decodes blocks of codec sparse_delta, a CTA a block (docs/format.md, 14.2).
//
//   count:    elements of the base by group, a strip of the block a warp
//   lanes:    warp 0, a lane of the block a lane of the warp: the difference of each change goes to
//             its place in `differences`, and a bit of its place to shared memory
//   apply:    the strips once more: each element knows its place, and so whether it changes
//
//   shared:   a bit a place, 32 KiB | group of each exponent, 2 KiB | counts
//
// Places are different, whatever the lanes hold, so no order of threads matters. Reads the base
// twice and writes the content once: 3 bytes moved a byte, and little more for the changes.
#include "gramzip/core/huffman.h"
#include "kernels/common/base_block.h"
#include "kernels/common/block_lanes.h"
#include "kernels/common/block_order.h"

namespace gramzip::kernels {
namespace {
struct SparseShared {
  BlockOrder order;
  BlockStatus status;
  uint32_t changed[kMaxBlockBytes / 32];
};

// Codes with raw bits from a block's bit string, which begins at a word; behind it are zeros.
class SparseReader {
 public:
  __device__ SparseReader(const uint8_t* block, uint32_t coded_bytes, uint32_t at)
      : words_(reinterpret_cast<const uint32_t*>(block)), count_((coded_bytes + 3) / 4), at_(at) {}
  __device__ uint32_t at() const { return at_; }
  __device__ uint64_t take(const uint16_t* table) {
    const uint32_t e = table[peek() & (kTableEntries - 1)];
    const uint32_t symbol = huffman::entry_symbol(e), raw_bits = delta::raw_bits(symbol);
    at_ += huffman::entry_length(e);
    uint64_t raw = raw_bits > 0 ? peek() : 0;
    if (raw_bits > 32) {
      at_ += 32;
      raw |= uint64_t{peek()} << 32;
      at_ -= 32;
    }
    at_ += raw_bits;
    return delta::bucket_base(symbol) + (raw & ((uint64_t{1} << raw_bits) - 1));
  }

 private:
  __device__ uint32_t word(uint32_t i) const { return i < count_ ? words_[i] : 0; }
  __device__ uint32_t peek() const {
    return __funnelshift_r(word(at_ / 32), word(at_ / 32 + 1), at_ % 32);
  }
  const uint32_t* words_;
  uint32_t count_;
  uint32_t at_;  // bits
};

// A lane's bits in the string; `begin` is `end` for lanes that the block has not.
struct SparseLane {
  uint32_t begin, end, lane_log2;
};
// False, for the whole warp, if head and extras do not fit a block of coded_bytes, which is less
// than kMaxBlockBytes.
__device__ bool read_sparse_lane(const uint8_t* block, uint32_t coded_bytes, uint32_t lane,
                                 SparseLane& l) {
  if (coded_bytes < 4) return false;
  const delta::SparseHead head = delta::unpack_sparse_head(load_le<uint32_t>(block));
  if (head.lane_log2 > delta::kMaxLaneLog2 || head.extra_bits > delta::kMaxSparseExtra)
    return false;
  const uint32_t begin = delta::sparse_head_bits(head);
  if (begin > coded_bytes * 8) return false;
  const bool mine = lane < 1u << head.lane_log2;
  const uint32_t extra =
      mine ? static_cast<uint32_t>(load_bits(block, 32 + lane * head.extra_bits, head.extra_bits))
           : 0;
  const uint32_t bits = mine ? head.least_bits + extra : 0;
  uint32_t upto = bits;  // below 2^30: all lanes together have that room
  for (uint32_t d = 1; d < kWarp; d *= 2) {
    const uint32_t other = __shfl_up_sync(kAllLanes, upto, d);
    if (lane >= d) upto += other;
  }
  l = {begin + upto - bits, begin + upto, head.lane_log2};
  const uint32_t end = begin + __shfl_sync(kAllLanes, upto, kWarp - 1);
  return extras_fit(head.extra_bits, __reduce_min_sync(kAllLanes, mine ? extra : UINT32_MAX),
                    __reduce_max_sync(kAllLanes, extra)) &&
         (end + 7) / 8 == coded_bytes && part_ends_in_zeros(block, 0, end, coded_bytes, lane);
}

// The changes of a lane, whose places are `place` to `places_end` - 1. False if they do not fit.
template <class Word>
__device__ bool decode_lane(SparseReader in, uint32_t end, uint32_t place, uint32_t places_end,
                            const uint16_t* entries, uint64_t mask, SparseShared& s,
                            Word* differences) {
  uint32_t group = 0;
  const auto enter = [&] {
    while (place >= s.order.begin[group + 1]) ++group;
  };
  while (in.at() < end) {
    if (place >= places_end) return false;
    enter();
    const uint64_t gap = in.take(entries + delta::gap_table(group) * kTableEntries);
    if (gap >= places_end - place) return false;
    place += static_cast<uint32_t>(gap);
    enter();
    const uint64_t change = in.take(entries + delta::change_table(group) * kTableEntries);
    if (change == mask) return false;
    differences[place] = static_cast<Word>(change + 1);
    atomicOr(&s.changed[place / 32], 1u << (place % 32));
    ++place;
  }
  return in.at() == end;
}

// By warp 0, behind the count: where groups and strips begin, then the lanes.
template <class Word>
__device__ BlockStatus decode_changes(const BaseBlock& b, const uint16_t* entries, uint64_t mask,
                                      uint32_t lane, SparseShared& s, Word* differences) {
  place_strips(s.order, lane);
  __syncwarp();
  SparseLane l;
  if (!read_sparse_lane(b.coded, b.state->coded_bytes, lane, l)) return BlockStatus::bad_block;
  bool good = true;
  if (lane < 1u << l.lane_log2) {
    const uint64_t weight = delta::total_weight(s.order.groups, s.order.begin);
    good = decode_lane(
        SparseReader(b.coded, b.state->coded_bytes, l.begin), l.end,
        delta::piece_begin(s.order.groups, s.order.begin, weight, lane, l.lane_log2),
        delta::piece_begin(s.order.groups, s.order.begin, weight, lane + 1, l.lane_log2), entries,
        mask, s, differences);
  }
  return __all_sync(kAllLanes, good) ? BlockStatus::ok : BlockStatus::bad_stream;
}

// A coded block, by the CTA.
template <class Word>
__device__ BlockStatus decode_coded(const BaseBlock& b, const uint16_t* words,
                                    const uint16_t* entries, SparseShared& s, Word* differences) {
  const SegmentHeader& h = b.header();
  const uint32_t warp = threadIdx.x / kWarp, lane = threadIdx.x % kWarp;
  const delta::Arithmetic a{8 * sizeof(Word), element_info(h.type).exponent_bits};
  const auto n = static_cast<uint32_t>(b.size / sizeof(Word));
  delta::Groups& groups = s.order.groups;
  if (threadIdx.x < h.tables / 2u) {
    groups.bound[threadIdx.x] = words[2 * threadIdx.x];
    groups.rate[threadIdx.x] = words[2 * threadIdx.x + 1];
  }
  if (threadIdx.x == 0) groups.count = h.tables / 2u;
  for (uint32_t i = threadIdx.x; i < (n + 31) / 32; i += blockDim.x) s.changed[i] = 0;
  __syncthreads();
  name_groups(s.order, a);
  __syncthreads();

  const GroupedElements<Word> elements{reinterpret_cast<const Word*>(b.base), s.order.group_of, a};
  const Strip strip(n, warp);
  s.order.count_strip(elements, strip, warp, lane);
  __syncthreads();
  if (warp == 0) {
    const BlockStatus status = decode_changes(b, entries, a.mask(), lane, s, differences);
    if (lane == 0) s.status = status;
  }
  __syncthreads();
  if (s.status != BlockStatus::ok) return s.status;

  Places places(s.order.next[warp][lane % delta::kMaxGroups]);
  for_rows(elements, strip.first, strip.end, lane,
           [&](uint32_t i, Word x, uint32_t group, const GroupRow& row) {
             const uint32_t place = places.take(row, group, lane);
             if (i >= strip.end) return;
             Word y = x;
             if ((s.changed[place / 32] >> (place % 32)) & 1u)
               y = static_cast<Word>(a.apply(x, differences[place]));
             reinterpret_cast<Word*>(b.out)[i] = y;
           });
  return BlockStatus::ok;
}

__global__ void __launch_bounds__(kSparseWarps* kWarp)
    sparse_kernel(BaseBatch batch, const DecodeGroup* groups) {
  __shared__ SparseShared s;
  const DecodeGroup group = groups[blockIdx.x];
  const BaseBlock b = base_block(batch, group, 0);
  BlockStatus status = BlockStatus::bad_block;
  if (!b.is_coded()) {
    status = fill_base_block(b, threadIdx.x, blockDim.x);
  } else if (b.has_room()) {
    const uint32_t table = b.segment->first_table;
    const uint16_t* words = batch.contexts + table;
    const uint16_t* entries = batch.entries + uint64_t{table} * kTableEntries;
    uint8_t* d = batch.content + batch.outputs[group.output].planes_at;
    switch (element_info(b.header().type).bytes) {
      case 1:
        status = decode_coded<uint8_t>(b, words, entries, s, d);
        break;
      case 2:
        status = decode_coded(b, words, entries, s, reinterpret_cast<uint16_t*>(d));
        break;
      case 4:
        status = decode_coded(b, words, entries, s, reinterpret_cast<uint32_t*>(d));
        break;
      default:
        status = decode_coded(b, words, entries, s, reinterpret_cast<uint64_t*>(d));
    }
  }
  if (threadIdx.x == 0) batch.outputs[group.output].status = status;
}
}  // namespace

cudaError_t sparse_decode(const BaseBatch& batch, const DecodeGroup* groups, uint32_t count,
                          cudaStream_t stream) {
  if (count == 0) return cudaSuccess;
  return launch(Launch{dim3(count), dim3(kSparseWarps * kWarp), 0, stream}, sparse_kernel, batch,
                groups);
}
}  // namespace gramzip::kernels
