// SPDX-License-Identifier: Apache-2.0
//
// The allocations of the emulated device.
#pragma once

#include <cuda_runtime.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

namespace simt {

// kRegistered: the caller's own memory, named by cudaHostRegister.
enum class MemoryKind { kDevice, kManaged, kPinned, kRegistered };

struct Allocation {
  uintptr_t address;
  size_t bytes;
  MemoryKind kind;
};

// Fresh memory holds junk and has guard bytes behind it.  Obeys Options::fail_alloc_at.
cudaError_t allocate_memory(void** result, size_t bytes, MemoryKind kind);
// The address must be one that allocate_memory() gave, of a kind that the caller may free.
cudaError_t release_memory(void* p, bool pinned);

cudaError_t register_memory(void* p, size_t bytes);
cudaError_t unregister_memory(void* p);

// The allocation that holds all of [address, address + size).
std::optional<Allocation> find_allocation(uintptr_t address, size_t size);
// Whether there is one.  Fast for repeated questions about the same allocation.
bool is_device_memory(uintptr_t address, size_t size);

size_t used_device_bytes();

// Describes an allocation whose guard bytes have changed; empty if there is none.  Repairs them, so
// that each overrun is reported once.
std::string find_overrun();

}  // namespace simt
