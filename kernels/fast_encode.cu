// SPDX-License-Identifier: Apache-2.0
// Encodes blocks of fast floats, one warp a block, one lane a sub-stream (docs/format.md, 13).
//
//   measure:  content -> exceptions, words up to the last that is not zero -> size -> raw or coded
//   write:    raw plane | class ids | exceptions | words in demand order
//
// In a step each lane codes 4 consecutive elements. A lane fills one word and has the place of the
// next already, because a decoder takes it one word ahead; the lanes that have filled theirs take
// the next places of the stream: a ballot says which lanes those are, and how many lie before a
// lane. Exceptions get their places likewise, by a ballot for each of the four. Every lane writes
// bytes of its own. measure reads each byte once, write twice, the second time from a cache, and
// writes each coded byte once: 2 + 1 / ratio bytes moved a byte.
#include "kernels/fast_encode.h"

#include "kernels/common/block_write.h"
#include "kernels/common/lane_encode.h"

namespace gramzip::kernels {
namespace {
// A block as a warp sees it.
struct FastView {
  const DeviceSegment* segment;
  const uint8_t* content;
  const uint8_t* class_ids;    // of its runs
  const FastCodeTable* codes;  // of the segment
  Split split;
  BlockPlan plan;
  uint32_t index, size, tables, lane;
};
// False if the warp has no block.
__device__ bool view_block(const FastBatch& batch, FastView& v) {
  v.index = blockIdx.x * (blockDim.x / kWarp) + threadIdx.x / kWarp;
  v.lane = threadIdx.x % kWarp;
  if (v.index >= batch.count) return false;
  const DeviceBlock b = batch.blocks[v.index];
  v.segment = &batch.segments[b.segment];
  const SegmentHeader& h = v.segment->header;
  const EncodePlaces& at = batch.places[b.segment];
  v.content = batch.content + v.segment->content_at + h.block_begin(b.number);
  v.class_ids = batch.class_ids + at.runs_at + b.number * runs_of_a_block(h);
  v.codes = batch.codes + at.first_alphabet;
  v.split = h.split();
  v.size = h.block_bytes(b.number);
  v.tables = at.classes;
  v.plan = plan_block(v.size, v.split, v.tables);
  return true;
}

// f.template run<bytes, raw bits>() of the block's type.
template <class F>
__device__ void for_type(const Split& split, F& f) {
  switch (split.bytes * 64u + split.raw_bits) {
    case 1 * 64 + 3:
      return f.template run<1, 3>();
    case 1 * 64 + 4:
      return f.template run<1, 4>();
    case 2 * 64 + 8:
      return f.template run<2, 8>();
    case 2 * 64 + 11:
      return f.template run<2, 11>();
    default:
      return f.template run<4, 24>();
  }
}

// The four elements of a lane by one load.
template <uint32_t kBytes>
__device__ void load_four(const uint8_t* p, uint32_t* x) {
  if constexpr (kBytes == 4) {
    const uint4 w = *reinterpret_cast<const uint4*>(p);
    x[0] = w.x, x[1] = w.y, x[2] = w.z, x[3] = w.w;
  } else if constexpr (kBytes == 2) {
    const uint2 w = *reinterpret_cast<const uint2*>(p);
    x[0] = w.x & 0xffff, x[1] = w.x >> 16, x[2] = w.y & 0xffff, x[3] = w.y >> 16;
  } else {
    const uint32_t w = *reinterpret_cast<const uint32_t*>(p);
    for (uint32_t k = 0; k < fast::kGroup; ++k) x[k] = (w >> (8 * k)) & 0xff;
  }
}

// Goes through a block's steps, for a sink: sink.word(i, w) is word i of the block, each of them
// once; sink.exception(i, e) is exception i, packed.
template <class Sink>
struct StepWalk {
  const FastView& v;
  Sink& sink;
  uint32_t before;          // the lanes before this one
  uint32_t exceptions = 0;  // so far, of the block

  __device__ StepWalk(const FastView& view, Sink& to)
      : v(view), sink(to), before((1u << view.lane) - 1) {}

  template <uint32_t kBytes, uint32_t kRaw>
  __device__ void run() {
    constexpr Split split{kBytes, 8 * kBytes - kRaw, kRaw, true};
    constexpr uint32_t kStepsOfRun = kRunElements / fast::kStep;
    constexpr uint32_t kBits = FastCodeTable::kException - 1;
    const uint32_t n = v.plan.n;
    uint64_t bits = 0;  // of the word that is not full, `held` of them
    uint32_t held = 0, filling = v.lane, ahead = kLanes + v.lane, next = fast::kFirstWords;
    for (uint32_t step = 0; step < fast::steps_of(n); ++step) {
      const FastCodeTable& codes = v.codes[v.class_ids[step / kStepsOfRun]];
      const uint32_t at = step * fast::kStep + v.lane * fast::kGroup;
      uint32_t exponents[fast::kGroup] = {}, c[fast::kGroup];
      if (at + fast::kGroup <= n) {
        load_four<kBytes>(v.content + uint64_t{at} * kBytes, exponents);
        for (uint32_t k = 0; k < fast::kGroup; ++k) {
          exponents[k] = split.symbol(exponents[k]);
          c[k] = codes.code[exponents[k]];
        }
      } else {
        for (uint32_t k = 0; k < fast::kGroup; ++k) {
          c[k] = codes.fill;
          if (at + k >= n) continue;
          exponents[k] = split.symbol(load_element(v.content, at + k, kBytes));
          c[k] = codes.code[exponents[k]];
        }
      }
      const bool any = ((c[0] | c[1] | c[2] | c[3]) & FastCodeTable::kException) != 0;
      if (__any_sync(kAllLanes, any)) list_exceptions(at, exponents, c);

      uint32_t code = 0, length = 0;  // at most 28 bits
      for (uint32_t k = 0; k < fast::kGroup; ++k) {
        code |= (c[k] & kBits) << length;
        length += c[k] >> 8;
      }
      bits |= uint64_t{code} << held;
      held += length;
      const bool full = held >= 32;
      const uint32_t taking = __ballot_sync(kAllLanes, full);
      if (full) {
        sink.word(filling, static_cast<uint32_t>(bits));
        bits >>= 32;
        held -= 32;
        filling = ahead;
        ahead = next + static_cast<uint32_t>(__popc(taking & before));
      }
      next += static_cast<uint32_t>(__popc(taking));
    }
    sink.word(filling, static_cast<uint32_t>(bits));
    sink.word(ahead, 0);  // another lane's word may lie behind it
  }

  // All lanes together.
  __device__ void list_exceptions(uint32_t at, const uint32_t* exponents, const uint32_t* c) {
    uint32_t place = exceptions;
    for (uint32_t k = 0; k < fast::kGroup; ++k) {
      const uint32_t lanes = __ballot_sync(kAllLanes, (c[k] & FastCodeTable::kException) != 0);
      place += static_cast<uint32_t>(__popc(lanes & before));
      exceptions += static_cast<uint32_t>(__popc(lanes));
    }
    for (uint32_t k = 0; k < fast::kGroup; ++k)
      if ((c[k] & FastCodeTable::kException) != 0)
        sink.exception(place++, fast::pack_exception({at + k, exponents[k]}));
  }
};

// Of this lane.
struct WordCounter {
  uint32_t words = 0;  // up to its last that is not zero, of the block
  __device__ void word(uint32_t i, uint32_t w) {
    if (w != 0) words = max(words, i + 1);
  }
  __device__ void exception(uint32_t, uint32_t) {}
};

struct WordWriter {
  uint32_t *exceptions, *words;
  uint32_t count;  // of words
  __device__ void word(uint32_t i, uint32_t w) {
    if (i < count) words[i] = w;
  }
  __device__ void exception(uint32_t i, uint32_t e) { exceptions[i] = e; }
};

__global__ void measure_kernel(FastBatch batch, BlockState* states, FastSize* sizes) {
  FastView v;
  if (!view_block(batch, v)) return;
  BlockState& state = states[v.index];
  const BlockMode mode = state.mode;
  __syncwarp();  // all lanes have read it before lane 0 changes it
  uint32_t coded_bytes = mode == BlockMode::constant ? v.split.bytes : 4;
  if (mode == BlockMode::raw) {
    WordCounter counter;
    StepWalk walk(v, counter);
    for_type(v.split, walk);
    const FastSize size{walk.exceptions, __reduce_max_sync(kAllLanes, counter.words)};
    coded_bytes = v.plan.lanes_at + 4 + 4 * (size.exceptions + size.words);
    const bool coded = coded_bytes < v.size;
    if (!coded) coded_bytes = v.size;
    if (v.lane == 0) {
      state.mode = coded ? BlockMode::coded : BlockMode::raw;
      sizes[v.index] = size;
    }
  }
  if (v.lane == 0) state.coded_bytes = coded_bytes;
}

// The raw values of whole groups of eight elements.
struct RawWalk {
  const FastView& v;
  uint8_t* plane;

  template <uint32_t kBytes, uint32_t kRaw>
  struct Writer {
    uint8_t* plane;
    __device__ void group(uint32_t g, const uint64_t* x) {
      constexpr Split split{kBytes, 8 * kBytes - kRaw, kRaw, true};
      uint64_t raw[kLaneGroup];
      for (uint32_t k = 0; k < kLaneGroup; ++k) raw[k] = split.raw(x[k]);
      store_raw_group<kRaw>(plane + uint64_t{g} * kRaw, raw);
    }
    __device__ void element(uint32_t, uint64_t) {}
  };
  template <uint32_t kBytes, uint32_t kRaw>
  __device__ void run() {
    Writer<kBytes, kRaw> writer{plane};
    walk_groups<kBytes>(v.content, v.plan.n, v.lane, writer);
  }
};

__device__ void write_coded(const FastView& v, const FastSize& size, uint8_t* out) {
  const BlockPlan& plan = v.plan;
  RawWalk raw{v, out};
  for_type(v.split, raw);
  if (v.lane == 0) write_last_raw(v.content, v.split, plan, out);
  fill_zero(out, plan.raw_bytes, plan.ids_at, v.lane);
  write_class_ids(plan, v.tables, out, v.lane, [&](uint32_t r) { return v.class_ids[r]; });
  auto* to = reinterpret_cast<uint32_t*>(out + plan.lanes_at);
  if (v.lane == 0) *to = size.exceptions;
  WordWriter writer{to + 1, to + 1 + size.exceptions, size.words};
  StepWalk walk(v, writer);
  for_type(v.split, walk);
}

__global__ void write_kernel(FastBatch batch, const BlockState* states, const FastSize* sizes,
                             uint8_t* data) {
  FastView v;
  if (!view_block(batch, v)) return;
  const BlockState& state = states[v.index];
  uint8_t* out = data + v.segment->data_at + state.data_at;
  if (state.mode == BlockMode::coded)
    write_coded(v, sizes[v.index], out);
  else
    write_uncoded(state, v.content, out, v.lane);
  fill_zero(out, state.coded_bytes, static_cast<uint32_t>(round_up(state.coded_bytes, kBlockAlign)),
            v.lane);
}
}  // namespace

cudaError_t fast_measure(const FastBatch& batch, BlockState* states, FastSize* sizes,
                         const EncodeTuning& tuning, cudaStream_t stream) {
  if (batch.count == 0) return cudaSuccess;
  return launch(a_warp_a_block(batch.count, tuning.warps, stream), measure_kernel, batch, states,
                sizes);
}

cudaError_t fast_write(const FastBatch& batch, const BlockState* states, const FastSize* sizes,
                       uint8_t* data, const EncodeTuning& tuning, cudaStream_t stream) {
  if (batch.count == 0) return cudaSuccess;
  return launch(a_warp_a_block(batch.count, tuning.warps, stream), write_kernel, batch, states,
                sizes, data);
}
}  // namespace gramzip::kernels
