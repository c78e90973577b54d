// SPDX-License-Identifier: Apache-2.0
//
// The memory functions of the CUDA runtime.  Copies are stricter than the device's: a wrong
// direction or a range that leaves its allocation is refused.
#include <cuda_runtime.h>

#include <cstring>

#include "simt/device_memory.h"
#include "simt/options.h"
#include "simt/runtime.h"
#include "simt/runtime_graph.h"

namespace simt {
namespace {

// What a copy may assume of one of its ends.
enum class Side { kAny, kHost, kDevice };

bool valid_end(const void* p, size_t bytes, Side side) {
  const auto address = reinterpret_cast<uintptr_t>(p);
  const std::optional<Allocation> start = find_allocation(address, 1);
  // Memory outside every allocation is the host's.
  if (!start) return side != Side::kDevice;
  const bool fits = find_allocation(address, bytes).has_value();
  switch (start->kind) {
    case MemoryKind::kDevice:
      return side != Side::kHost && fits;
    case MemoryKind::kManaged:
      return fits;
    case MemoryKind::kPinned:
      return side != Side::kDevice && fits;
    case MemoryKind::kRegistered:
      return side != Side::kDevice;
  }
  return false;
}

bool on_device(const void* p) {
  const auto found = find_allocation(reinterpret_cast<uintptr_t>(p), 1);
  return found && (found->kind == MemoryKind::kDevice || found->kind == MemoryKind::kManaged);
}

cudaError_t copy(void* to, const void* from, size_t bytes, cudaMemcpyKind kind) {
  if (bytes == 0) return cudaSuccess;
  ++(on_device(to) && on_device(from) ? call_counters().device_copies
                                      : call_counters().host_copies);
  Side target = Side::kAny, source = Side::kAny;
  if (kind != cudaMemcpyDefault) {
    const bool to_device = kind == cudaMemcpyHostToDevice || kind == cudaMemcpyDeviceToDevice;
    const bool from_device = kind == cudaMemcpyDeviceToHost || kind == cudaMemcpyDeviceToDevice;
    target = to_device ? Side::kDevice : Side::kHost;
    source = from_device ? Side::kDevice : Side::kHost;
  }
  if (!to || !from || !valid_end(to, bytes, target) || !valid_end(from, bytes, source)) {
    return set_last_error(cudaErrorInvalidValue);
  }
  std::memmove(to, from, bytes);
  return cudaSuccess;
}

cudaError_t fill(void* to, int value, size_t bytes) {
  if (bytes == 0) return cudaSuccess;
  ++call_counters().fills;
  if (!to || !is_device_memory(reinterpret_cast<uintptr_t>(to), bytes)) {
    return set_last_error(cudaErrorInvalidValue);
  }
  std::memset(to, value, bytes);
  return cudaSuccess;
}

// Of calls that wait for the device or change its memory: not within a capture.
cudaError_t counted(std::atomic<uint64_t>& counter) {
  ++counter;
  return leave_captures() ? cudaSuccess : set_last_error(cudaErrorStreamCaptureUnsupported);
}

cudaError_t allocate(void** p, size_t bytes, MemoryKind kind) {
  const cudaError_t status = counted(call_counters().allocations);
  return status == cudaSuccess ? allocate_memory(p, bytes, kind) : status;
}
cudaError_t release(void* p, bool pinned) {
  const cudaError_t status = counted(call_counters().allocations);
  return status == cudaSuccess ? release_memory(p, pinned) : status;
}

}  // namespace
}  // namespace simt

using simt::MemoryKind;

extern "C" {

cudaError_t cudaMalloc(void** p, size_t bytes) {
  return simt::allocate(p, bytes, MemoryKind::kDevice);
}
cudaError_t cudaMallocAsync(void** p, size_t bytes, cudaStream_t) {
  return simt::allocate(p, bytes, MemoryKind::kDevice);
}
cudaError_t cudaMallocManaged(void** p, size_t bytes, unsigned) {
  return simt::allocate(p, bytes, MemoryKind::kManaged);
}
cudaError_t cudaMallocHost(void** p, size_t bytes) {
  return simt::allocate(p, bytes, MemoryKind::kPinned);
}
cudaError_t cudaHostAlloc(void** p, size_t bytes, unsigned) {
  return simt::allocate(p, bytes, MemoryKind::kPinned);
}
cudaError_t cudaFree(void* p) { return simt::release(p, false); }
cudaError_t cudaFreeAsync(void* p, cudaStream_t) { return simt::release(p, false); }
cudaError_t cudaFreeHost(void* p) { return simt::release(p, true); }
cudaError_t cudaHostRegister(void* p, size_t bytes, unsigned) {
  return simt::register_memory(p, bytes);
}
cudaError_t cudaHostUnregister(void* p) { return simt::unregister_memory(p); }

cudaError_t cudaMemcpy(void* to, const void* from, size_t bytes, cudaMemcpyKind kind) {
  const cudaError_t status = simt::counted(simt::call_counters().waits);
  return status == cudaSuccess ? simt::copy(to, from, bytes, kind) : status;
}
cudaError_t cudaMemcpyAsync(void* to, const void* from, size_t bytes, cudaMemcpyKind kind,
                            cudaStream_t stream) {
  if (!simt::is_capturing(stream)) return simt::copy(to, from, bytes, kind);
  simt::record(stream, [=] { return simt::copy(to, from, bytes, kind); });
  return cudaSuccess;
}
cudaError_t cudaMemset(void* to, int value, size_t bytes) {
  const cudaError_t status = simt::counted(simt::call_counters().waits);
  return status == cudaSuccess ? simt::fill(to, value, bytes) : status;
}
cudaError_t cudaMemsetAsync(void* to, int value, size_t bytes, cudaStream_t stream) {
  if (!simt::is_capturing(stream)) return simt::fill(to, value, bytes);
  simt::record(stream, [=] { return simt::fill(to, value, bytes); });
  return cudaSuccess;
}

cudaError_t cudaMemGetInfo(size_t* free_bytes, size_t* total_bytes) {
  const size_t total = simt::options().device_memory_bytes;
  const size_t used = simt::used_device_bytes();
  *total_bytes = total;
  *free_bytes = total > used ? total - used : 0;
  return cudaSuccess;
}

cudaError_t cudaPointerGetAttributes(cudaPointerAttributes* result, const void* p) {
  ++simt::call_counters().other;
  *result = {};
  const auto found = simt::find_allocation(reinterpret_cast<uintptr_t>(p), 1);
  result->type = !found                                ? cudaMemoryTypeUnregistered
                 : found->kind == MemoryKind::kDevice  ? cudaMemoryTypeDevice
                 : found->kind == MemoryKind::kManaged ? cudaMemoryTypeManaged
                                                       : cudaMemoryTypeHost;
  if (found) result->devicePointer = const_cast<void*>(p);
  if (result->type != cudaMemoryTypeDevice) result->hostPointer = const_cast<void*>(p);
  return cudaSuccess;
}

// One pool, which keeps nothing.
cudaError_t cudaDeviceGetDefaultMemPool(cudaMemPool_t* pool, int) {
  *pool = nullptr;
  return cudaSuccess;
}
cudaError_t cudaMemPoolSetAttribute(cudaMemPool_t, cudaMemPoolAttr, void*) { return cudaSuccess; }
cudaError_t cudaMemPoolTrimTo(cudaMemPool_t, size_t) { return cudaSuccess; }

}  // extern "C"
