// SPDX-License-Identifier: Apache-2.0
// Radix select of the exact k-th smallest magnitude: counts of the keys' high bits, then, with the
// bits that the host has chosen, of the low bits of those that have them.
//
//   elements:  | 2^14 | 2^14 | ...                          a CTA takes every gridDim-th piece
//   shared:    counts [65536] or [32768] of 16 bits         kernels/common/bins.h
//
// Each pass reads each element once. Sums of integers, so no order matters. Types of 8 and 16 bits
// need no pass but kernels/pattern_histogram.
#include "kernels/magnitude_select.h"

#include "gramzip/core/float_values.h"

namespace gramzip::kernels {
namespace {
constexpr uint32_t kLowBits = 15;

template <ElementType type>
struct HighBits {
  using V = FloatValues<type>;
  __device__ uint32_t operator()(typename V::Bits x) const {
    return V::magnitude_key(x) >> kLowBits;
  }
};
template <ElementType type>
struct LowBits {
  using V = FloatValues<type>;
  uint32_t chosen;
  __device__ uint32_t operator()(typename V::Bits x) const {
    const uint32_t key = V::magnitude_key(x);
    return key >> kLowBits == chosen ? key & ((1u << kLowBits) - 1) : kMaxBins;
  }
};

template <class Bits, class BinOf>
__global__ void __launch_bounds__(kBinsThreads)
    magnitude_kernel(const Bits* elements, uint64_t n, uint32_t bins, BinCount* counts,
                     BinOf bin_of) {
  count_bins(elements, n, bins, counts, bin_of);
}

template <ElementType type, template <ElementType> class BinOf>
cudaError_t run(const uint8_t* elements, uint64_t n, uint32_t bins, BinCount* counts,
                const BinOf<type>& bin_of, const MagnitudeSelectTuning& tuning,
                cudaStream_t stream) {
  using Bits = typename FloatValues<type>::Bits;
  if (n == 0) return cudaSuccess;
  return launch(bins_launch(n, bins, tuning.ctas, stream), magnitude_kernel<Bits, BinOf<type>>,
                reinterpret_cast<const Bits*>(elements), n, bins, counts, bin_of);
}
}  // namespace

cudaError_t magnitude_high(ElementType type, const uint8_t* elements, uint64_t n, BinCount* counts,
                           const MagnitudeSelectTuning& tuning, cudaStream_t stream) {
  if (type == ElementType::f64)
    return run<ElementType::f64, HighBits>(elements, n, kMaxBins, counts, {}, tuning, stream);
  return run<ElementType::f32, HighBits>(elements, n, kMaxBins, counts, {}, tuning, stream);
}

cudaError_t magnitude_low(ElementType type, const uint8_t* elements, uint64_t n, uint32_t chosen,
                          BinCount* counts, const MagnitudeSelectTuning& tuning,
                          cudaStream_t stream) {
  constexpr uint32_t bins = 1u << kLowBits;
  if (type == ElementType::f64)
    return run<ElementType::f64, LowBits>(elements, n, bins, counts, {chosen}, tuning, stream);
  return run<ElementType::f32, LowBits>(elements, n, bins, counts, {chosen}, tuning, stream);
}
}  // namespace gramzip::kernels
