// SPDX-License-Identifier: Apache-2.0
// Stands in for the CUDA backend in a build without CUDA.
#include "host/backend/backend.h"

namespace gramzip {
std::unique_ptr<Backend> make_cuda_backend(int, std::string& why) {
  why = "this gramzip was built without CUDA";
  return nullptr;
}
}  // namespace gramzip
