// SPDX-License-Identifier: Apache-2.0
// Encodes blocks of quantized weights, coder horner (docs/format.md, 16), from numbers of levels.
// One CTA a block.
//
//   measure:  escapes counted -> size -> raw or coded
//   write:    count | numbers | elements | zeros | words: a thread a word of k digits
//
// Exceptions are listed in order: 256 elements at a time, those before a thread's counted by
// ballots. Reads the numbers, 2 bytes an element, three times, and writes each coded byte once.
#include "kernels/common/block_write.h"
#include "kernels/common/quant_view.h"

namespace gramzip::kernels {
namespace {
constexpr uint32_t kThreads = 256, kWarps = kThreads / kWarp;

__device__ uint32_t count_escapes(const QuantView& v, uint32_t* sums) {
  const uint32_t warp = threadIdx.x / kWarp;
  uint32_t own = 0;
  for (uint32_t j = threadIdx.x; j < v.n; j += kThreads)
    own += v.indexes[j] == v.coding->levels ? 1 : 0;
  own = __reduce_add_sync(kAllLanes, own);
  if (threadIdx.x % kWarp == 0) sums[warp] = own;
  __syncthreads();
  uint32_t all = 0;
  for (uint32_t w = 0; w < kWarps; ++w) all += sums[w];
  return all;
}

__global__ void __launch_bounds__(kThreads) digits_measure_kernel(const QuantEncodeBatch batch) {
  __shared__ uint32_t sums[kWarps];
  const QuantView v(batch, blockIdx.x);
  if (!v.coding->horner) return;
  BlockState& state = *v.state;
  const BlockMode mode = state.mode;
  if (mode != BlockMode::raw) {
    if (threadIdx.x == 0) state.coded_bytes = mode == BlockMode::constant ? v.element : 4;
    return;
  }
  const uint32_t escapes = count_escapes(v, sums);  // behind its barrier all have read the mode
  if (threadIdx.x != 0) return;
  const uint64_t bytes = quant::plan_horner(v.n, v.element, v.coding->levels, escapes).bytes;
  const uint32_t size = v.n * v.element;
  state.mode = bytes < size ? BlockMode::coded : BlockMode::raw;
  state.coded_bytes = bytes < size ? static_cast<uint32_t>(bytes) : size;
}

// Escapes among the next 256 elements before this thread's, and all of them.
struct Before {
  uint32_t own, all;
};
__device__ Before count_before(bool escape, uint32_t* sums) {
  const uint32_t warp = threadIdx.x / kWarp, lane = threadIdx.x % kWarp;
  const uint32_t mask = __ballot_sync(kAllLanes, escape);
  if (lane == 0) sums[warp] = static_cast<uint32_t>(__popc(mask));
  __syncthreads();
  Before b{static_cast<uint32_t>(__popc(mask & ((1u << lane) - 1))), 0};
  for (uint32_t w = 0; w < kWarps; ++w) {
    if (w < warp) b.own += sums[w];
    b.all += sums[w];
  }
  __syncthreads();
  return b;
}

__device__ void write_coded(const QuantView& v, uint32_t* sums, uint8_t* out) {
  const uint32_t levels = v.coding->levels;
  const uint32_t escapes = count_escapes(v, sums);
  const quant::HornerPlan plan = quant::plan_horner(v.n, v.element, levels, escapes);
  auto* const numbers = reinterpret_cast<uint32_t*>(out);
  if (threadIdx.x == 0) numbers[0] = escapes;
  for (uint64_t i = plan.padding_at + threadIdx.x; i < plan.words_at; i += kThreads) out[i] = 0;
  __syncthreads();  // sums are free again
  uint32_t listed = 0;
  for (uint32_t begin = 0; begin < v.n && listed < escapes; begin += kThreads) {
    const uint32_t j = begin + threadIdx.x;
    const bool escape = j < v.n && v.indexes[j] == levels;
    const Before b = count_before(escape, sums);
    if (escape) {
      numbers[1 + listed + b.own] = j;
      store_element(out + plan.elements_at, listed + b.own, v.element,
                    load_element(v.content, j, v.element));
    }
    listed += b.all;
  }
  const uint32_t digits = quant::digits_per_word(levels);
  auto* const words = reinterpret_cast<uint64_t*>(out + plan.words_at);
  for (uint32_t w = threadIdx.x; w * digits < v.n; w += kThreads) {
    uint64_t x = 0;
    for (uint32_t j = min((w + 1) * digits, v.n); j-- > w * digits;) {
      const uint32_t digit = v.indexes[j];
      x = x * levels + (digit == levels ? 0 : digit);
    }
    words[w] = x;
  }
}

__global__ void __launch_bounds__(kThreads)
    digits_write_kernel(const QuantEncodeBatch batch, uint8_t* data) {
  __shared__ uint32_t sums[kWarps];
  const QuantView v(batch, blockIdx.x);
  if (!v.coding->horner) return;
  const BlockState& state = *v.state;
  uint8_t* const out =
      data + batch.segments[batch.blocks[blockIdx.x].segment].data_at + state.data_at;
  if (state.mode == BlockMode::coded)
    write_coded(v, sums, out);
  else if (threadIdx.x < kWarp)
    write_uncoded(state, v.content, out, threadIdx.x);
  if (threadIdx.x < kWarp)
    fill_zero(out, state.coded_bytes,
              static_cast<uint32_t>(round_up(state.coded_bytes, kBlockAlign)), threadIdx.x);
}
}  // namespace

cudaError_t digits_measure(const QuantEncodeBatch& batch, const QuantEncodeTuning&,
                           cudaStream_t stream) {
  if (batch.count == 0) return cudaSuccess;
  return launch(Launch{dim3(batch.count), dim3(kThreads), 0, stream}, digits_measure_kernel, batch);
}

cudaError_t digits_write(const QuantEncodeBatch& batch, uint8_t* data, const QuantEncodeTuning&,
                         cudaStream_t stream) {
  if (batch.count == 0) return cudaSuccess;
  return launch(Launch{dim3(batch.count), dim3(kThreads), 0, stream}, digits_write_kernel, batch,
                data);
}
}  // namespace gramzip::kernels
