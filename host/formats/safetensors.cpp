// SPDX-License-Identifier: Apache-2.0
#include "host/formats/safetensors.h"

#include <algorithm>

#include "gramzip/core/wire.h"
#include "host/base/span_source.h"
#include "host/formats/dtype.h"
#include "host/formats/fault.h"
#include "host/formats/safetensors_sax.h"

namespace gramzip::safetensors {
using formats::in_quotes;

void bad(const std::string& what) { formats::refuse("safetensors header", what); }

namespace {
// Tensors tile [0, end) in order of begin; offsets become those of the file.
Layout tile(formats::TensorList tensors, uint64_t data_begin) {
  Layout out;
  out.data_begin = data_begin;
  out.tensors = std::move(tensors.items());
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
  if (at > formats::kMaxSize - out.data_begin) bad("tensors end beyond 2^63");
  out.file_bytes = out.data_begin + at;
  return out;
}
}  // namespace

uint64_t header_size(std::span<const uint8_t> first8) {
  if (first8.size() < 8) return 0;
  const uint64_t n = load_le<uint64_t>(first8.data());
  return n >= 2 && n <= kMaxHeaderBytes ? n : 0;
}

Layout parse(std::span<const uint8_t> header_json) {
  if (header_json.size() > kMaxHeaderBytes) bad("longer than 100 MB");
  if (header_json.empty() || header_json[0] != '{') bad("does not begin with '{'");
  SpanSource text(header_json);
  return tile(parse_tensors(text, 0, header_json.size()), 8 + header_json.size());
}

std::optional<Layout> read_header(RandomSource& file) {
  uint8_t head[9];
  if (file.read_at(0, head, sizeof head) < sizeof head) return std::nullopt;
  const uint64_t size = header_size(std::span(head).first(8));
  if (size == 0 || head[8] != '{') return std::nullopt;
  if (size > file.size() - 8) bad("cut short");
  return tile(parse_tensors(file, 8, 8 + size), 8 + size);
}

std::optional<Layout> read(RandomSource& file) {
  auto out = read_header(file);
  if (out && out->file_bytes > file.size())
    bad("tensor " + in_quotes(out->tensors.back().name) + ": data_offsets: ends at " +
        std::to_string(out->file_bytes) + ", but the file has " + std::to_string(file.size()) +
        " bytes");
  return out;
}
}  // namespace gramzip::safetensors
