// SPDX-License-Identifier: Apache-2.0
// Addresses into a batch, staged parts to their places, statuses out.
//
//   plan's image:  places from the owner's first byte  --+ address of the owner -->  temp: places
//   parts:         staged block | .. part .. |  -->  item  | ........ |
//
// bind and report: a thread an entry. copy: a CTA a part, in units of the widest power of two up to
// 16 that divides the distance of the two places. Bound by latency but for the copies, which move 2
// bytes a byte. Every entry is written by one thread; the sum of bad blocks has no order.
#include "kernels/bind.h"

namespace gramzip::kernels {
namespace {
__device__ bool owns(const Owners& o, uint32_t owner) {
  return owner >= o.first && owner - o.first < o.count;
}

__global__ void bind_archives_kernel(DecodeTemplate from, DecodeBound to, Owners archives) {
  const uint32_t i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < from.segment_count && owns(archives, from.archive_of[i])) {
    DeviceSegment s = from.segments[i];
    s.data_at += archives.place[from.archive_of[i] - archives.first];
    to.segments[i] = s;
  }
  if (i >= from.block_count) return;
  const uint32_t archive = from.archive_of[from.segment_of[i]];
  if (!owns(archives, archive)) return;
  HashRange r = from.coded_ranges[i];
  r.at += archives.place[archive - archives.first];
  to.coded_ranges[i] = r;
}

__global__ void bind_outputs_kernel(DecodeTemplate from, DecodeBound to, Owners items, bool staged,
                                    uint64_t staging) {
  const uint32_t i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i >= from.output_count) return;
  const uint32_t item = from.item_of[i];
  const bool mine = item == DecodeTemplate::kStaged ? staged : owns(items, item);
  if (!mine) return;
  DecodeOutput o = from.outputs[i];
  o.at += item == DecodeTemplate::kStaged ? staging : items.place[item - items.first];
  o.planes_at += staging;
  to.outputs[i] = o;
  to.decoded_ranges[i] = {o.at, o.bytes};
}

__global__ void bind_bases_kernel(DecodeTemplate from, DecodeBound to, Owners bases) {
  const uint32_t i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i >= from.output_count) return;
  const uint32_t archive = from.archive_of_output[i];
  if (owns(bases, archive)) to.outputs[i].base_at += bases.place[archive - bases.first];
}

__global__ void bind_arrays_kernel(EncodeTemplate from, EncodeBound to, Owners inputs,
                                   Owners outputs) {
  const uint32_t i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < from.array_count && owns(outputs, i)) to.output_at[i] = outputs.place[i - outputs.first];
  if (i < from.segment_count && owns(inputs, from.array_of[i])) {
    const uint64_t at = inputs.place[from.array_of[i] - inputs.first];
    DeviceSegment s = from.segments[i];
    s.content_at += at;
    to.segments[i] = s;
    EncodePlaces p = from.places[i];
    p.elements_at += at;
    to.places[i] = p;
    HashRange r = from.segment_ranges[i];
    r.at += at;
    to.segment_ranges[i] = r;
  }
  if (i >= from.block_count) return;
  const uint32_t array = from.array_of[from.blocks[i].segment];
  if (!owns(inputs, array)) return;
  HashRange r = from.content_ranges[i];
  r.at += inputs.place[array - inputs.first];
  to.content_ranges[i] = r;
}

template <class T>
__device__ void copy_units(const uint8_t* from, uint8_t* to, uint32_t bytes) {
  // Bytes in front of the first whole unit and behind the last one go one by one.
  const auto skip = static_cast<uint32_t>((0 - reinterpret_cast<uintptr_t>(to)) & (sizeof(T) - 1));
  const uint32_t head = skip < bytes ? skip : bytes;
  const uint32_t units = (bytes - head) / sizeof(T), tail = head + units * sizeof(T);
  for (uint32_t i = threadIdx.x; i < units; i += blockDim.x)
    reinterpret_cast<T*>(to + head)[i] = reinterpret_cast<const T*>(from + head)[i];
  if (threadIdx.x < head) to[threadIdx.x] = from[threadIdx.x];
  if (tail + threadIdx.x < bytes) to[tail + threadIdx.x] = from[tail + threadIdx.x];
}

__global__ void copy_parts_kernel(const StagedPart* parts, const DecodeOutput* outputs,
                                  Owners items, uint8_t* memory) {
  const StagedPart part = parts[blockIdx.x];
  if (!owns(items, part.item)) return;
  const DecodeOutput& o = outputs[part.output];
  if (o.status != BlockStatus::ok) return;
  const uint8_t* from = memory + (o.at + part.from);
  uint8_t* to = memory + (items.place[part.item - items.first] + part.to);
  const auto apart = static_cast<uint32_t>(
      (reinterpret_cast<uintptr_t>(from) ^ reinterpret_cast<uintptr_t>(to)) & 15);
  if (apart == 0) return copy_units<uint4>(from, to, part.bytes);
  if (apart % 8 == 0) return copy_units<uint2>(from, to, part.bytes);
  if (apart % 4 == 0) return copy_units<uint32_t>(from, to, part.bytes);
  if (apart % 2 == 0) return copy_units<uint16_t>(from, to, part.bytes);
  copy_units<uint8_t>(from, to, part.bytes);
}

__global__ void report_kernel(const DecodeOutput* outputs, uint32_t count, uint32_t* statuses,
                              uint32_t* bad) {
  const uint32_t i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i >= count) return;
  const auto status = static_cast<uint32_t>(outputs[i].status);
  statuses[i] = status;
  if (status != 0) atomicAdd(bad, 1u);
}

Launch a_thread_each(uint32_t count, const BindTuning& tuning, cudaStream_t stream) {
  return {dim3(static_cast<uint32_t>(ceil_div(count, tuning.threads))), dim3(tuning.threads), 0,
          stream};
}
}  // namespace

cudaError_t bind_archives(const DecodeTemplate& from, const DecodeBound& to, const Owners& archives,
                          const BindTuning& tuning, cudaStream_t stream) {
  const uint32_t count =
      from.segment_count > from.block_count ? from.segment_count : from.block_count;
  if (count == 0) return cudaSuccess;
  return launch(a_thread_each(count, tuning, stream), bind_archives_kernel, from, to, archives);
}

cudaError_t bind_outputs(const DecodeTemplate& from, const DecodeBound& to, const Owners& items,
                         bool staged, uint64_t staging, const BindTuning& tuning,
                         cudaStream_t stream) {
  if (from.output_count == 0) return cudaSuccess;
  return launch(a_thread_each(from.output_count, tuning, stream), bind_outputs_kernel, from, to,
                items, staged, staging);
}

cudaError_t bind_bases(const DecodeTemplate& from, const DecodeBound& to, const Owners& bases,
                       const BindTuning& tuning, cudaStream_t stream) {
  if (from.output_count == 0) return cudaSuccess;
  return launch(a_thread_each(from.output_count, tuning, stream), bind_bases_kernel, from, to,
                bases);
}

cudaError_t bind_arrays(const EncodeTemplate& from, const EncodeBound& to, const Owners& inputs,
                        const Owners& outputs, const BindTuning& tuning, cudaStream_t stream) {
  const uint32_t count = from.block_count > from.array_count ? from.block_count : from.array_count;
  if (count == 0) return cudaSuccess;
  return launch(a_thread_each(count, tuning, stream), bind_arrays_kernel, from, to, inputs,
                outputs);
}

cudaError_t copy_parts(const StagedPart* parts, uint32_t count, const DecodeOutput* outputs,
                       const Owners& items, const BindTuning& tuning, cudaStream_t stream) {
  if (count == 0) return cudaSuccess;
  return launch(Launch{dim3(count), dim3(tuning.threads), 0, stream}, copy_parts_kernel, parts,
                outputs, items, const_cast<uint8_t*>(address_base()));
}

cudaError_t report(const DecodeOutput* outputs, uint32_t count, uint32_t* statuses, uint32_t* bad,
                   const BindTuning& tuning, cudaStream_t stream) {
  const cudaError_t status = cudaMemsetAsync(bad, 0, sizeof *bad, stream);
  if (status != cudaSuccess || count == 0) return status;
  return launch(a_thread_each(count, tuning, stream), report_kernel, outputs, count, statuses, bad);
}
}  // namespace gramzip::kernels
