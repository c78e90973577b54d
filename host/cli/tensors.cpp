// SPDX-License-Identifier: Apache-2.0
#include "host/cli/tensors.h"

#include <nlohmann/json.hpp>

#include "host/cli/console.h"
#include "host/formats/dtype.h"

namespace gramzip::cli {
namespace {
std::string little_endian(uint64_t v, size_t n) {
  std::string s;
  for (size_t i = 0; i < n; ++i) s += static_cast<char>(v >> (8 * i));
  return s;
}
}  // namespace

const char* kind_text(MemberKind k) {
  switch (k) {
    case MemberKind::safetensors:
      return "safetensors";
    case MemberKind::npy:
      return "npy";
    case MemberKind::zip:
      return "zip";
    case MemberKind::gguf:
      return "gguf";
    case MemberKind::plain:
      break;
  }
  return "plain";
}

double element_count(const Tensor& t) {
  double n = 1;
  for (const uint64_t d : t.shape) n *= static_cast<double>(d);
  return n;
}

Tensor rows_of(Tensor t, uint64_t begin, uint64_t end, const std::string& option) {
  const std::string tensor = "tensor '" + shown(t.name) + "'";
  if (t.shape.empty()) throw CliError(option + ": " + tensor + " has no dimensions, so no rows");
  const uint64_t rows = t.shape[0], bytes = t.end - t.begin;
  if (end == UINT64_MAX) end = rows;
  if (begin > rows || end > rows || begin > end)
    throw CliError(option + ": " + tensor + " has " + std::to_string(rows) +
                   " rows, counted from 0");
  if (rows > 0 && bytes % rows != 0)
    throw CliError(option + ": the rows of " + tensor + " are no whole bytes; use --bytes A:B");
  const uint64_t row = rows == 0 ? 0 : bytes / rows;
  t.shape[0] = end - begin;
  t.end = t.begin + end * row;
  t.begin += begin * row;
  return t;
}

std::string safetensors_header(const Tensor& t, MemberKind kind) {
  const formats::Dtype* d = formats::find_dtype(t.dtype);
  if (kind != MemberKind::safetensors && (d == nullptr || !d->safetensors))
    throw CliError("tensor '" + shown(t.name) + "': safetensors has no element type for " +
                   shown(t.dtype) + "; -o NAME of another kind takes the raw bytes");
  nlohmann::ordered_json j;
  j[t.name] = {{"dtype", t.dtype}, {"shape", t.shape}, {"data_offsets", {0, t.end - t.begin}}};
  std::string json = j.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  json.resize((json.size() + 7) / 8 * 8, ' ');  // tensor data starts aligned
  return little_endian(json.size(), 8) + json;
}

std::string npy_header(const Tensor& t) {
  const formats::Dtype* d = formats::find_dtype(t.dtype);
  std::string descr = d != nullptr ? d->npy : t.dtype;
  // A type that numpy alone has is written as it was read; records are a list without quotes.
  const bool known = !descr.empty() && std::string_view("<>|=[").find(descr[0]) != descr.npos;
  if (!known)
    throw CliError("tensor '" + shown(t.name) + "': npy has no element type for " + shown(t.dtype) +
                   (d != nullptr && d->safetensors
                        ? "; use -o NAME.safetensors"
                        : "; -o NAME of another kind takes the raw bytes"));
  if (descr[0] != '[') descr = "'" + descr + "'";
  std::string shape;
  for (const uint64_t n : t.shape) shape += std::to_string(n) + ", ";
  if (t.shape.size() > 1) shape.resize(shape.size() - 2);
  if (t.shape.size() == 1) shape.resize(shape.size() - 1);
  std::string dict = "{'descr': " + descr + ", 'fortran_order': False, 'shape': (" + shape + "), }";
  // Version 2.0: the header size has 32 bits. Magic, size, text and newline fill 64-byte units.
  dict.resize((12 + dict.size() + 1 + 63) / 64 * 64 - 12 - 1, ' ');
  dict += '\n';
  return std::string("\x93NUMPY\x02\x00", 8) + little_endian(dict.size(), 4) + dict;
}

std::string shape_text(const Tensor& t) {
  std::string s = "[";
  for (const uint64_t d : t.shape) s += (s.size() > 1 ? ", " : "") + std::to_string(d);
  return s + "]";
}
}  // namespace gramzip::cli
