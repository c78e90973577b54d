// SPDX-License-Identifier: Apache-2.0
// Prunes elements by magnitude.
//
//   edges:    | strip of 1024 | strip | ...          a warp a strip, 32 neighbours at a time
//             ties of each strip -> ties before it   one CTA, in order
//             a tie's rank decides, so that exactly the first ones are pruned
//   norms:    a warp a row; lane l sums elements l, l + 32, ..., then a tree of shuffles
//   2:4:      a thread four neighbours of a row
//
// Edges read each element twice, once if there are no ties to be pruned, and write it once; the
// others read each once. Ranks of ties and all orders of sums are fixed by the elements' places.
#include "kernels/prune.h"

#include "gramzip/core/float_values.h"
#include "gramzip/core/prune.h"

namespace gramzip::kernels {
namespace {
using Word = unsigned long long;
constexpr uint32_t kStrip = 1024;

__device__ inline uint64_t warp_number() {
  return uint64_t{blockIdx.x} * (blockDim.x / kWarp) + threadIdx.x / kWarp;
}

// f(i, x, inside) for each element of the warp's strip, by the whole warp; 0 outside.
template <class Bits, class F>
__device__ void for_strip(const Bits* elements, uint64_t n, uint64_t strip, F&& f) {
  const uint32_t lane = threadIdx.x % kWarp;
  const uint64_t begin = strip * kStrip, end = n - begin < kStrip ? n : begin + kStrip;
  for (uint64_t i = begin; i < end; i += kWarp) {
    const bool inside = i + lane < end;
    f(i + lane, inside ? elements[i + lane] : Bits{0}, inside);
  }
}

template <ElementType type>
__global__ void count_ties_kernel(const typename FloatValues<type>::Bits* elements, uint64_t n,
                                  DeviceCut cut, Word* ties) {
  using V = FloatValues<type>;
  const uint64_t strip = warp_number();
  if (strip * kStrip >= n) return;  // the whole warp
  uint32_t count = 0;
  for_strip(elements, n, strip, [&](uint64_t, typename V::Bits x, bool inside) {
    const uint64_t m = V::magnitude(x);
    count += inside && m >= cut.from && m < cut.to ? 1u : 0u;
  });
  count = __reduce_add_sync(kAllLanes, count);
  if (threadIdx.x % kWarp == 0) ties[strip] = count;
}

// Ties of strips to ties before them, by one CTA; sets the result's ties_used.
__global__ void scan_kernel(Word* ties, uint64_t strips, Word most, PruneResult* result) {
  __shared__ Word of_warp[kWarp];
  const uint32_t lane = threadIdx.x % kWarp, warp = threadIdx.x / kWarp, warps = blockDim.x / kWarp;
  Word before = 0;  // of the strips before the round
  for (uint64_t begin = 0; begin < strips; begin += blockDim.x) {
    const uint64_t i = begin + threadIdx.x;
    const Word own = i < strips ? ties[i] : 0;
    Word upto = own;
    for (uint32_t d = 1; d < kWarp; d *= 2) {
      const Word other = __shfl_up_sync(kAllLanes, upto, d);
      if (lane >= d) upto += other;
    }
    if (lane == kWarp - 1) of_warp[warp] = upto;
    __syncthreads();
    Word earlier = 0, all = 0;
    for (uint32_t w = 0; w < warps; ++w) {
      earlier += w < warp ? of_warp[w] : 0;
      all += of_warp[w];
    }
    if (i < strips) ties[i] = before + earlier + upto - own;
    before += all;
    __syncthreads();  // of_warp is written anew
  }
  if (threadIdx.x == 0) result->ties_used = before < most ? before : most;
}

template <ElementType type>
__global__ void prune_edges_kernel(typename FloatValues<type>::Bits* elements, uint64_t n,
                                   DeviceCut cut, const Word* ties, PruneResult* result) {
  using V = FloatValues<type>;
  const uint32_t lane = threadIdx.x % kWarp;
  const uint64_t strip = warp_number();
  if (strip * kStrip >= n) return;  // the whole warp
  uint64_t before = cut.ties > 0 ? ties[strip] : 0;
  uint32_t pruned = 0;
  for_strip(elements, n, strip, [&](uint64_t i, typename V::Bits x, bool inside) {
    const uint64_t m = V::magnitude(x);
    bool prune = inside && m < cut.from;
    if (cut.ties > 0) {
      const bool tie = inside && m >= cut.from && m < cut.to;
      const uint32_t all = __ballot_sync(kAllLanes, tie);
      const uint64_t rank = before + static_cast<uint32_t>(__popc(all & ((1u << lane) - 1)));
      prune = prune || (tie && rank < cut.ties);
      before += static_cast<uint32_t>(__popc(all));
    }
    if (prune) elements[i] = 0;
    pruned += prune ? 1u : 0u;
  });
  pruned = __reduce_add_sync(kAllLanes, pruned);
  if (lane == 0 && pruned > 0) atomicAdd(&result->pruned, Word{pruned});
}

template <ElementType type>
__global__ void row_norms_kernel(const typename FloatValues<type>::Bits* elements, uint64_t rows,
                                 uint64_t columns, double* norms) {
  using V = FloatValues<type>;
  const uint32_t lane = threadIdx.x % kWarp;
  const uint64_t row = warp_number();
  if (row >= rows) return;  // the whole warp
  const auto* const from = elements + row * columns;
  double sum = 0;
  for (uint64_t i = lane; i < columns; i += kWarp) {
    const auto x = from[i];
    const double w = V::to_double(V::finite(x) ? x : typename V::Bits{0});
    sum += w * w;
  }
  for (uint32_t d = kWarp / 2; d > 0; d /= 2) {
    const double other = __shfl_down_sync(kAllLanes, sum, d);
    if (lane < d) sum += other;
  }
  if (lane == 0) norms[row] = sum;
}

template <ElementType type>
__global__ void two_of_four_kernel(typename FloatValues<type>::Bits* elements, uint64_t fours,
                                   uint64_t fours_of_a_row, uint64_t columns) {
  using V = FloatValues<type>;
  const uint64_t four = uint64_t{blockIdx.x} * blockDim.x + threadIdx.x;
  if (four >= fours) return;
  const uint64_t row = four / fours_of_a_row, within = 4 * (four - row * fours_of_a_row);
  const auto n = static_cast<uint32_t>(columns - within < 4 ? columns - within : 4);
  auto* const p = elements + row * columns + within;
  typename V::Bits m[4];
#pragma unroll
  for (uint32_t i = 0; i < 4; ++i) m[i] = i < n ? V::magnitude(p[i]) : V::kMagnitude;
  const uint32_t pruned = n == 4 ? smaller_half(m, 4) : smaller_half(m, n);
#pragma unroll
  for (uint32_t i = 0; i < 4; ++i)
    if ((pruned >> i & 1) != 0) p[i] = 0;
}

Launch a_warp_each(uint64_t count, const PruneTuning& tuning, cudaStream_t stream) {
  return {dim3(static_cast<uint32_t>(ceil_div(count, tuning.warps))), dim3(tuning.warps * kWarp), 0,
          stream};
}
}  // namespace

cudaError_t prune_edges(void* workspace, size_t& bytes, ElementType type, uint8_t* elements,
                        uint64_t n, const DeviceCut& cut, PruneResult* result,
                        const PruneTuning& tuning, cudaStream_t stream) {
  const uint64_t strips = ceil_div(n, kStrip);
  if (workspace == nullptr) {
    bytes = (strips + 1) * sizeof(Word);
    return cudaSuccess;
  }
  cudaError_t status = cudaMemsetAsync(result, 0, sizeof *result, stream);
  if (status != cudaSuccess || n == 0) return status;
  auto* const ties = static_cast<Word*>(workspace);
  const Launch config = a_warp_each(strips, tuning, stream);
  status = cudaErrorInvalidValue;
  with_float_type(type, [&]<ElementType t>() {
    auto* const p = reinterpret_cast<typename FloatValues<t>::Bits*>(elements);
    status = cudaSuccess;
    if (cut.ties > 0) {
      status = launch(config, count_ties_kernel<t>, p, n, cut, ties);
      if (status == cudaSuccess)
        status = launch(Launch{dim3(1), dim3(tuning.scan_threads), 0, stream}, scan_kernel, ties,
                        strips, Word{cut.ties}, result);
    }
    if (status == cudaSuccess)
      status = launch(config, prune_edges_kernel<t>, p, n, cut, ties, result);
  });
  return status;
}

cudaError_t row_norms(ElementType type, const uint8_t* elements, uint64_t rows, uint64_t columns,
                      double* norms, const PruneTuning& tuning, cudaStream_t stream) {
  if (rows == 0) return cudaSuccess;
  cudaError_t status = cudaErrorInvalidValue;
  with_float_type(type, [&]<ElementType t>() {
    status = launch(a_warp_each(rows, tuning, stream), row_norms_kernel<t>,
                    reinterpret_cast<const typename FloatValues<t>::Bits*>(elements), rows, columns,
                    norms);
  });
  return status;
}

cudaError_t prune_two_of_four(ElementType type, uint8_t* elements, uint64_t rows, uint64_t columns,
                              const PruneTuning& tuning, cudaStream_t stream) {
  const uint64_t fours_of_a_row = ceil_div(columns, 4), fours = rows * fours_of_a_row;
  if (fours == 0) return cudaSuccess;
  const uint32_t threads = tuning.warps * kWarp;
  cudaError_t status = cudaErrorInvalidValue;
  with_float_type(type, [&]<ElementType t>() {
    status = launch(
        Launch{dim3(static_cast<uint32_t>(ceil_div(fours, threads))), dim3(threads), 0, stream},
        two_of_four_kernel<t>, reinterpret_cast<typename FloatValues<t>::Bits*>(elements), fours,
        fours_of_a_row, columns);
  });
  return status;
}
}  // namespace gramzip::kernels
