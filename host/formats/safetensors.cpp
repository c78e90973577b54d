// SPDX-License-Identifier: Apache-2.0
#include "host/formats/safetensors.h"

#include <algorithm>

#include "gramzip/core/wire.h"
#include "host/base/error.h"
#include "host/formats/safetensors_sax.h"

namespace gramzip::safetensors {
std::string in_quotes(std::string_view s) {
  std::string out = "'";
  for (const char c : s.substr(0, 100)) {
    out += (static_cast<unsigned char>(c) < 0x20 || c == 0x7f || c == '\'') ? '?' : c;
  }
  return out + (s.size() > 100 ? "...'" : "'");
}

void bad(const std::string& what) { fail(ErrorCode::corrupt, "safetensors header: " + what); }

namespace {
constexpr Dtype kDtypes[] = {
    {"BOOL", 8, ElementType::bytes},      {"F4", 4, ElementType::bytes},
    {"F6_E2M3", 6, ElementType::bytes},   {"F6_E3M2", 6, ElementType::bytes},
    {"U8", 8, ElementType::bytes},        {"I8", 8, ElementType::bytes},
    {"F8_E5M2", 8, ElementType::f8_e5m2}, {"F8_E4M3", 8, ElementType::f8_e4m3},
    {"F8_E8M0", 8, ElementType::bytes},   {"I16", 16, ElementType::bytes},
    {"U16", 16, ElementType::bytes},      {"F16", 16, ElementType::f16},
    {"BF16", 16, ElementType::bf16},      {"I32", 32, ElementType::bytes},
    {"U32", 32, ElementType::bytes},      {"F32", 32, ElementType::f32},
    {"F64", 64, ElementType::f64},        {"I64", 64, ElementType::bytes},
    {"U64", 64, ElementType::bytes},      {"C64", 64, ElementType::bytes},
};

// Tensors tile [0, end) in order of begin; offsets become those of the file.
void tile(Layout& out) {
  std::stable_sort(out.tensors.begin(), out.tensors.end(), [](const Tensor& a, const Tensor& b) {
    return a.begin != b.begin ? a.begin < b.begin : a.end < b.end;
  });
  uint64_t at = 0;
  for (Tensor& t : out.tensors) {
    if (t.begin != at) {
      bad("tensor " + in_quotes(t.name) + ": data_offsets: begins at " + std::to_string(t.begin) +
          ", " + (t.begin > at ? "a hole after " : "inside the tensor that ends at ") +
          std::to_string(at));
    }
    at = t.end;
    t.begin += out.data_begin;
    t.end += out.data_begin;
  }
  if (at > kMaxSize - out.data_begin) bad("tensors end beyond 2^63");
  out.file_bytes = out.data_begin + at;
}
}  // namespace

const Dtype* find_dtype(std::string_view name) {
  for (const Dtype& d : kDtypes) {
    if (name == d.name) return &d;
  }
  return nullptr;
}

uint64_t header_size(std::span<const uint8_t> first8) {
  if (first8.size() < 8) return 0;
  const uint64_t n = load_le<uint64_t>(first8.data());
  return n >= 2 && n <= kMaxHeaderBytes ? n : 0;
}

Layout parse(std::span<const uint8_t> header_json) {
  if (header_json.size() > kMaxHeaderBytes) bad("longer than 100 MB");
  if (header_json.empty() || header_json[0] != '{') bad("does not begin with '{'");
  Layout out;
  out.data_begin = 8 + header_json.size();
  out.tensors = parse_tensors(header_json);
  tile(out);
  return out;
}
}  // namespace gramzip::safetensors
