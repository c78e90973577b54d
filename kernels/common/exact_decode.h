// SPDX-License-Identifier: Apache-2.0
// The inner loop of kernels/huffman_decode for exact floats (docs/format.md, 11): a lane's codes,
// each followed by its raw bits, into its elements.
#pragma once
#include "gramzip/core/exact.h"
#include "kernels/common/lane_decode.h"

namespace gramzip::kernels {
__device__ inline uint64_t take_exact(LaneReader& in, const uint16_t* table, const Tables& t,
                                      const Split& split) {
  const uint32_t e = table[in.peek() & kFloatMask];
  in.skip(huffman::entry_length(e));
  const uint32_t symbol = huffman::entry_symbol(e), raw_bits = exact_raw_bits(split, symbol);
  uint64_t raw = in.peek();
  if (raw_bits > 32) {
    in.skip(32);
    raw |= uint64_t{in.peek()} << 32;
    in.skip(raw_bits - 32);
  } else {
    in.skip(raw_bits);
  }
  raw &= (uint64_t{1} << raw_bits) - 1;
  return exact_base(split, t.exact, symbol) | exact_raw(split, raw);
}

// All whole runs; returns how many they are.
template <uint32_t kBytes>
__device__ uint32_t decode_exact_runs(LaneReader& in, const Tables& t, const FloatBlock& f,
                                      const Split& split) {
  const uint32_t runs = f.n / kRunElements, id_bits = f.id_bits();
  for (uint32_t run = 0; run < runs; ++run) {
    const uint16_t* table = f.table(t, id_bits, run);
    uint64_t x[kLaneGroup];
#pragma unroll
    for (uint32_t k = 0; k < kLaneGroup; ++k) x[k] = take_exact(in, table, t, split);
    store_group<kBytes>(f.out + uint64_t{run * kLanes + f.lane} * kLaneGroup * kBytes, x);
  }
  return runs;
}

__device__ inline bool decode_exact(LaneReader& in, const Tables& t, const FloatBlock& f) {
  const Split split = f.header.split();
  uint32_t run = 0;
  switch (split.bytes) {
    case 1:
      run = decode_exact_runs<1>(in, t, f, split);
      break;
    case 2:
      run = decode_exact_runs<2>(in, t, f, split);
      break;
    case 4:
      run = decode_exact_runs<4>(in, t, f, split);
      break;
    default:
      run = decode_exact_runs<8>(in, t, f, split);
  }
  // The last run.
  const uint32_t first = run * kRunElements + f.lane * kLaneGroup;
  const uint32_t end = min(first + kLaneGroup, f.n);
  for (uint32_t j = first; j < end; ++j)
    store_element(f.out, j, split.bytes, take_exact(in, f.table(t, f.id_bits(), run), t, split));
  return in.ends_well();
}
}  // namespace gramzip::kernels
