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
  if (!device_answers(device, why)) return nullptr;
  try {
    return std::make_unique<CudaBackend>(device);
  } catch (const Error& e) {
    why = e.what();
    return nullptr;
  }
}
}  // namespace gramzip
