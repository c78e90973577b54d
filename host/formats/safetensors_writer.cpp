// SPDX-License-Identifier: Apache-2.0
#include "host/formats/safetensors_writer.h"

#include <nlohmann/json.hpp>

#include "gramzip/core/wire.h"
#include "host/base/error.h"
#include "host/formats/safetensors.h"

namespace gramzip::safetensors {
namespace {
using nlohmann::ordered_json;

std::string dumped(const ordered_json& j) {
  return j.dump(-1, ' ', false, ordered_json::error_handler_t::replace);
}
}  // namespace

// Piece by piece: an ordered_json of all tensors would look for each name among those before it.
std::vector<uint8_t> header(std::span<const OutTensor> tensors,
                            std::span<const std::pair<std::string, std::string>> metadata) {
  std::string json = "{";
  if (!metadata.empty()) {
    ordered_json m = ordered_json::object();
    for (const auto& [key, value] : metadata) m[key] = value;
    json.append("\"__metadata__\":").append(dumped(m));
  }
  uint64_t at = 0;
  for (const OutTensor& t : tensors) {
    if (json.size() > 1) json += ',';
    const ordered_json value = {
        {"dtype", t.dtype}, {"shape", t.shape}, {"data_offsets", {at, at + t.bytes}}};
    json.append(dumped(t.name)).append(1, ':').append(dumped(value));
    at += t.bytes;
  }
  json += '}';
  json.resize((json.size() + 7) / 8 * 8, ' ');
  if (json.size() > kMaxHeaderBytes)
    fail(ErrorCode::limit, "safetensors header: longer than 100 MB; the file has too many tensors");
  std::vector<uint8_t> out(8 + json.size());
  store_le<uint64_t>(out.data(), json.size());
  std::copy(json.begin(), json.end(), out.begin() + 8);
  return out;
}
}  // namespace gramzip::safetensors
