// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstdint>

#include "host/backend/device_buffer.h"
#include "host/backend/device_memory.h"

namespace gramzip {
namespace {
// As check_cuda(); the error is told, so it must not stick to the caller's thread.
void check_call(cudaError_t status, const char* what) {
  if (status != cudaSuccess) cudaGetLastError();
  check_cuda(status, what);
}

class DeviceMemory final : public RandomBuffer {
 public:
  DeviceMemory(int device, uint8_t* p, uint64_t n) : device_(device), p_(p), size_(n) {
    std::string why;
    if (!device_answers(device, why)) fail(ErrorCode::device, why);
    choose_device();
    if (n > 0) {
      if (n - 1 > UINTPTR_MAX - reinterpret_cast<uintptr_t>(p))
        fail(ErrorCode::invalid_argument, "the array is larger than memory");
      check_place(p, "first");
      check_place(p + (n - 1), "last");
    }
    check_call(cudaDeviceSynchronize(), "work before the call");
    check_call(cudaStreamCreateWithFlags(&stream_, cudaStreamNonBlocking), "creating a stream");
  }
  ~DeviceMemory() override { cudaStreamDestroy(stream_); }

  uint64_t size() const override { return size_; }
  size_t read_at(uint64_t at, uint8_t* p, size_t n) override {
    if (at >= size_) return 0;
    n = static_cast<size_t>(std::min<uint64_t>(n, size_ - at));
    copy(p, p_ + at, n, cudaMemcpyDeviceToHost, "reading device memory");
    return n;
  }
  void write_at(uint64_t at, std::span<const uint8_t> bytes) override {
    if (at > size_ || bytes.size() > size_ - at)
      fail(ErrorCode::internal, "a write beyond the device memory");
    copy(p_ + at, bytes.data(), bytes.size(), cudaMemcpyHostToDevice, "writing device memory");
  }

 private:
  // The current device is each thread's own.
  void choose_device() const { check_call(cudaSetDevice(device_), "choosing the device"); }

  void check_place(const uint8_t* p, const char* which) const {
    cudaPointerAttributes a{};
    check_call(cudaPointerGetAttributes(&a, p), "asking where memory lies");
    const std::string byte = std::string("the ") + which + " byte of the array lies ";
    if (a.type != cudaMemoryTypeDevice && a.type != cudaMemoryTypeManaged)
      fail(ErrorCode::invalid_argument, byte + "in no device's memory");
    if (a.type == cudaMemoryTypeDevice && a.device != device_)
      fail(ErrorCode::invalid_argument, byte + "in memory of CUDA device " +
                                            std::to_string(a.device) + ", not " +
                                            std::to_string(device_));
  }

  // Complete when it returns: a copy from pageable memory alone may still be on its way.
  void copy(uint8_t* to, const uint8_t* from, size_t n, cudaMemcpyKind kind, const char* what) {
    if (n == 0) return;
    choose_device();
    check_call(cudaMemcpyAsync(to, from, n, kind, stream_), what);
    check_call(cudaStreamSynchronize(stream_), what);
  }

  int device_;
  uint8_t* p_;
  uint64_t size_;
  cudaStream_t stream_ = nullptr;
};
}  // namespace

std::shared_ptr<RandomSource> device_memory_source(int device, const void* p, uint64_t n) {
  // Nothing writes through a RandomSource.
  return device_memory_buffer(device, const_cast<void*>(p), n);
}

std::shared_ptr<RandomBuffer> device_memory_buffer(int device, void* p, uint64_t n) {
  return std::make_shared<DeviceMemory>(device, static_cast<uint8_t*>(p), n);
}
}  // namespace gramzip
