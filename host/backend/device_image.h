// SPDX-License-Identifier: Apache-2.0
// Arrays of a plan in one piece of device memory, and of a call in its temp. Part of the CUDA
// backend.
#pragma once
#include <cstring>

#include "gramzip/core/config.h"
#include "host/backend/device_buffer.h"
#include "host/backend/device_calls.h"
#include "kernels/bind.h"

namespace gramzip::device {
// Where an array of T lies in its memory.
template <class T>
struct Place {
  size_t at = 0;
  T* in(void* memory) const { return reinterpret_cast<T*>(static_cast<uint8_t*>(memory) + at); }
  const T* in(const void* memory) const {
    return reinterpret_cast<const T*>(static_cast<const uint8_t*>(memory) + at);
  }
};

class Layout {
 public:
  template <class T>
  Place<T> add(size_t n) {
    const Place<T> place{round_up(bytes_, kTempAlign)};
    bytes_ = place.at + n * sizeof(T);
    return place;
  }
  size_t bytes() const { return round_up(bytes_, kTempAlign); }

 private:
  size_t bytes_ = 0;
};

// What a plan's kernels read: filled on the host, then copied to the device once.
class Image {
 public:
  Image(const Image&) = delete;
  Image& operator=(const Image&) = delete;
  explicit Image(const Allocator& allocator) : allocator_(allocator) {}

  template <class T>
  Place<T> add(const std::vector<T>& values) {
    const Place<T> place = layout_.add<T>(values.size());
    bytes_.resize(layout_.bytes());
    if (!values.empty())
      std::memcpy(bytes_.data() + place.at, static_cast<const void*>(values.data()),
                  values.size() * sizeof(T));
    return place;
  }
  void upload(cudaStream_t stream) {
    if (bytes_.empty()) return;
    if (allocator_.allocate != nullptr)
      device_ = allocator_.allocate(allocator_.context, bytes_.size(), stream);
    else
      check_cuda(cudaMallocAsync(&device_, bytes_.size(), stream), "device memory of a plan");
    if (device_ == nullptr) fail(ErrorCode::no_memory, "the allocator gave no memory for a plan");
    try {
      if (reinterpret_cast<uintptr_t>(device_) % kTempAlign != 0)
        fail(ErrorCode::invalid_argument, "the allocator's memory is not aligned to 256 bytes");
      check_cuda(
          cudaMemcpyAsync(device_, bytes_.data(), bytes_.size(), cudaMemcpyHostToDevice, stream),
          "copying a plan");
    } catch (...) {
      release(stream);
      throw;
    }
  }
  void release(cudaStream_t stream) {
    if (device_ == nullptr) return;
    if (allocator_.release != nullptr)
      allocator_.release(allocator_.context, device_, bytes_.size(), stream);
    else
      cudaFreeAsync(device_, stream);
    device_ = nullptr;
  }
  const void* device() const { return device_; }

 private:
  Allocator allocator_;
  Layout layout_;
  std::vector<uint8_t> bytes_;
  void* device_ = nullptr;
};

// ---- Arguments of a call ----
inline void check_temp(const Temp& temp, size_t needed) {
  if (temp.bytes < needed)
    fail(ErrorCode::output_too_small, "the temp has " + std::to_string(temp.bytes) +
                                          " bytes, but " + std::to_string(needed) + " are needed");
  if (needed > 0 && (temp.p == nullptr || reinterpret_cast<uintptr_t>(temp.p) % kTempAlign != 0))
    fail(ErrorCode::invalid_argument, "the temp is null or not aligned to 256 bytes");
}

// Addresses of `count` owners, at most kOwners, as places; those that need nothing may be null.
template <class Needs>
kernels::Owners owners(const void* const* pointers, size_t first, size_t count, size_t align,
                       const char* what, const Needs& needs) {
  kernels::Owners o{};
  o.first = static_cast<uint32_t>(first);
  o.count =
      static_cast<uint32_t>(count < kernels::Owners::kOwners ? count : kernels::Owners::kOwners);
  for (uint32_t i = 0; i < o.count; ++i) {
    if (!needs(first + i)) continue;
    const auto address = reinterpret_cast<uintptr_t>(pointers[first + i]);
    if (address < kernels::kAddressBase || address % align != 0)
      fail(ErrorCode::invalid_argument, std::string(what) + " " + std::to_string(first + i) +
                                            " is null or not aligned to " + std::to_string(align) +
                                            " bytes");
    o.place[i] = address - kernels::kAddressBase;
  }
  return o;
}
// All owners, in as many launches as they need; every pointer is checked before.
template <class Needs>
std::vector<kernels::Owners> all_owners(const void* const* pointers, size_t count, size_t align,
                                        const char* what, const Needs& needs) {
  if (count > 0 && pointers == nullptr)
    fail(ErrorCode::invalid_argument,
         std::string("the array of pointers of each ") + what + " is null");
  std::vector<kernels::Owners> all;
  for (size_t first = 0; first < count; first += kernels::Owners::kOwners)
    all.push_back(owners(pointers, first, count - first, align, what, needs));
  return all;
}
inline void require_aligned(const void* p, size_t align, const char* what) {
  if (p == nullptr || reinterpret_cast<uintptr_t>(p) % align != 0)
    fail(ErrorCode::invalid_argument,
         std::string(what) + " is null or not aligned to " + std::to_string(align) + " bytes");
}
inline uint64_t place_of(const void* p) {
  return reinterpret_cast<uintptr_t>(p) - kernels::kAddressBase;
}
// A launch's own error; it is told, so it must not stick to the caller's thread.
inline void enqueued(cudaError_t status) {
  if (status != cudaSuccess) cudaGetLastError();
  check_cuda(status, "kernel launch");
}
}  // namespace gramzip::device
