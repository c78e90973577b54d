// SPDX-License-Identifier: Apache-2.0
// The inner loops of kernels/huffman_encode: the elements of a lane in order, and its bit string.
#pragma once
#include "gramzip/core/exact.h"
#include "gramzip/core/huffman.h"
#include "kernels/common/batch.h"
#include "kernels/common/simt.h"

namespace gramzip::kernels {
// Eight elements from an aligned address.
template <uint32_t kBytes>
__device__ void load_group(const uint8_t* p, uint64_t* x) {
  uint32_t w[2 * kBytes];
  for (uint32_t i = 0; i < kBytes; ++i) {
    const uint2 v = reinterpret_cast<const uint2*>(p)[i];
    w[2 * i] = v.x;
    w[2 * i + 1] = v.y;
  }
  for (uint32_t k = 0; k < kLaneGroup; ++k) {
    const uint32_t at = k * kBytes;
    if constexpr (kBytes == 8)
      x[k] = w[at / 4] | (uint64_t{w[at / 4 + 1]} << 32);
    else
      x[k] = (w[at / 4] >> (8 * (at % 4))) & (0xffffffffu >> (32 - 8 * kBytes));
  }
}

// The raw values of eight elements as kRaw bytes, from a multiple of kRaw of an aligned plane on.
template <uint32_t kRaw>
__device__ void store_raw_group(uint8_t* out, const uint64_t* raw) {
  uint32_t w[(kRaw + 3) / 4 + 1] = {};
  for (uint32_t k = 0; k < kLaneGroup; ++k) {
    const uint32_t at = k * kRaw, i = at / 32, shift = at % 32;
    w[i] |= static_cast<uint32_t>(raw[k]) << shift;
    // The bits above the first word. A field reaches over up to two more.
    if (shift + kRaw > 32) w[i + 1] |= static_cast<uint32_t>(raw[k] >> (32 - shift));
    if (shift + kRaw > 64) w[i + 2] |= static_cast<uint32_t>(raw[k] >> (64 - shift));
  }
  if constexpr (kRaw % 8 == 0) {
    for (uint32_t i = 0; i < kRaw / 8; ++i)
      reinterpret_cast<uint2*>(out)[i] = make_uint2(w[2 * i], w[2 * i + 1]);
  } else if constexpr (kRaw % 4 == 0) {
    for (uint32_t i = 0; i < kRaw / 4; ++i) reinterpret_cast<uint32_t*>(out)[i] = w[i];
  } else if constexpr (kRaw % 2 == 0) {
    for (uint32_t i = 0; i < kRaw / 2; ++i)
      reinterpret_cast<uint16_t*>(out)[i] = static_cast<uint16_t>(w[i / 2] >> (16 * (i % 2)));
  } else {
    for (uint32_t b = 0; b < kRaw; ++b) out[b] = static_cast<uint8_t>(w[b / 4] >> (8 * (b % 4)));
  }
}

// The symbol of an element: that of its split, or of the exact value that it is.
struct SymbolFinder {
  Split split;
  uint32_t exact_values;   // 0 unless the codec is exact_floats
  const uint64_t* values;  // ascending, kMaxExactValues of them, the last repeated

  __device__ uint32_t symbol(uint64_t x) const {
    if (exact_values > 0) {
      uint32_t d = 0;  // of the last that is not above x
#pragma unroll
      for (uint32_t step = kMaxExactValues / 2; step > 0; step /= 2)
        if (values[d + step] <= x) d += step;
      if (values[d] == x) return (1u << split.symbol_bits) + min(d, exact_values - 1);
    }
    return split.symbol(x);
  }
  // Raw bits behind the code of a symbol.
  __device__ uint32_t inline_bits(uint32_t symbol) const {
    return split.inline_raw ? exact_raw_bits(split, symbol) : 0;
  }
};
static_assert(kMaxExactValues == 16);

// Gives a lane's elements to a sink, in order. Codecs whose lanes take groups of eight in turn:
// sink.group(g, x) for each whole group, with its number, and sink.element(j, x) for those of the
// group that the block's end cuts.
template <uint32_t kBytes, class Sink>
__device__ void walk_groups(const uint8_t* content, uint32_t n, uint32_t lane, Sink& sink) {
  const uint32_t groups = n / kLaneGroup;
  uint32_t g = lane;
  for (; g < groups; g += kLanes) {
    uint64_t x[kLaneGroup];
    load_group<kBytes>(content + uint64_t{g} * kLaneGroup * kBytes, x);
    sink.group(g, x);
  }
  if (g == groups)
    for (uint32_t j = g * kLaneGroup; j < n; ++j) sink.element(j, load_element(content, j, kBytes));
}
// Codec bytes: sink.symbol(s) for each.
template <class Sink>
__device__ void walk_bytes(const uint8_t* content, uint32_t n, uint32_t lane, Sink& sink) {
  const uint8_t* p = content + uint64_t{lane} * lane_piece(n);
  const uint32_t count = lane_count(n, lane, false);
  uint32_t i = 0;
  for (; i + 16 <= count; i += 16) {
    const uint4 v = *reinterpret_cast<const uint4*>(p + i);
    const uint32_t w[4] = {v.x, v.y, v.z, v.w};
#pragma unroll
    for (uint32_t k = 0; k < 16; ++k) sink.symbol((w[k / 4] >> (8 * (k % 4))) & 0xff);
  }
  for (; i < count; ++i) sink.symbol(p[i]);
}

// A lane's bit string on its way into rows and tail.
class LaneWriter {
 public:
  __device__ LaneWriter(uint8_t* rows, LaneHead head, uint32_t lane, uint32_t tail_before)
      : row_(reinterpret_cast<uint32_t*>(rows) + lane),
        tail_(reinterpret_cast<uint32_t*>(rows) + uint64_t{head.rows} * kLanes + tail_before),
        rows_(head.rows) {}

  __device__ void put(uint32_t packed) {
    put(huffman::code_bits(packed), huffman::code_length(packed));
  }
  // length: below 32; no bits of `code` above.
  __device__ void put(uint32_t code, uint32_t length) {
    pending_ |= code << fill_;
    fill_ += length;
    if (fill_ < 32) return;
    fill_ -= 32;
    emit();
    pending_ = code >> (length - fill_);  // what did not fit: fill_ < length
  }
  __device__ void finish() {
    if (fill_ > 0) emit();
  }

 private:
  __device__ void emit() {
    *(word_ < rows_ ? row_ + uint64_t{word_} * kLanes : tail_ + (word_ - rows_)) = pending_;
    ++word_;
  }
  uint32_t* row_;
  uint32_t* tail_;
  uint32_t rows_;
  uint32_t pending_ = 0, fill_ = 0;  // bits, below 32 between calls
  uint32_t word_ = 0;
};

// The codes of a block: those of its runs' classes.
struct BlockCodes {
  const uint32_t* codes;     // of class 0; `alphabet` a class
  const uint8_t* class_ids;  // of its runs; unused by codec bytes
  uint32_t alphabet;

  __device__ const uint32_t* of_run(uint32_t run) const {
    return codes + class_ids[run] * alphabet;
  }
};

// ---- Sinks ----
struct BitCounter {
  BlockCodes codes;
  SymbolFinder find;
  uint32_t bits = 0;

  __device__ void group(uint32_t g, const uint64_t* x) {
    const uint32_t* c = codes.of_run(g / kLanes);
#pragma unroll
    for (uint32_t k = 0; k < kLaneGroup; ++k) add(c, x[k]);
  }
  __device__ void element(uint32_t j, uint64_t x) { add(codes.of_run(j / kRunElements), x); }
  __device__ void add(const uint32_t* c, uint64_t x) {
    const uint32_t s = find.symbol(x);
    bits += huffman::code_length(c[s]) + find.inline_bits(s);
  }
  __device__ void symbol(uint32_t s) { bits += huffman::code_length(codes.codes[s]); }
};
struct ByteWriter {
  const uint32_t* codes;
  LaneWriter lane;

  __device__ void symbol(uint32_t s) { lane.put(codes[s]); }
};
template <uint32_t kBytes, uint32_t kRaw>
struct GroupWriter {
  static constexpr Split kSplit{kBytes, 8 * kBytes - kRaw, kRaw, true};
  BlockCodes codes;
  uint8_t* raw_plane;
  LaneWriter lane;

  __device__ void group(uint32_t g, const uint64_t* x) {
    constexpr Split split = kSplit;
    if constexpr (kRaw > 0) {
      // A group has R bytes of raw values, so groups do not touch each other.
      uint64_t raw[kLaneGroup];
      for (uint32_t k = 0; k < kLaneGroup; ++k) raw[k] = split.raw(x[k]);
      store_raw_group<kRaw>(raw_plane + uint64_t{g} * kRaw, raw);
    }
    const uint32_t* c = codes.of_run(g / kLanes);
#pragma unroll
    for (uint32_t k = 0; k < kLaneGroup; k += 2) {  // two codes have at most 24 bits
      const uint32_t a = c[split.symbol(x[k])], b = c[split.symbol(x[k + 1])];
      const uint32_t a_bits = huffman::code_length(a);
      lane.put(huffman::code_bits(a) | (huffman::code_bits(b) << a_bits),
               a_bits + huffman::code_length(b));
    }
  }
  __device__ void element(uint32_t j, uint64_t x) {
    constexpr Split split = kSplit;
    lane.put(codes.of_run(j / kRunElements)[split.symbol(x)]);
  }
};
// The same for a split that is not known when compiling: of elements with zero bits.
struct AnyGroupWriter {
  Split split;
  BlockCodes codes;
  uint8_t* raw_plane;
  LaneWriter lane;

  __device__ void group(uint32_t g, const uint64_t* x) {
    uint8_t* out = raw_plane + uint64_t{g} * split.raw_bits;
    uint64_t pending = 0;
    uint32_t fill = 0;  // bits, below 8 between fields
    const uint32_t* c = codes.of_run(g / kLanes);
    for (uint32_t k = 0; k < kLaneGroup; ++k) {
      lane.put(c[split.symbol(x[k])]);
      pending |= split.raw(x[k]) << fill;  // 52 bits at most
      for (fill += split.raw_bits; fill >= 8; fill -= 8, pending >>= 8)
        *out++ = static_cast<uint8_t>(pending);
    }
  }
  __device__ void element(uint32_t j, uint64_t x) {
    lane.put(codes.of_run(j / kRunElements)[split.symbol(x)]);
  }
};
// Exact floats: raw bits follow their codes.
struct ExactWriter {
  BlockCodes codes;
  SymbolFinder find;
  LaneWriter lane;

  __device__ void group(uint32_t g, const uint64_t* x) {
    const uint32_t* c = codes.of_run(g / kLanes);
    for (uint32_t k = 0; k < kLaneGroup; ++k) put(c, x[k]);
  }
  __device__ void element(uint32_t j, uint64_t x) { put(codes.of_run(j / kRunElements), x); }
  __device__ void put(const uint32_t* c, uint64_t x) {
    constexpr uint32_t kPiece = 16;  // bits at once
    const uint32_t s = find.symbol(x);
    lane.put(c[s]);
    uint32_t left = find.inline_bits(s);
    for (uint64_t raw = find.split.raw(x); left > 0; raw >>= kPiece) {
      const uint32_t bits = min(left, kPiece);
      lane.put(static_cast<uint32_t>(raw) & ((1u << bits) - 1), bits);
      left -= bits;
    }
  }
};
}  // namespace gramzip::kernels
