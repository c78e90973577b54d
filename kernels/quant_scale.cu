// SPDX-License-Identifier: Apache-2.0
// From numbers of levels to elements where levels have scales (docs/format.md, 16).
//
//   units:   u16 a element, behind each other   ->   content
//
// QuantTuning::scale_parts CTAs a block; a thread takes 8 numbers, one load of 16 bytes, and writes
// 8 elements side by side. Groups have 8 elements or more, so a thread meets two at most. Elements
// of escapes are in place already and stay. Reads 2 bytes, writes an element: 2 + E bytes moved an
// element.
#include "kernels/common/lane_decode.h"
#include "kernels/quant_decode.h"

namespace gramzip::kernels {
namespace {
// The scale of an element's group, and the next group's beginning.
struct GroupScale {
  const QuantSegment* q;
  const float* scales;
  const uint8_t* zero_points;
  uint32_t number;  // of the group in the segment
  uint32_t left;    // elements of it, from the one asked for on
  float scale, zero;

  __device__ void load() {
    scale = scales[number];
    zero = q->zero_points ? static_cast<float>(zero_points[number]) : 0.0f;
  }
  // Moves on by an element.
  __device__ void step() {
    if (--left > 0) return;
    ++number;
    left = q->group;
  }
};

template <ElementType kType, uint32_t kBytes>
__device__ void scale_block(const QuantSegment& q, const ScaledBlock& block, uint32_t n,
                            const uint16_t* units, const float* values, const float* scales,
                            const uint8_t* zero_points, uint8_t* out) {
  const uint32_t step = gridDim.y * blockDim.x * kLaneGroup;
  for (uint32_t j = (blockIdx.y * blockDim.x + threadIdx.x) * kLaneGroup; j < n; j += step) {
    const uint4 v = *reinterpret_cast<const uint4*>(units + j);
    const uint32_t numbers[4] = {v.x, v.y, v.z, v.w};
    const uint32_t at = q.phase + block.first + j;  // below 2^31 + 2^24
    GroupScale g{&q, scales, zero_points, at / q.group, 0, 0, 0};
    g.left = q.group - at % q.group;
    g.load();
    const uint32_t count = min(kLaneGroup, n - j);
    uint64_t x[kLaneGroup];
    uint32_t kept = 0;  // bit k: element k stays
#pragma unroll
    for (uint32_t k = 0; k < kLaneGroup; ++k) {
      const uint32_t i = (numbers[k / 2] >> (16 * (k % 2))) & 0xffff;
      x[k] = 0;
      if (k < count && i < q.levels)
        x[k] = quant::round_scaled(kType, g.scale * (values[i] - g.zero));
      else
        kept |= 1u << k;
      g.step();
      if (g.left == q.group && k + 1 < count) g.load();
    }
    if (kept == 0) {
      store_group<kBytes>(out + uint64_t{j} * kBytes, x);
      continue;
    }
#pragma unroll
    for (uint32_t k = 0; k < kLaneGroup; ++k)
      if ((kept >> k & 1u) == 0) store_element(out, j + k, kBytes, x[k]);
  }
}

template <ElementType kElement, uint32_t kSize>
struct Of {
  static constexpr ElementType kType = kElement;
  static constexpr uint32_t kBytes = kSize;
};

__global__ void __launch_bounds__(256)
    scale_kernel(const QuantBatch batch, const float* values, const float* scales,
                 const uint8_t* zero_points) {
  const ScaledBlock block = batch.scaled[blockIdx.x];
  if (block.first == ScaledBlock::kNothing) return;
  const DeviceSegment& segment = batch.segments[block.segment];
  const QuantSegment& q = batch.quant[segment.first_exact];
  const DecodeOutput& output = batch.outputs[block.output];
  const ElementType type = segment.header.type;
  const uint32_t n = output.bytes / element_info(type).bytes;
  const auto scale = [&](auto of) {
    scale_block<decltype(of)::kType, decltype(of)::kBytes>(
        q, block, n, batch.unit_numbers + block.units_at, values + q.values_at,
        scales + q.scales_at, zero_points + q.zero_points_at, batch.content + output.at);
  };
  switch (type) {
    case ElementType::bf16:
      return scale(Of<ElementType::bf16, 2>{});
    case ElementType::f16:
      return scale(Of<ElementType::f16, 2>{});
    case ElementType::f32:
      return scale(Of<ElementType::f32, 4>{});
    case ElementType::f8_e4m3:
      return scale(Of<ElementType::f8_e4m3, 1>{});
    case ElementType::f8_e5m2:
      return scale(Of<ElementType::f8_e5m2, 1>{});
    default:
      return scale(Of<ElementType::f64, 8>{});
  }
}
}  // namespace

cudaError_t scale_levels(const QuantBatch& batch, uint32_t count, const float* values,
                         const float* scales, const uint8_t* zero_points, const QuantTuning& tuning,
                         cudaStream_t stream) {
  if (count == 0) return cudaSuccess;
  return launch(Launch{dim3(count, tuning.scale_parts), dim3(tuning.scale_threads), 0, stream},
                scale_kernel, batch, values, scales, zero_points);
}
}  // namespace gramzip::kernels
