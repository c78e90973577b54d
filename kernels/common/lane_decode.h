// SPDX-License-Identifier: Apache-2.0
// The inner loops of kernels/huffman_decode: a lane's codes into its elements.
//
// A look-up takes 11 or 12 bits, so two follow one window of 32. Three word registers a lane (two
// of the stream, one of output) and 32-bit arithmetic keep the loops small.
#pragma once
#include "gramzip/core/elements.h"
#include "gramzip/core/huffman.h"
#include "kernels/common/block_lanes.h"
#include "kernels/common/unit_writer.h"
#include "kernels/huffman_decode.h"

namespace gramzip::kernels {
struct Tables {
  const uint16_t* single;  // kTableEntries a table
  const uint32_t* multi;   // codec bytes
  const DeviceTable* list;
  const uint64_t* exact;  // codec exact_floats: its values
};

// ---- Codec bytes: a lane owns `count` consecutive bytes of the block. ----

__device__ inline bool decode_piece(LaneReader& in, const Tables& t, uint32_t count,
                                    uint32_t* column, uint8_t* out) {
  constexpr uint32_t kMask = (1u << kByteCodeLimit) - 1, kSymbols = 0xffffff;
  UnitWriter writer(column, out);
  // As long as two look-ups of 3 symbols fit behind up to 3 pending bytes.
  while (4 * writer.words() + 3 + 2 * huffman::kMultiSymbols <= count) {
    const uint32_t window = in.peek();
    const uint32_t a = t.multi[window & kMask], a_bits = huffman::multi_length(a);
    const uint32_t b = t.multi[(window >> a_bits) & kMask];
    in.skip(a_bits + huffman::multi_length(b));
    writer.put(a & kSymbols, 8 * huffman::multi_count(a));
    writer.put(b & kSymbols, 8 * huffman::multi_count(b));
  }
  while (writer.done() < count) {
    const uint32_t e = t.single[in.peek() & kMask];
    in.skip(huffman::entry_length(e));
    writer.put(huffman::entry_symbol(e), 8);
  }
  writer.finish();
  return in.ends_well();
}

// ---- Codecs floats and planes: a lane owns 8 elements of each run of 256. ----

// The raw values of a lane's group: 8 fields of kRaw bits, kRaw bytes. Reads whole aligned words:
// up to 7 bytes in front of and behind the group, which lie in the block, for a lane header
// follows.
template <uint32_t kRaw>
struct RawGroup {
  static constexpr uint32_t kWords = (kRaw + 3) / 4;
  uint32_t w[kWords + 1];

  __device__ RawGroup(const uint8_t* plane, uint32_t group) {
    const uint32_t at = group * kRaw;
    if constexpr (kRaw % 8 == 0) {
      const uint2* p = reinterpret_cast<const uint2*>(plane + at);
      for (uint32_t i = 0; i < kWords; i += 2) {
        const uint2 v = p[i / 2];
        w[i] = v.x;
        w[i + 1] = v.y;
      }
      w[kWords] = 0;
    } else {
      const uint32_t* p = reinterpret_cast<const uint32_t*>(plane + (at & ~3u));
      for (uint32_t i = 0; i <= kWords; ++i) w[i] = p[i];
      for (uint32_t i = 0; i < kWords; ++i) w[i] = __funnelshift_r(w[i], w[i + 1], 8 * (at % 4));
    }
  }
  // 32 bits from bit `at` on, known when compiling.
  __device__ uint32_t bits_at(uint32_t at) const {
    return at % 32 == 0 ? w[at / 32] : __funnelshift_r(w[at / 32], w[at / 32 + 1], at % 32);
  }
  __device__ uint64_t field(uint32_t k) const {
    uint64_t v = bits_at(k * kRaw);
    if constexpr (kRaw > 32) v |= uint64_t{bits_at(k * kRaw + 32)} << 32;
    return v & ((uint64_t{1} << kRaw) - 1);
  }
};

// Eight elements, stored 16 bytes at a time.
template <uint32_t kBytes>
__device__ void store_group(uint8_t* out, const uint64_t* x) {
  uint32_t w[2 * kBytes] = {};
  for (uint32_t k = 0; k < kLaneGroup; ++k) {
    const uint32_t at = k * kBytes;
    w[at / 4] |= static_cast<uint32_t>(x[k]) << (8 * (at % 4));
    if constexpr (kBytes == 8) w[at / 4 + 1] = static_cast<uint32_t>(x[k] >> 32);
  }
  if constexpr (kBytes == 1) {
    *reinterpret_cast<uint2*>(out) = make_uint2(w[0], w[1]);
  } else {
    for (uint32_t i = 0; i < kBytes / 2; ++i)
      reinterpret_cast<uint4*>(out)[i] =
          make_uint4(w[4 * i], w[4 * i + 1], w[4 * i + 2], w[4 * i + 3]);
  }
}

// There are none.
template <>
struct RawGroup<0> {
  __device__ RawGroup(const uint8_t*, uint32_t) {}
  __device__ uint64_t field(uint32_t) const { return 0; }
};

// A coded block of floats or planes as a lane sees it. What only its last run needs is read from
// the header again there, or it would take registers of the loops over all others.
struct FloatBlock {
  const uint8_t* block;  // its raw plane
  uint32_t n, ids_at;    // of its plan
  const SegmentHeader& header;
  uint32_t lane;
  uint8_t* out;

  // id_bits: of a class id, known before a loop over runs.
  __device__ uint32_t id_bits() const { return class_id_bits(header.tables); }
  __device__ const uint16_t* table(const Tables& t, uint32_t id_bits, uint32_t run) const {
    if (id_bits == 0) return t.single;
    return t.single + class_id(block + ids_at, run, id_bits) * kTableEntries;
  }
};

inline constexpr uint32_t kFloatMask = (1u << kFloatCodeLimit) - 1;

// All whole runs. The split is known when compiling.
template <uint32_t kBytes, uint32_t kRaw, uint32_t kZero = 0>
__device__ void decode_runs(LaneReader& in, const Tables& t, const FloatBlock& f) {
  constexpr Split split{kBytes, 8 * kBytes - kRaw - kZero, kRaw, true, kZero};
  const uint32_t runs = f.n / kRunElements, id_bits = f.id_bits();
  for (uint32_t run = 0; run < runs; ++run) {
    const uint16_t* table = f.table(t, id_bits, run);
    const uint32_t group = run * kLanes + f.lane;
    const RawGroup<kRaw> raw(f.block, group);
    uint64_t x[kLaneGroup];
#pragma unroll
    for (uint32_t k = 0; k < kLaneGroup; k += 2) {
      const uint32_t window = in.peek();
      const uint32_t a = table[window & kFloatMask], a_bits = huffman::entry_length(a);
      const uint32_t b = table[(window >> a_bits) & kFloatMask];
      in.skip(a_bits + huffman::entry_length(b));
      x[k] = split.join(huffman::entry_symbol(a), raw.field(k));
      x[k + 1] = split.join(huffman::entry_symbol(b), raw.field(k + 1));
    }
    store_group<kBytes>(f.out + uint64_t{group} * kLaneGroup * kBytes, x);
  }
}

// The runs from `run` on, one element at a time: a block's last run, and splits that this release
// reads but does not write.
__device__ inline void decode_rest(LaneReader& in, const Tables& t, const FloatBlock& f,
                                   uint32_t run) {
  const Split split = f.header.split();
  for (; run * kRunElements + f.lane * kLaneGroup < f.n; ++run) {
    const uint16_t* table = f.table(t, f.id_bits(), run);
    const uint32_t first = run * kRunElements + f.lane * kLaneGroup;
    const uint32_t end = min(first + kLaneGroup, f.n);
    for (uint32_t j = first; j < end; ++j) {
      const uint32_t e = table[in.peek() & kFloatMask];
      in.skip(huffman::entry_length(e));
      const uint64_t raw = load_bits(f.block, uint64_t{j} * split.raw_bits, split.raw_bits);
      store_element(f.out, j, split.bytes, split.join(huffman::entry_symbol(e), raw));
    }
  }
}

// The splits that this release writes if no bits are zero everywhere, codec planes, and BF16 and
// F16 that are kept as F32.
__device__ inline bool decode_floats(LaneReader& in, const Tables& t, const FloatBlock& f) {
  bool known = true;
  constexpr uint32_t kZero = 1024;  // times zero bits
  const Split split = f.header.split();
  switch (split.zero_bits * kZero + split.bytes * 64u + split.raw_bits) {
    case 1 * 64 + 0:
      decode_runs<1, 0>(in, t, f);
      break;
    case 1 * 64 + 1:
      decode_runs<1, 1>(in, t, f);
      break;
    case 2 * 64 + 6:
      decode_runs<2, 6>(in, t, f);
      break;
    case 2 * 64 + 7:
      decode_runs<2, 7>(in, t, f);
      break;
    case 2 * 64 + 8:
      decode_runs<2, 8>(in, t, f);
      break;
    case 4 * 64 + 22:
      decode_runs<4, 22>(in, t, f);
      break;
    case 4 * 64 + 23:
      decode_runs<4, 23>(in, t, f);
      break;
    case 4 * 64 + 24:
      decode_runs<4, 24>(in, t, f);
      break;
    case 16 * kZero + 4 * 64 + 6:
      decode_runs<4, 6, 16>(in, t, f);
      break;
    case 13 * kZero + 4 * 64 + 9:
      decode_runs<4, 9, 13>(in, t, f);
      break;
    case 8 * 64 + 52:
      decode_runs<8, 52>(in, t, f);
      break;
    case 8 * 64 + 53:
      decode_runs<8, 53>(in, t, f);
      break;
    default:
      known = false;
  }
  decode_rest(in, t, f, known ? f.n / kRunElements : 0);
  return in.ends_well();
}
}  // namespace gramzip::kernels
