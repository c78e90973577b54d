// SPDX-License-Identifier: Apache-2.0
#include "host/backend/cuda_backend.h"

namespace gramzip {
CudaBackend::CudaBackend(int device) : device_(device) {
  check_cuda(cudaSetDevice(device), "choosing the device");
  cudaDeviceProp properties{};
  check_cuda(cudaGetDeviceProperties(&properties, device), "reading the device's properties");
  name_ = "cuda:" + std::to_string(device) + " (" + properties.name + ")";
  check_cuda(cudaStreamCreateWithFlags(&stream_, cudaStreamNonBlocking), "creating a stream");
}

CudaBackend::~CudaBackend() { cudaStreamDestroy(stream_); }

std::unique_ptr<Backend> make_cuda_backend(int device, std::string& why) {
  int devices = 0;
  if (const cudaError_t status = cudaGetDeviceCount(&devices);
      status != cudaSuccess || devices == 0) {
    why = std::string("no CUDA device answers: ") +
          (status == cudaSuccess ? "there is none" : cudaGetErrorString(status));
    cudaGetLastError();  // the error is told; it must not stick
    return nullptr;
  }
  if (device < 0 || device >= devices) {
    why = "CUDA device " + std::to_string(device) + " of " + std::to_string(devices) +
          " does not exist";
    return nullptr;
  }
  try {
    return std::make_unique<CudaBackend>(device);
  } catch (const Error& e) {
    why = e.what();
    return nullptr;
  }
}
}  // namespace gramzip
