// SPDX-License-Identifier: Apache-2.0
// Quantizes elements, gives their levels' numbers, or elements for numbers.
//
//   patterns:  table[2^8 or 2^16] u16 in shared memory; 16 bytes a thread and step
//   search:    thresholds f64 | levels | cells u16 in shared memory (core/level_search.h)
//   pieces:    | threads x elements | ... | a CTA takes every gridDim-th one
//   groups:    scale and zero point from global memory, which neighbouring lanes share
//
// Each element is computed alone, with one rounding an operation: contraction is off, division is
// IEEE's. Reads each element once and writes it, or its 16-bit number, once.
#include "kernels/quantize.h"

#include "gramzip/core/float_values.h"

namespace gramzip::kernels {
namespace {
using quant::LevelSearch;

template <class Bits, class Out>
__global__ void patterns_kernel(const Bits* elements, uint64_t n, const uint16_t* table, Out* out) {
  GRAMZIP_DYN_SHARED(uint16_t, shared);
  constexpr uint32_t patterns = 1u << (8 * sizeof(Bits)), vector = 16 / sizeof(Bits);
  for (uint32_t i = threadIdx.x; i < patterns / 8; i += blockDim.x)
    reinterpret_cast<uint4*>(shared)[i] = reinterpret_cast<const uint4*>(table)[i];
  __syncthreads();
  const uint64_t thread = uint64_t{blockIdx.x} * blockDim.x + threadIdx.x;
  const uint64_t threads = uint64_t{gridDim.x} * blockDim.x;
  for (uint64_t i = thread; i < n / vector; i += threads) {
    union {
      uint4 all;
      Bits each[vector];
    } from;
    union {
      uint4 all[sizeof(Out) / sizeof(Bits)];
      Out each[vector];
    } to;
    from.all = reinterpret_cast<const uint4*>(elements)[i];
#pragma unroll
    for (uint32_t k = 0; k < vector; ++k) to.each[k] = static_cast<Out>(shared[from.each[k]]);
#pragma unroll
    for (uint32_t k = 0; k < sizeof(Out) / sizeof(Bits); ++k)
      reinterpret_cast<uint4*>(out)[i * (sizeof(Out) / sizeof(Bits)) + k] = to.all[k];
  }
  const uint64_t last = n / vector * vector + thread;  // fewer than `vector`
  if (last < n) out[last] = static_cast<Out>(shared[elements[last]]);
}

// Calls f(i, g) for the elements of the thread; g is i's group.
template <class F>
__device__ void for_elements(uint64_t n, const DeviceLevels& levels, uint32_t each, F&& f) {
  const uint32_t piece = blockDim.x * each;
  for (uint64_t begin = uint64_t{blockIdx.x} * piece; begin < n;
       begin += uint64_t{gridDim.x} * piece) {
    uint64_t g = 0;
    uint32_t phase = 0;
    if (levels.group != 0) {
      g = (levels.first + begin) / levels.group;
      phase = static_cast<uint32_t>(levels.first + begin - g * levels.group);
    }
    for (uint32_t k = threadIdx.x; k < piece && begin + k < n; k += blockDim.x)
      f(begin + k, levels.group == 0 ? 0 : g + (phase + k) / levels.group);
  }
}

// The element of level i in group g. `values` and `elements` are those of DeviceLevels, in shared
// memory.
template <ElementType type>
__device__ typename FloatValues<type>::Bits level_element(const DeviceLevels& levels,
                                                          const uint64_t* elements,
                                                          const float* values, uint32_t i,
                                                          uint64_t g) {
  using V = FloatValues<type>;
  if (levels.group == 0) return static_cast<typename V::Bits>(elements[i]);
  float value = values[i];
  if (levels.zero_points != nullptr) value -= static_cast<float>(levels.zero_points[g]);
  return V::from_float(levels.scales[g] * value);
}

template <ElementType type>
__device__ uint32_t level_of(const DeviceLevels& levels, const LevelSearch& search,
                             typename FloatValues<type>::Bits bits, uint64_t g) {
  using V = FloatValues<type>;
  const bool finite = V::finite(bits);
  double x = V::to_double(finite ? bits : typename V::Bits{0});
  if (levels.group != 0) {
    const double scale = levels.scales[g];
    x = scale != 0 ? x / scale : 0.0;
    if (levels.zero_points != nullptr) x += static_cast<double>(levels.zero_points[g]);
  }
  return search.steps <= 1 ? search.level<1>(x, finite) : search.level(x, finite);
}

// The tables of a quantizer in shared memory, by all threads of the CTA; a barrier must follow.
struct SharedTables {
  double* thresholds;
  uint64_t* elements;
  float* values;
  uint16_t* first;

  static __host__ __device__ uint32_t level_bytes(const DeviceLevels& levels) {
    return levels.count * (levels.group == 0 ? 8 : 4);
  }
  __device__ void load(uint8_t* shared, const DeviceLevels& levels) {
    elements = reinterpret_cast<uint64_t*>(shared);
    values = reinterpret_cast<float*>(shared);
    for (uint32_t i = threadIdx.x; i < levels.count; i += blockDim.x)
      if (levels.group == 0)
        elements[i] = levels.elements[i];
      else
        values[i] = levels.values[i];
  }
  static __host__ __device__ uint32_t padded(const LevelSearch& s) {
    return s.count + (1u << s.steps);
  }
  __device__ void load(uint8_t* shared, const DeviceLevels& levels, const LevelSearch& s) {
    thresholds = reinterpret_cast<double*>(shared);
    load(shared + padded(s) * sizeof(double), levels);
    first = reinterpret_cast<uint16_t*>(shared + padded(s) * sizeof(double) + level_bytes(levels));
    for (uint32_t i = threadIdx.x; i < padded(s); i += blockDim.x) thresholds[i] = s.thresholds[i];
    for (uint32_t i = threadIdx.x; i < static_cast<uint32_t>(s.cells); i += blockDim.x)
      first[i] = s.first[i];
  }
  static uint32_t bytes(const DeviceLevels& levels, const LevelSearch& s) {
    return padded(s) * 8 + level_bytes(levels) + static_cast<uint32_t>(s.cells) * 2;
  }
};

// To elements, or, if indexes is not null, to these.
template <ElementType type>
__global__ void search_kernel(typename FloatValues<type>::Bits* elements, uint64_t n,
                              DeviceLevels levels, LevelSearch search, uint32_t each,
                              uint16_t* indexes) {
  GRAMZIP_DYN_SHARED(uint8_t, shared);
  SharedTables tables;
  tables.load(shared, levels, search);
  search.thresholds = tables.thresholds;
  search.first = tables.first;
  __syncthreads();
  for_elements(n, levels, each, [&](uint64_t i, uint64_t g) {
    const uint32_t level = level_of<type>(levels, search, elements[i], g);
    if (indexes != nullptr)
      indexes[i] = static_cast<uint16_t>(level);
    else if (level < levels.count)
      elements[i] = level_element<type>(levels, tables.elements, tables.values, level, g);
  });
}

template <ElementType type>
__global__ void dequantize_kernel(const uint16_t* indexes, uint64_t n, DeviceLevels levels,
                                  uint32_t each, typename FloatValues<type>::Bits* elements) {
  GRAMZIP_DYN_SHARED(uint8_t, shared);
  SharedTables tables;
  tables.load(shared, levels);
  __syncthreads();
  for_elements(n, levels, each, [&](uint64_t i, uint64_t g) {
    const uint32_t level = indexes[i];
    if (level < levels.count)
      elements[i] = level_element<type>(levels, tables.elements, tables.values, level, g);
  });
}

uint32_t ctas_for(uint64_t n, uint64_t piece, uint32_t most) {
  const uint64_t all = ceil_div(n, piece);
  return static_cast<uint32_t>(all < most ? all : most);
}

template <class Bits, class Out>
cudaError_t map_patterns(const uint8_t* elements, uint64_t n, const uint16_t* table, void* out,
                         const QuantizeTuning& tuning, cudaStream_t stream) {
  if (n == 0) return cudaSuccess;
  constexpr uint32_t table_bytes = 2u << (8 * sizeof(Bits));
  const bool large = sizeof(Bits) == 2;
  const uint32_t threads = large ? tuning.table_threads : tuning.threads;
  const uint32_t ctas =
      ctas_for(n, threads * (16 / sizeof(Bits)), large ? tuning.table_ctas : tuning.ctas);
  return launch(Launch{dim3(ctas), dim3(threads), table_bytes, stream}, patterns_kernel<Bits, Out>,
                reinterpret_cast<const Bits*>(elements), n, table, static_cast<Out*>(out));
}

cudaError_t search(ElementType type, uint8_t* elements, uint64_t n, const DeviceLevels& levels,
                   const LevelSearch& s, uint16_t* indexes, const QuantizeTuning& tuning,
                   cudaStream_t stream) {
  if (n == 0) return cudaSuccess;
  const Launch config{dim3(ctas_for(n, uint64_t{tuning.threads} * tuning.elements, tuning.ctas)),
                      dim3(tuning.threads), SharedTables::bytes(levels, s), stream};
  cudaError_t status = cudaErrorInvalidValue;
  with_float_type(type, [&]<ElementType t>() {
    status =
        launch(config, search_kernel<t>, reinterpret_cast<typename FloatValues<t>::Bits*>(elements),
               n, levels, s, tuning.elements, indexes);
  });
  return status;
}
}  // namespace

cudaError_t quantize_patterns(uint32_t element_bytes, uint8_t* elements, uint64_t n,
                              const uint16_t* table, const QuantizeTuning& tuning,
                              cudaStream_t stream) {
  return element_bytes == 1
             ? map_patterns<uint8_t, uint8_t>(elements, n, table, elements, tuning, stream)
             : map_patterns<uint16_t, uint16_t>(elements, n, table, elements, tuning, stream);
}

cudaError_t index_patterns(uint32_t element_bytes, const uint8_t* elements, uint64_t n,
                           const uint16_t* table, uint16_t* indexes, const QuantizeTuning& tuning,
                           cudaStream_t stream) {
  return element_bytes == 1
             ? map_patterns<uint8_t, uint16_t>(elements, n, table, indexes, tuning, stream)
             : map_patterns<uint16_t, uint16_t>(elements, n, table, indexes, tuning, stream);
}

cudaError_t quantize_elements(ElementType type, uint8_t* elements, uint64_t n,
                              const DeviceLevels& levels, const LevelSearch& s,
                              const QuantizeTuning& tuning, cudaStream_t stream) {
  return search(type, elements, n, levels, s, nullptr, tuning, stream);
}

cudaError_t index_elements(ElementType type, const uint8_t* elements, uint64_t n,
                           const DeviceLevels& levels, const LevelSearch& s, uint16_t* indexes,
                           const QuantizeTuning& tuning, cudaStream_t stream) {
  // With indexes the kernel writes no element.
  return search(type, const_cast<uint8_t*>(elements), n, levels, s, indexes, tuning, stream);
}

cudaError_t dequantize(ElementType type, const uint16_t* indexes, uint64_t n,
                       const DeviceLevels& levels, uint8_t* elements, const QuantizeTuning& tuning,
                       cudaStream_t stream) {
  if (n == 0) return cudaSuccess;
  const Launch config{dim3(ctas_for(n, uint64_t{tuning.threads} * tuning.elements, tuning.ctas)),
                      dim3(tuning.threads), SharedTables::level_bytes(levels), stream};
  cudaError_t status = cudaErrorInvalidValue;
  with_float_type(type, [&]<ElementType t>() {
    status = launch(config, dequantize_kernel<t>, indexes, n, levels, tuning.elements,
                    reinterpret_cast<typename FloatValues<t>::Bits*>(elements));
  });
  return status;
}
}  // namespace gramzip::kernels
