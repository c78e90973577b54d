// SPDX-License-Identifier: Apache-2.0
//
// What the emulator's own tests share.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <vector>

#include "kernels/common/simt.h"
#include "simt/checker.h"

namespace simt::selftest {

using gramzip::kernels::launch;

// Device memory that frees itself.  Fresh elements hold junk.
template <class T>
class Buffer {
 public:
  explicit Buffer(size_t n) : size_(n) {
    if (cudaMalloc(&data_, n * sizeof(T)) != cudaSuccess) throw Error("cudaMalloc");
  }
  explicit Buffer(const std::vector<T>& values) : Buffer(values.size()) {
    (void)cudaMemcpy(data_, values.data(), size_ * sizeof(T), cudaMemcpyHostToDevice);
  }
  Buffer(const Buffer&) = delete;
  Buffer& operator=(const Buffer&) = delete;
  ~Buffer() { (void)cudaFree(data_); }

  T* data() { return data_; }
  std::vector<T> values() const {
    std::vector<T> result(size_);
    (void)cudaMemcpy(result.data(), data_, size_ * sizeof(T), cudaMemcpyDeviceToHost);
    return result;
  }

 private:
  T* data_ = nullptr;
  size_t size_;
};

// Runs the function at several seeds, and with the default options afterwards.
template <class F>
void at_seeds(F f) {
  for (uint64_t seed = 0; seed < 8; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    options().seed = seed;
    f();
  }
  options() = Options();
}

// What launch() throws; empty if nothing.
template <class... A>
std::string error_of(const gramzip::kernels::Launch& config, A&&... args) {
  try {
    (void)launch(config, std::forward<A>(args)...);
  } catch (const Error& e) {
    return e.what();
  }
  return "";
}

inline testing::AssertionResult mentions(const std::string& text, const std::string& part) {
  if (text.find(part) != std::string::npos) return testing::AssertionSuccess();
  return testing::AssertionFailure() << "\"" << part << "\" is not in \"" << text << "\"";
}

}  // namespace simt::selftest
