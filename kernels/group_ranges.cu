// SPDX-License-Identifier: Apache-2.0
// Least and greatest finite element of each group: what scales are made of, and, with one group,
// the range of a tensor.
//
//   elements:  | group 0 ............ | group 1 .....
//              | piece 0 | piece 1 |..| piece 0 | ...     a warp a piece of at most `piece`
//              elements
//   ranges:    most, most_not of group 0 | of group 1     one atomic each a warp
//
// Reads each element once. Elements are compared as integers in the order of their values
// (FloatValues::order), and a maximum has no order.
#include "kernels/group_ranges.h"

#include "gramzip/core/float_values.h"

namespace gramzip::kernels {
namespace {
using Word = unsigned long long;

__device__ inline uint32_t warp_max(uint32_t x) { return __reduce_max_sync(kAllLanes, x); }
__device__ inline uint64_t warp_max(uint64_t x) {
  for (uint32_t d = kWarp / 2; d > 0; d /= 2) {
    const auto other = static_cast<uint64_t>(__shfl_xor_sync(kAllLanes, Word{x}, d));
    x = other > x ? other : x;
  }
  return x;
}

template <ElementType type>
__global__ void ranges_kernel(const typename FloatValues<type>::Bits* elements, uint64_t n,
                              uint32_t group, uint32_t piece, uint32_t pieces_of_a_group,
                              uint64_t pieces, OrderRange* ranges) {
  using V = FloatValues<type>;
  using Order = std::conditional_t<V::kBytes == 8, uint64_t, uint32_t>;
  const uint32_t lane = threadIdx.x % kWarp;
  const uint64_t p = uint64_t{blockIdx.x} * (blockDim.x / kWarp) + threadIdx.x / kWarp;
  if (p >= pieces) return;  // the whole warp
  const uint64_t g = p / pieces_of_a_group;
  const uint64_t within = p % pieces_of_a_group * piece;  // the piece's begin in its group
  const uint64_t begin = g * group + within;
  uint64_t end = begin + (group - within < piece ? group - within : piece);
  end = end < n ? end : n;
  Order most = 0, most_not = 0;
#pragma unroll 4
  for (uint64_t i = begin + lane; i < end; i += kWarp) {
    const auto x = elements[i];
    const bool finite = V::finite(x);
    const Order order = finite ? V::order(x) : 0, order_not = finite ? ~Order{V::order(x)} : 0;
    most = order > most ? order : most;
    most_not = order_not > most_not ? order_not : most_not;
  }
  most = warp_max(most);
  most_not = warp_max(most_not);
  if (lane != 0 || most_not == 0) return;
  // As if the order had 64 bits.
  atomicMax(&ranges[g].most, Word{most});
  atomicMax(&ranges[g].most_not, ~Word{static_cast<Order>(~most_not)});
}
}  // namespace

cudaError_t group_ranges(ElementType type, const uint8_t* elements, uint64_t n, uint32_t group,
                         OrderRange* ranges, const GroupRangesTuning& tuning, cudaStream_t stream) {
  if (n == 0) return cudaSuccess;
  const uint64_t most = group < n ? group : n;
  const uint32_t piece = tuning.piece;
  const auto pieces_of_a_group = static_cast<uint32_t>(ceil_div(most, piece));
  const uint64_t pieces = ceil_div(n, group) * pieces_of_a_group;
  const Launch config{dim3(static_cast<uint32_t>(ceil_div(pieces, tuning.warps))),
                      dim3(tuning.warps * kWarp), 0, stream};
  cudaError_t status = cudaErrorInvalidValue;
  with_float_type(type, [&]<ElementType t>() {
    status = launch(config, ranges_kernel<t>,
                    reinterpret_cast<const typename FloatValues<t>::Bits*>(elements), n, group,
                    piece, pieces_of_a_group, pieces, ranges);
  });
  return status;
}
}  // namespace gramzip::kernels
