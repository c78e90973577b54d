// SPDX-License-Identifier: Apache-2.0
// Counts elements by sign, exponent and 11 bits of mantissa of the (nearest) F32, with sums of what
// is below.
//
//   elements:  a CTA threads x elements of them, neighbouring lanes neighbouring elements
//   buckets:   [2^20] count and sum | sum of squares      16 MiB, in L2
//   totals:    not finite, most, least                    a warp reduces, then one atomic
//
// Reads each element once; two atomics on 64 bits an element. All sums are of integers, so no order
// matters.
#include "kernels/distribution.h"

#include "gramzip/core/float_values.h"

namespace gramzip::kernels {
namespace {
using Word = unsigned long long;

__device__ Word warp_max(Word x) {
  for (uint32_t d = kWarp / 2; d > 0; d /= 2) {
    const Word other = __shfl_xor_sync(kAllLanes, x, d);
    x = other > x ? other : x;
  }
  return x;
}

template <ElementType type>
__global__ void distribution_kernel(const typename FloatValues<type>::Bits* elements, uint32_t n,
                                    uint32_t each, BucketSums* buckets,
                                    DistributionTotals* totals) {
  using V = FloatValues<type>;
  const uint64_t begin = uint64_t{blockIdx.x} * blockDim.x * each;
  Word not_finite = 0, most = 0, most_not = 0;
  for (uint32_t k = 0; k < each; ++k) {
    const uint64_t i = begin + uint64_t{k} * blockDim.x + threadIdx.x;
    if (i >= n) break;
    const auto x = elements[i];
    if (!V::finite(x)) {
      ++not_finite;
      continue;
    }
    const Word order = V::order(x);
    most = order > most ? order : most;
    most_not = ~order > most_not ? ~order : most_not;
    const uint32_t f = nearest_finite_f32<type>(x);
    const Word low = f & ((1u << kBucketLowBits) - 1);
    BucketSums& b = buckets[f >> kBucketLowBits];
    atomicAdd(&b.count_low, (Word{1} << 40) + low);
    atomicAdd(&b.low_squares, low * low);
  }
  most = warp_max(most);
  most_not = warp_max(most_not);
  if (not_finite > 0) atomicAdd(&totals->not_finite, not_finite);
  if (threadIdx.x % kWarp != 0 || most_not == 0) return;
  atomicMax(&totals->most, most);
  atomicMax(&totals->most_not, most_not);
}
}  // namespace

cudaError_t distribution(ElementType type, const uint8_t* elements, uint32_t n, BucketSums* buckets,
                         DistributionTotals* totals, const DistributionTuning& tuning,
                         cudaStream_t stream) {
  if (n == 0) return cudaSuccess;
  const auto ctas = static_cast<uint32_t>(ceil_div(n, uint64_t{tuning.threads} * tuning.elements));
  const Launch config{dim3(ctas), dim3(tuning.threads), 0, stream};
  if (type == ElementType::f64)
    return launch(config, distribution_kernel<ElementType::f64>,
                  reinterpret_cast<const uint64_t*>(elements), n, tuning.elements, buckets, totals);
  return launch(config, distribution_kernel<ElementType::f32>,
                reinterpret_cast<const uint32_t*>(elements), n, tuning.elements, buckets, totals);
}
}  // namespace gramzip::kernels
