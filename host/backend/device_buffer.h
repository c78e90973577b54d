// SPDX-License-Identifier: Apache-2.0
// Device memory that grows and is reused from call to call, and errors of the CUDA runtime as
// Error. Part of the CUDA backend: CUDA headers are allowed here.
#pragma once
#include <span>
#include <string>
#include <vector>

#include "host/base/error.h"
#include "kernels/common/simt.h"

namespace gramzip {
inline void check_cuda(cudaError_t status, const char* what) {
  if (status == cudaSuccess) return;
  const ErrorCode code =
      status == cudaErrorMemoryAllocation ? ErrorCode::no_memory : ErrorCode::device;
  fail(code, std::string("CUDA, ") + what + ": " + cudaGetErrorString(status));
}

// Whether there is such a device; else `why` says in one line what there is.
inline bool device_answers(int device, std::string& why) {
  int devices = 0;
  const cudaError_t status = cudaGetDeviceCount(&devices);
  if (status != cudaSuccess || devices == 0) {
    why = "no CUDA device answers: ";
    why += status == cudaSuccess ? "there is none" : cudaGetErrorString(status);
    cudaGetLastError();  // the error is told; it must not stick
    return false;
  }
  if (device >= 0 && device < devices) return true;
  why = "CUDA device " + std::to_string(device) + " of " + std::to_string(devices) +
        " does not exist";
  return false;
}

template <class T>
class DeviceBuffer {
 public:
  DeviceBuffer() = default;
  DeviceBuffer(const DeviceBuffer&) = delete;
  DeviceBuffer& operator=(const DeviceBuffer&) = delete;
  ~DeviceBuffer() { cudaFree(p_); }
  // Room for n elements; the contents are lost if it has to grow.
  T* reserve(size_t n) {
    if (n > room_) {
      cudaFree(p_);
      p_ = nullptr;
      room_ = 0;
      void* p = nullptr;
      check_cuda(cudaMalloc(&p, n * sizeof(T)), "device memory");
      p_ = static_cast<T*>(p);
      room_ = n;
    }
    return p_;
  }
  T* upload(std::span<const T> host, cudaStream_t stream) {
    reserve(host.size());
    if (!host.empty())
      check_cuda(
          cudaMemcpyAsync(p_, host.data(), host.size_bytes(), cudaMemcpyHostToDevice, stream),
          "upload");
    return p_;
  }
  T* upload(const std::vector<T>& host, cudaStream_t stream) {
    return upload(std::span<const T>(host), stream);
  }
  std::vector<T> download(size_t n, cudaStream_t stream) const {
    std::vector<T> host(n);
    if (n > 0)
      check_cuda(cudaMemcpyAsync(host.data(), p_, n * sizeof(T), cudaMemcpyDeviceToHost, stream),
                 "download");
    check_cuda(cudaStreamSynchronize(stream), "download");
    return host;
  }
  T* get() const { return p_; }

 private:
  T* p_ = nullptr;
  size_t room_ = 0;
};
}  // namespace gramzip
