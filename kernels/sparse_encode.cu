// SPDX-License-Identifier: Apache-2.0
// Encodes blocks of codec sparse_delta (docs/format.md, 14.2).
//
//   count:    a CTA a block: elements by exponent and symbol of change -> the segment's counts
//   order:    a CTA a block, as in sparse_decode: places -> differences[place], bit `place`
//   symbols:  a warp a block, a lane of the block a lane: (gap, change)* -> counts of the tables
//   measure:  the same walk: bits of each lane -> head -> size -> raw or coded
//   write:    head | extras | lanes, one bit string: each lane ORs its words into zeros
//
// Sums and ORs of integers, so no order matters. Count and order read content and base once, order
// the base twice; the others read a bit an element and what changes.
#include "kernels/sparse_encode.h"

#include "gramzip/core/huffman.h"
#include "kernels/common/block_order.h"
#include "kernels/common/block_write.h"

namespace gramzip::kernels {
namespace {
constexpr uint32_t kThreads = kSparseWarps * kWarp;

// Calls f(Word{}) with the word of a segment's elements.
template <class F>
__device__ void with_word(const SegmentHeader& h, F f) {
  switch (element_info(h.type).bytes) {
    case 1:
      return f(uint8_t{});
    case 2:
      return f(uint16_t{});
    case 4:
      return f(uint32_t{});
    default:
      return f(uint64_t{});
  }
}

// A block of the batch.
struct SparseBlock {
  const DeviceSegment* segment;
  const SparseCoding* coding;
  uint64_t at;  // of its content
  uint32_t index, size;

  __device__ SparseBlock(const SparseBatch& batch, uint32_t i) : index(i) {
    const DeviceBlock b = batch.blocks[i];
    segment = &batch.segments[b.segment];
    coding = &batch.codings[b.segment];
    at = segment->content_at + segment->header.block_begin(b.number);
    size = segment->header.block_bytes(b.number);
  }
  template <class Word>
  __device__ delta::Arithmetic arithmetic() const {
    return {8 * sizeof(Word), element_info(segment->header.type).exponent_bits};
  }
};

__global__ void __launch_bounds__(kThreads)
    count_kernel(SparseBatch batch, const BlockState* states, uint32_t* counts) {
  __shared__ uint32_t unchanged[delta::kMaxExponents];
  if (states[blockIdx.x].mode != BlockMode::raw) return;
  const SparseBlock b(batch, blockIdx.x);
  with_word(b.segment->header, [&](auto word) {
    using Word = decltype(word);
    const delta::Arithmetic a = b.arithmetic<Word>();
    const uint32_t exponents = a.exponents(), n = b.size / sizeof(Word);
    uint32_t* const symbols = counts + b.coding->exponents_at;
    for (uint32_t i = threadIdx.x; i < exponents; i += blockDim.x) unchanged[i] = 0;
    __syncthreads();
    const Word* const x = reinterpret_cast<const Word*>(batch.base + b.at);
    const Word* const y = reinterpret_cast<const Word*>(batch.content + b.at);
    for (uint32_t i = threadIdx.x; i < n; i += blockDim.x) {
      const uint32_t exponent = a.exponent(x[i]);
      if (x[i] == y[i]) {
        atomicAdd(&unchanged[exponent], 1u);
        continue;
      }
      const uint32_t symbol = delta::bucket(a.difference(x[i], y[i]) - 1u);
      atomicAdd(&symbols[(exponent << delta::kSymbolBits) + symbol], 1u);
    }
    __syncthreads();
    for (uint32_t i = threadIdx.x; i < exponents; i += blockDim.x)
      if (unchanged[i] > 0)
        atomicAdd(&symbols[(i << delta::kSymbolBits) + kUnchangedSymbol], unchanged[i]);
  });
}

struct OrderShared {
  BlockOrder order;
  uint32_t changes;
  uint32_t changed[kMaxBlockBytes / 32];
};

template <class Word>
__device__ void order_block(const SparseBatch& batch, const SparseBlock& b, OrderShared& s) {
  const uint32_t warp = threadIdx.x / kWarp, lane = threadIdx.x % kWarp;
  const delta::Arithmetic a = b.arithmetic<Word>();
  const uint32_t n = b.size / sizeof(Word), words = (n + 31) / 32;
  if (threadIdx.x == 0) {
    s.order.groups = b.coding->groups;
    s.changes = 0;
  }
  for (uint32_t i = threadIdx.x; i < words; i += blockDim.x) s.changed[i] = 0;
  __syncthreads();
  name_groups(s.order, a);
  __syncthreads();

  const GroupedElements<Word> elements{reinterpret_cast<const Word*>(batch.base + b.at),
                                       s.order.group_of, a};
  const Word* const content = reinterpret_cast<const Word*>(batch.content + b.at);
  Word* const differences = reinterpret_cast<Word*>(batch.differences + b.at);
  const Strip strip(n, warp);
  s.order.count_strip(elements, strip, warp, lane);
  __syncthreads();
  if (warp == 0) place_strips(s.order, lane);
  __syncthreads();

  Places places(s.order.next[warp][lane % delta::kMaxGroups]);
  uint32_t changes = 0;
  for_rows(elements, strip.first, strip.end, lane,
           [&](uint32_t i, Word x, uint32_t group, const GroupRow& row) {
             const uint32_t place = places.take(row, group, lane);
             if (i >= strip.end || x == content[i]) return;
             differences[place] = a.difference(x, content[i]);
             atomicOr(&s.changed[place / 32], 1u << (place % 32));
             ++changes;
           });
  changes = __reduce_add_sync(kAllLanes, changes);
  if (lane == 0) atomicAdd(&s.changes, changes);
  __syncthreads();
  for (uint32_t i = threadIdx.x; i < words; i += blockDim.x)
    batch.changed[b.at / 32 + i] = s.changed[i];
  SparseOrder& order = batch.orders[b.index];
  if (threadIdx.x <= delta::kMaxGroups) order.begin[threadIdx.x] = s.order.begin[threadIdx.x];
  if (threadIdx.x == 0) order.lane_log2 = delta::lane_log2_of(s.changes);
}

__global__ void __launch_bounds__(kThreads)
    order_kernel(SparseBatch batch, const BlockState* states) {
  __shared__ OrderShared s;
  if (states[blockIdx.x].mode != BlockMode::raw) return;
  const SparseBlock b(batch, blockIdx.x);
  with_word(b.segment->header, [&](auto word) { order_block<decltype(word)>(batch, b, s); });
}

// Gives a lane's gaps and changes in order to a sink: sink.put(table, value) for each.
template <class Word, class Sink>
__device__ void walk_changes(const SparseBatch& batch, const SparseBlock& b, uint32_t lane,
                             Sink& sink) {
  const SparseOrder& order = batch.orders[b.index];
  const delta::Groups& groups = b.coding->groups;
  if (lane >= 1u << order.lane_log2) return;
  const uint64_t weight = delta::total_weight(groups, order.begin);
  uint32_t place = delta::piece_begin(groups, order.begin, weight, lane, order.lane_log2);
  const uint32_t end = delta::piece_begin(groups, order.begin, weight, lane + 1, order.lane_log2);
  const Word* const differences = reinterpret_cast<const Word*>(batch.differences + b.at);
  const uint32_t* const changed = batch.changed + b.at / 32;
  uint32_t group = 0;
  const auto enter = [&](uint32_t to) {
    while (to >= order.begin[group + 1]) ++group;
  };
  for (uint32_t first = place & ~31u; first < end; first += 32) {
    uint32_t bits = changed[first / 32];
    if (first < place) bits &= ~0u << (place - first);  // the lane begins in this word
    for (; bits != 0; bits &= bits - 1) {
      const uint32_t at = first + static_cast<uint32_t>(__ffs(static_cast<int>(bits))) - 1;
      if (at >= end) return;
      enter(place);
      sink.put(delta::gap_table(group), at - place);
      enter(at);
      sink.put(delta::change_table(group), static_cast<uint64_t>(differences[at]) - 1);
      place = at + 1;
    }
  }
}
template <class Sink>
__device__ void walk_lane(const SparseBatch& batch, const SparseBlock& b, uint32_t lane,
                          Sink& sink) {
  with_word(b.segment->header,
            [&](auto word) { walk_changes<decltype(word)>(batch, b, lane, sink); });
}

struct SymbolCounter {
  uint32_t* counts;
  __device__ void put(uint32_t table, uint64_t value) {
    atomicAdd(&counts[(table << delta::kSymbolBits) + delta::bucket(value)], 1u);
  }
};
struct SparseMeasure {
  const uint32_t* codes;
  uint32_t bits = 0;
  __device__ void put(uint32_t table, uint64_t value) {
    const uint32_t symbol = delta::bucket(value);
    bits += huffman::code_length(codes[(table << delta::kSymbolBits) + symbol]) +
            delta::raw_bits(symbol);
  }
};
// Part of a bit string that other lanes write too: its words must be zero before.
class SparseWriter {
 public:
  __device__ SparseWriter(const uint32_t* codes, uint8_t* block, uint32_t at)
      : codes_(codes), word_(reinterpret_cast<uint32_t*>(block) + at / 32), fill_(at % 32) {}
  __device__ void put(uint32_t table, uint64_t value) {
    constexpr uint32_t kMost = 31;  // bits at a time
    const uint32_t symbol = delta::bucket(value);
    const uint32_t code = codes_[(table << delta::kSymbolBits) + symbol];
    bits(huffman::code_bits(code), huffman::code_length(code));
    uint64_t raw = delta::raw_value(value, symbol);
    for (uint32_t left = delta::raw_bits(symbol); left > 0;) {
      const uint32_t some = min(left, kMost);
      bits(static_cast<uint32_t>(raw) & ((1u << some) - 1), some);
      raw >>= some;
      left -= some;
    }
  }
  // length: below 32; no bits of `value` above.
  __device__ void bits(uint32_t value, uint32_t length) {
    pending_ |= value << fill_;
    fill_ += length;
    if (fill_ < 32) return;
    fill_ -= 32;
    atomicOr(word_++, pending_);
    pending_ = value >> (length - fill_);  // what did not fit: fill_ < length
  }
  __device__ void finish() {
    if (pending_ != 0) atomicOr(word_, pending_);
  }

 private:
  const uint32_t* codes_;
  uint32_t* word_;
  uint32_t pending_ = 0, fill_;
};

// The block of a warp; false if it has none.
__device__ bool block_of_warp(const SparseBatch& batch, uint32_t& index) {
  index = blockIdx.x * (blockDim.x / kWarp) + threadIdx.x / kWarp;
  return index < batch.count;
}

__global__ void symbols_kernel(SparseBatch batch, const BlockState* states, uint32_t* counts) {
  uint32_t index;
  if (!block_of_warp(batch, index) || states[index].mode != BlockMode::raw) return;
  const SparseBlock b(batch, index);
  SymbolCounter counter{counts + b.coding->tables_at};
  walk_lane(batch, b, threadIdx.x % kWarp, counter);
}

// The head of a block from the bits of each lane, for the whole warp.
__device__ delta::SparseHead make_head(uint32_t lane_log2, uint32_t bits, uint32_t lane) {
  const bool mine = lane < 1u << lane_log2;
  const uint32_t least = __reduce_min_sync(kAllLanes, mine ? bits : UINT32_MAX);
  const uint32_t most = __reduce_max_sync(kAllLanes, mine ? bits : 0);
  return {least, ceil_log2(most - least + 1), lane_log2};
}

__global__ void measure_kernel(SparseBatch batch, const uint32_t* codes, BlockState* states,
                               uint32_t* lane_bits) {
  uint32_t index;
  if (!block_of_warp(batch, index)) return;
  const uint32_t lane = threadIdx.x % kWarp;
  const SparseBlock b(batch, index);
  BlockState& state = states[index];
  const BlockMode mode = state.mode;
  __syncwarp();  // all lanes have read it before lane 0 changes it
  uint32_t coded_bytes =
      mode == BlockMode::constant ? element_info(b.segment->header.type).bytes : 0;
  if (mode == BlockMode::raw) {
    SparseMeasure counter{codes + b.coding->tables_at};
    walk_lane(batch, b, lane, counter);
    lane_bits[uint64_t{index} * kLanes + lane] = counter.bits;
    const delta::SparseHead head = make_head(batch.orders[index].lane_log2, counter.bits, lane);
    const uint32_t bits =
        delta::sparse_head_bits(head) + __reduce_add_sync(kAllLanes, counter.bits);
    coded_bytes = (bits + 7) / 8;
    const bool coded = coded_bytes < b.size;
    if (!coded) coded_bytes = b.size;
    if (lane == 0) state.mode = coded ? BlockMode::coded : BlockMode::raw;
  }
  if (lane == 0) state.coded_bytes = coded_bytes;
}

__global__ void write_kernel(SparseBatch batch, const uint32_t* codes, const BlockState* states,
                             const uint32_t* lane_bits, uint8_t* data) {
  uint32_t index;
  if (!block_of_warp(batch, index)) return;
  const uint32_t lane = threadIdx.x % kWarp;
  const SparseBlock b(batch, index);
  const BlockState& state = states[index];
  uint8_t* out = data + b.segment->data_at + state.data_at;
  const auto padded = static_cast<uint32_t>(round_up(state.coded_bytes, kBlockAlign));
  if (state.mode != BlockMode::coded) {
    write_uncoded(state, batch.content + b.at, out, lane);
    fill_zero(out, state.coded_bytes, padded, lane);
    return;
  }
  for (uint32_t i = lane; i < padded / 4; i += kWarp) reinterpret_cast<uint32_t*>(out)[i] = 0;
  __syncwarp();
  const uint32_t bits = lane_bits[uint64_t{index} * kLanes + lane];
  const delta::SparseHead head = make_head(batch.orders[index].lane_log2, bits, lane);
  uint32_t upto = bits;
  for (uint32_t d = 1; d < kWarp; d *= 2) {
    const uint32_t other = __shfl_up_sync(kAllLanes, upto, d);
    if (lane >= d) upto += other;
  }
  if (lane == 0) atomicOr(reinterpret_cast<uint32_t*>(out), delta::pack_sparse_head(head));
  if (lane < 1u << head.lane_log2) {
    SparseWriter extra(codes, out, 32 + lane * head.extra_bits);
    extra.bits(bits - head.least_bits, head.extra_bits);
    extra.finish();
  }
  SparseWriter writer(codes + b.coding->tables_at, out,
                      delta::sparse_head_bits(head) + upto - bits);
  walk_lane(batch, b, lane, writer);
  writer.finish();
}
}  // namespace

cudaError_t sparse_count(const SparseBatch& batch, const BlockState* states, uint32_t* counts,
                         cudaStream_t stream) {
  if (batch.count == 0) return cudaSuccess;
  return launch(Launch{dim3(batch.count), dim3(kThreads), 0, stream}, count_kernel, batch, states,
                counts);
}

cudaError_t sparse_order(const SparseBatch& batch, const BlockState* states, cudaStream_t stream) {
  if (batch.count == 0) return cudaSuccess;
  return launch(Launch{dim3(batch.count), dim3(kThreads), 0, stream}, order_kernel, batch, states);
}

cudaError_t sparse_symbols(const SparseBatch& batch, const BlockState* states, uint32_t* counts,
                           const EncodeTuning& tuning, cudaStream_t stream) {
  if (batch.count == 0) return cudaSuccess;
  return launch(a_warp_a_block(batch.count, tuning.warps, stream), symbols_kernel, batch, states,
                counts);
}

cudaError_t sparse_measure(const SparseBatch& batch, const uint32_t* codes, BlockState* states,
                           uint32_t* lane_bits, const EncodeTuning& tuning, cudaStream_t stream) {
  if (batch.count == 0) return cudaSuccess;
  return launch(a_warp_a_block(batch.count, tuning.warps, stream), measure_kernel, batch, codes,
                states, lane_bits);
}

cudaError_t sparse_write(const SparseBatch& batch, const uint32_t* codes, const BlockState* states,
                         const uint32_t* lane_bits, uint8_t* data, const EncodeTuning& tuning,
                         cudaStream_t stream) {
  if (batch.count == 0) return cudaSuccess;
  return launch(a_warp_a_block(batch.count, tuning.warps, stream), write_kernel, batch, codes,
                states, lane_bits, data);
}
}  // namespace gramzip::kernels
