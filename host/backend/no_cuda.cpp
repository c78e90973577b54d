// SPDX-License-Identifier: Apache-2.0
// Stands in for the CUDA backend in a build without CUDA.
#include "host/backend/backend.h"
#include "host/backend/ngram_device.h"
#include "host/backend/quantize_loops.h"

namespace gramzip {
namespace {
constexpr const char* kWhy = "this gramzip was built without CUDA";
}

std::unique_ptr<Backend> make_cuda_backend(int, std::string& why) {
  why = kWhy;
  return nullptr;
}

std::unique_ptr<cpu::NgramAccelerator> make_ngram_device(int, std::string& why,
                                                         const NgramDeviceOptions&) {
  why = kWhy;
  return nullptr;
}

std::unique_ptr<QuantizeLoops> make_cuda_quantize_loops(int, std::string& why,
                                                        const QuantizeDeviceOptions&) {
  why = kWhy;
  return nullptr;
}
}  // namespace gramzip
