// SPDX-License-Identifier: Apache-2.0
// The part of a GGUF file (version 3, little-endian, alignment 32) before the tensors' data, for a
// file that is written front to back. Source: github.com/ggml-org/ggml, docs/gguf.md.
#pragma once
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace gramzip::gguf {
class HeaderWriter {
 public:
  static constexpr uint64_t kAlignment = 32;
  // Zeros that follow a tensor's data, the last one's too.
  static uint64_t padding(uint64_t bytes) { return (kAlignment - bytes % kAlignment) % kAlignment; }

  // Metadata in the order of the calls.
  void string(std::string_view key, std::string_view value);
  void u32(std::string_view key, uint32_t value);
  void f32(std::string_view key, float value);
  // A value of another GGUF file of version 2 or 3, byte for byte as it stands behind its type.
  void raw(std::string_view key, uint32_t type, std::span<const uint8_t> value);

  // In the order of the data. shape: slowest dimension first, none for a scalar.
  void tensor(std::string_view name, std::span<const uint64_t> shape, uint32_t type,
              uint64_t bytes);

  // The whole, padded to where the data begins.
  std::vector<uint8_t> finish() const;

 private:
  uint64_t keys_ = 0, tensors_ = 0, offset_ = 0;
  std::vector<uint8_t> metadata_, infos_;
};
}  // namespace gramzip::gguf
