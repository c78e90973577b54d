// SPDX-License-Identifier: Apache-2.0
#include "host/formats/gguf_writer.h"

#include <bit>

#include "gramzip/core/wire.h"

namespace gramzip::gguf {
namespace {
constexpr uint32_t kU32 = 4, kF32 = 6, kString = 8;

template <class T>
void put(std::vector<uint8_t>& out, T v) {
  const size_t at = out.size();
  out.resize(at + sizeof(T));
  store_le(out.data() + at, v);
}
void put(std::vector<uint8_t>& out, std::string_view s) {
  put<uint64_t>(out, s.size());
  out.insert(out.end(), s.begin(), s.end());
}
}  // namespace

void HeaderWriter::raw(std::string_view key, uint32_t type, std::span<const uint8_t> value) {
  put(metadata_, key);
  put<uint32_t>(metadata_, type);
  metadata_.insert(metadata_.end(), value.begin(), value.end());
  ++keys_;
}

void HeaderWriter::string(std::string_view key, std::string_view value) {
  std::vector<uint8_t> bytes;
  put(bytes, value);
  raw(key, kString, bytes);
}

void HeaderWriter::u32(std::string_view key, uint32_t value) {
  uint8_t bytes[4];
  store_le(bytes, value);
  raw(key, kU32, bytes);
}

void HeaderWriter::f32(std::string_view key, float value) {
  uint8_t bytes[4];
  store_le(bytes, std::bit_cast<uint32_t>(value));
  raw(key, kF32, bytes);
}

void HeaderWriter::tensor(std::string_view name, std::span<const uint64_t> shape, uint32_t type,
                          uint64_t bytes) {
  put(infos_, name);
  // Readers want a dimension: a scalar is one element.
  put<uint32_t>(infos_, shape.empty() ? 1 : static_cast<uint32_t>(shape.size()));
  if (shape.empty()) put<uint64_t>(infos_, 1);
  for (size_t i = shape.size(); i > 0; --i) put<uint64_t>(infos_, shape[i - 1]);
  put<uint32_t>(infos_, type);
  put<uint64_t>(infos_, offset_);
  offset_ += bytes + padding(bytes);
  ++tensors_;
}

std::vector<uint8_t> HeaderWriter::finish() const {
  std::vector<uint8_t> out = {'G', 'G', 'U', 'F'};
  put<uint32_t>(out, 3);
  put<uint64_t>(out, tensors_);
  put<uint64_t>(out, keys_);
  out.insert(out.end(), metadata_.begin(), metadata_.end());
  out.insert(out.end(), infos_.begin(), infos_.end());
  out.resize(out.size() + padding(out.size()));
  return out;
}
}  // namespace gramzip::gguf
