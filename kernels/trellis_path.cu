// SPDX-License-Identifier: Apache-2.0
// Viterbi's algorithm, a warp a run.
//
//   lane l: the states 2 m and 2 m + 1 for m = l, l + 32, ... < H = half of the states
//   shared, a warp: costs f32 [256][4] | levels u16 [256][4] | branches taken u32 [256][2][H / 32]
//
// Candidates first: a lane looks at 8 levels for each of 8 weights. Then weight by weight: a lane
// adds costs and takes the cheaper branch; the other branch is a lane's at an exclusive or, the
// next states of 2 m are those of m; ballots keep what was taken. Lane 0 walks back. Operations are
// those of host/model/trellis_path.inl, one rounding each. Reads an element and 2 bytes, writes 2
// bytes.
#include "kernels/trellis_path.h"

#include "gramzip/core/float_values.h"

namespace gramzip::kernels {
namespace {
constexpr uint32_t kWarps = 4;
constexpr float kNever = 1e30f;

struct Candidates {
  float cost[kRunElements][4];
  uint16_t level[kRunElements][4];
};

__device__ void find_candidates(const DeviceTrellis& t, float x, uint32_t below, float* cost,
                                uint16_t* level) {
  if (below >= t.count) {
    for (uint32_t k = 0; k < 4; ++k) {
      cost[k] = k < 2 ? 0.0f : kNever;
      level[k] = static_cast<uint16_t>(t.count);
    }
    return;
  }
  for (uint32_t k = 0; k < 4; ++k) {  // level below + k - 3, or 4 above
    const float low = x - t.at[below + k], high = x - t.at[below + k + 4];
    const float low_cost = low * low + t.price[below + k],
                high_cost = high * high + t.price[below + k + 4];
    const bool upper = high_cost < low_cost;
    const uint32_t subset = (below + k + 1) & 3;
    cost[subset] = upper ? high_cost : low_cost;
    level[subset] = static_cast<uint16_t>(below + k - kTrellisFront + (upper ? 4 : 0));
  }
  for (uint32_t k = 0; k < 2; ++k)
    if (t.escape < cost[k]) {
      cost[k] = t.escape;
      level[k] = static_cast<uint16_t>(t.count);
    }
}

// v: log2 of the states.
template <uint32_t v>
struct Walk {
  static constexpr uint32_t H = 1u << (v - 1), P = H < kWarp ? 1 : H / kWarp;
  static constexpr quant::Trellis trellis = quant::trellis_of(v);
  static constexpr uint32_t F = trellis.feedback ^ H, G = trellis.branch;

  uint32_t lane;
  float even[P], odd[P];

  __device__ explicit Walk(uint32_t lane_number) : lane(lane_number) {
#pragma unroll
    for (uint32_t j = 0; j < P; ++j) even[j] = odd[j] = kNever;
    if (lane == 0) even[0] = 0;
  }
  // Element m of a vector of H from lane m mod 32, by the lane of m = source.
  static __device__ float from(const float* all, uint32_t slot, uint32_t source) {
    return __shfl_sync(kAllLanes, all[slot], static_cast<int>(source % kWarp));
  }
  // `next` from states `all`, and which of them took the branch of bit 1.
  __device__ void branch(const float* all, float cost, float other, float* next, uint32_t* taken) {
#pragma unroll
    for (uint32_t j = 0; j < P; ++j) {
      const float a = all[j] + cost;
      const float b =
          __shfl_xor_sync(kAllLanes, all[j ^ (G / kWarp)], static_cast<int>(G % kWarp)) + other;
      const bool less = b < a;
      next[j] = less ? b : a;
      taken[j] = __ballot_sync(kAllLanes, less);
    }
  }
  __device__ void step(const float* cost, uint32_t (*taken)[P]) {
    float low[P], high[P], moved[P];
    uint32_t by_even[P], by_odd[P];
    branch(even, cost[0], cost[2], low, by_even);
    branch(odd, cost[1], cost[3], high, by_odd);
#pragma unroll
    for (uint32_t j = 0; j < P; ++j)
      moved[j ^ (F / kWarp)] = __shfl_xor_sync(kAllLanes, high[j], static_cast<int>(F % kWarp));
    if (lane == 0)
      for (uint32_t j = 0; j < P; ++j) taken[0][j] = by_even[j], taken[1][j] = by_odd[j];
        // States 2 m and 2 m + 1 of low, then moved, become m.
#pragma unroll
    for (uint32_t j = 0; j < P; ++j) {
      if constexpr (H < kWarp) {
        const uint32_t s = 2 * lane;
        const float a = from(low, 0, s), b = from(moved, 0, s - H);
        const float c = from(low, 0, s + 1), d = from(moved, 0, s + 1 - H);
        even[j] = s < H ? a : b;
        odd[j] = s < H ? c : d;
      } else {
        const float* const first = 2 * j < P ? low + 2 * j : moved + (2 * j - P);
        const float* const second = 2 * j + 1 < P ? low + (2 * j + 1) : moved + (2 * j + 1 - P);
        const float a = from(first, 0, 2 * lane), b = from(second, 0, 2 * lane);
        const float c = from(first, 0, 2 * lane + 1), d = from(second, 0, 2 * lane + 1);
        const bool lower = lane < kWarp / 2;
        even[j] = lower ? a : b;
        odd[j] = lower ? c : d;
      }
    }
  }
  // The lowest of the cheapest states.
  __device__ uint32_t cheapest() const {
    float least = even[0];
    uint32_t state = 2 * lane;
#pragma unroll
    for (uint32_t j = 0; j < P; ++j) {
      const uint32_t s = 2 * (j * kWarp + lane);
      if (even[j] < least) least = even[j], state = s;
      if (odd[j] < least) least = odd[j], state = s + 1;
    }
    if (H < kWarp && lane >= H) least = 2 * kNever * kRunElements;
    for (uint32_t d = kWarp / 2; d > 0; d /= 2) {
      const float other = __shfl_xor_sync(kAllLanes, least, static_cast<int>(d));
      const uint32_t other_state = __shfl_xor_sync(kAllLanes, state, static_cast<int>(d));
      if (other < least || (other == least && other_state < state))
        least = other, state = other_state;
    }
    return state;
  }
};

template <ElementType type, uint32_t v>
__global__ void __launch_bounds__(kWarps* kWarp)
    trellis_path_kernel(const typename FloatValues<type>::Bits* elements, uint64_t n,
                        const DeviceTrellis t, uint16_t* indexes) {
  using V = FloatValues<type>;
  using W = Walk<v>;
  struct Shared {
    Candidates c;
    uint32_t taken[kRunElements][2][W::P];
  };
  GRAMZIP_DYN_SHARED(Shared, all);
  const uint32_t lane = threadIdx.x % kWarp;
  Shared& shared = all[threadIdx.x / kWarp];
  const uint64_t begin = (uint64_t{blockIdx.x} * kWarps + threadIdx.x / kWarp) * kRunElements;
  if (begin >= n) return;
  const auto m = static_cast<uint32_t>(n - begin < kRunElements ? n - begin : kRunElements);
  for (uint32_t i = lane; i < m; i += kWarp) {
    const auto x = static_cast<float>(V::to_double(elements[begin + i]) * t.per_unit);
    find_candidates(t, x, indexes[begin + i], shared.c.cost[i], shared.c.level[i]);
  }
  __syncwarp();
  W walk(lane);
  for (uint32_t i = 0; i < m; ++i) walk.step(shared.c.cost[i], shared.taken[i]);
  uint32_t state = walk.cheapest();
  __syncwarp();
  if (lane != 0) return;
  for (uint32_t i = m; i-- > 0;) {
    const uint32_t q = state / W::H, place = q == 0 ? state : (state ^ W::H) ^ W::F;
    const uint32_t bit = shared.taken[i][q][place / kWarp] >> (place % kWarp) & 1u;
    indexes[begin + i] = shared.c.level[i][q + 2 * bit];
    state = 2 * (place ^ (bit * W::G)) + q;
  }
}

template <ElementType type, uint32_t v>
cudaError_t find_paths(const uint8_t* elements, uint64_t n, const DeviceTrellis& t,
                       uint16_t* indexes, cudaStream_t stream) {
  const uint32_t ctas = static_cast<uint32_t>(ceil_div(n, uint64_t{kWarps} * kRunElements));
  const size_t shared = kWarps * (sizeof(Candidates) + kRunElements * 8 * Walk<v>::P);
  return launch(Launch{dim3(ctas), dim3(kWarps * kWarp), shared, stream},
                trellis_path_kernel<type, v>,
                reinterpret_cast<const typename FloatValues<type>::Bits*>(elements), n, t, indexes);
}
}  // namespace

cudaError_t trellis_path(ElementType type, const uint8_t* elements, uint64_t n,
                         const DeviceTrellis& t, uint16_t* indexes, cudaStream_t stream) {
  if (n == 0) return cudaSuccess;
  cudaError_t status = cudaErrorInvalidValue;
  with_float_type(type, [&]<ElementType e>() {
    switch (t.states_log2) {
      case 4:
        status = find_paths<e, 4>(elements, n, t, indexes, stream);
        break;
      case 5:
        status = find_paths<e, 5>(elements, n, t, indexes, stream);
        break;
      case 6:
        status = find_paths<e, 6>(elements, n, t, indexes, stream);
        break;
      case 7:
        status = find_paths<e, 7>(elements, n, t, indexes, stream);
        break;
      case 8:
        status = find_paths<e, 8>(elements, n, t, indexes, stream);
        break;
      default:
        break;
    }
  });
  return status;
}
}  // namespace gramzip::kernels
