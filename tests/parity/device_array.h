// SPDX-License-Identifier: Apache-2.0
// Arrays in device memory, each an allocation of its own, so that overruns are seen.
#pragma once
#include <cuda_runtime.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <span>
#include <vector>

namespace gramzip::test {
class OnDevice {
 public:
  explicit OnDevice(const std::vector<uint8_t>& content) : OnDevice(content.size()) {
    set(content);
  }
  explicit OnDevice(size_t size) : size_(size) {
    void* p = nullptr;
    EXPECT_EQ(cudaMalloc(&p, size_), cudaSuccess);
    p_ = static_cast<uint8_t*>(p);
  }
  OnDevice(OnDevice&& other) noexcept : p_(other.p_), size_(other.size_) { other.p_ = nullptr; }
  OnDevice(const OnDevice&) = delete;
  OnDevice& operator=(const OnDevice&) = delete;
  ~OnDevice() { cudaFree(p_); }
  void set(const std::vector<uint8_t>& content) {
    EXPECT_LE(content.size(), size_);
    EXPECT_EQ(cudaMemcpy(p_, content.data(), content.size(), cudaMemcpyHostToDevice), cudaSuccess);
  }
  std::vector<uint8_t> get() const {
    std::vector<uint8_t> out(size_);
    EXPECT_EQ(cudaMemcpy(out.data(), p_, size_, cudaMemcpyDeviceToHost), cudaSuccess);
    return out;
  }
  template <class T>
  std::vector<T> get_as() const {
    std::vector<T> out(size_ / sizeof(T));
    EXPECT_EQ(cudaMemcpy(out.data(), p_, out.size() * sizeof(T), cudaMemcpyDeviceToHost),
              cudaSuccess);
    return out;
  }
  std::span<uint8_t> span() const { return {p_, size_}; }
  uint8_t* p() const { return p_; }
  template <class T>
  T* as() const {
    return reinterpret_cast<T*>(p_);
  }

 private:
  uint8_t* p_ = nullptr;
  size_t size_;
};
}  // namespace gramzip::test
