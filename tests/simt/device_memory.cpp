// SPDX-License-Identifier: Apache-2.0
#include "simt/device_memory.h"

#include <atomic>
#include <cstdlib>
#include <cstring>
#include <map>
#include <mutex>

#include "simt/options.h"
#include "simt/runtime.h"
#include "simt/sanitizer.h"

namespace simt {
namespace {

constexpr size_t kAlignment = 256;  // cudaMalloc's
constexpr size_t kGuardBytes = 64;
constexpr unsigned char kJunk = 0xA5;
constexpr unsigned char kFreed = 0x5A;
constexpr unsigned char kGuard = 0x5C;

std::mutex mutex;
std::map<uintptr_t, Allocation> allocations;  // by address
size_t used_bytes = 0;                        // of the device
// Changes with every allocation, so that cached look-ups expire.
std::atomic<uint64_t> generation{1};

size_t padded(size_t bytes) {
  return (bytes + kGuardBytes + kAlignment - 1) / kAlignment * kAlignment;
}

bool is_on_device(MemoryKind kind) {
  return kind == MemoryKind::kDevice || kind == MemoryKind::kManaged;
}

}  // namespace

cudaError_t allocate_memory(void** result, size_t bytes, MemoryKind kind) {
  if (!result) return set_last_error(cudaErrorInvalidValue);
  *result = nullptr;
  const std::lock_guard<std::mutex> lock(mutex);
  if (options().fail_alloc_at > 0 && --options().fail_alloc_at == 0) {
    return set_last_error(cudaErrorMemoryAllocation);
  }
  if (bytes == 0) return cudaSuccess;
  const size_t limit = options().device_memory_bytes;
  if (is_on_device(kind) && (bytes > limit || used_bytes > limit - bytes)) {
    return set_last_error(cudaErrorMemoryAllocation);
  }
  void* p = std::aligned_alloc(kAlignment, padded(bytes));
  if (!p) return set_last_error(cudaErrorMemoryAllocation);
  auto* data = static_cast<char*>(p);
  std::memset(data, kJunk, bytes);
  std::memset(data + bytes, kGuard, padded(bytes) - bytes);
  SIMT_ASAN_POISON(data + bytes, padded(bytes) - bytes);
  const auto address = reinterpret_cast<uintptr_t>(p);
  allocations[address] = {address, bytes, kind};
  if (is_on_device(kind)) used_bytes += bytes;
  ++generation;
  *result = p;
  return cudaSuccess;
}

cudaError_t release_memory(void* p, bool pinned) {
  if (!p) return cudaSuccess;
  const std::lock_guard<std::mutex> lock(mutex);
  const auto found = allocations.find(reinterpret_cast<uintptr_t>(p));
  if (found == allocations.end() || found->second.kind == MemoryKind::kRegistered ||
      (found->second.kind == MemoryKind::kPinned) != pinned) {
    return set_last_error(cudaErrorInvalidValue);
  }
  const Allocation a = found->second;
  allocations.erase(found);
  if (is_on_device(a.kind)) used_bytes -= a.bytes;
  ++generation;
  SIMT_ASAN_UNPOISON(p, padded(a.bytes));
  // What a kernel reads after the free must not look right.
  std::memset(p, kFreed, a.bytes);
  std::free(p);
  return cudaSuccess;
}

cudaError_t register_memory(void* p, size_t bytes) {
  if (!p || bytes == 0) return set_last_error(cudaErrorInvalidValue);
  const std::lock_guard<std::mutex> lock(mutex);
  const auto address = reinterpret_cast<uintptr_t>(p);
  const Allocation a{address, bytes, MemoryKind::kRegistered};
  if (!allocations.try_emplace(address, a).second) return set_last_error(cudaErrorInvalidValue);
  ++generation;
  return cudaSuccess;
}

cudaError_t unregister_memory(void* p) {
  const std::lock_guard<std::mutex> lock(mutex);
  const auto found = allocations.find(reinterpret_cast<uintptr_t>(p));
  if (found == allocations.end() || found->second.kind != MemoryKind::kRegistered) {
    return set_last_error(cudaErrorInvalidValue);
  }
  allocations.erase(found);
  ++generation;
  return cudaSuccess;
}

std::optional<Allocation> find_allocation(uintptr_t address, size_t size) {
  const std::lock_guard<std::mutex> lock(mutex);
  auto i = allocations.upper_bound(address);
  if (i == allocations.begin()) return std::nullopt;
  const Allocation& a = (--i)->second;
  const size_t offset = address - a.address;
  if (offset > a.bytes || size > a.bytes - offset) return std::nullopt;
  return a;
}

bool is_device_memory(uintptr_t address, size_t size) {
  thread_local uint64_t cached_generation = 0;
  thread_local Allocation cached{};
  const uint64_t now = generation;
  const size_t offset = address - cached.address;
  if (cached_generation == now && offset <= cached.bytes && size <= cached.bytes - offset) {
    return true;
  }
  const std::optional<Allocation> found = find_allocation(address, size);
  if (!found) return false;
  cached_generation = now;
  cached = *found;
  return true;
}

size_t used_device_bytes() {
  const std::lock_guard<std::mutex> lock(mutex);
  return used_bytes;
}

std::string find_overrun() {
  const std::lock_guard<std::mutex> lock(mutex);
  std::string report;
  for (const auto& [address, a] : allocations) {
    if (a.kind == MemoryKind::kRegistered) continue;
    auto* guard = reinterpret_cast<unsigned char*>(address + a.bytes);
    SIMT_ASAN_UNPOISON(guard, kGuardBytes);
    for (size_t i = 0; i < kGuardBytes; ++i) {
      if (guard[i] == kGuard) continue;
      if (report.empty()) {
        report = "wrote behind the end of an allocation of " + std::to_string(a.bytes) +
                 " bytes, at offset " + std::to_string(a.bytes + i);
      }
      guard[i] = kGuard;
    }
    SIMT_ASAN_POISON(guard, kGuardBytes);
  }
  return report;
}

size_t live_allocations() {
  const std::lock_guard<std::mutex> lock(mutex);
  return allocations.size();
}

}  // namespace simt
