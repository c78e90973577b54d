// SPDX-License-Identifier: Apache-2.0
// Stands in for the CUDA backend in a build without CUDA.
#include "host/backend/backend.h"
#include "host/backend/ngram_device.h"

namespace gramzip {
std::unique_ptr<Backend> make_cuda_backend(int, std::string& why) {
  why = "this gramzip was built without CUDA";
  return nullptr;
}

std::unique_ptr<cpu::NgramAccelerator> make_ngram_device(int, std::string& why,
                                                         const NgramDeviceOptions&) {
  why = "this gramzip was built without CUDA";
  return nullptr;
}
}  // namespace gramzip
