// SPDX-License-Identifier: Apache-2.0
// What an export made of each tensor, as lines and as JSON.
#pragma once
#include <nlohmann/json.hpp>
#include <string>

#include "host/engine/export.h"

namespace gramzip::cli {
// "model.safetensors: 9 of 12 tensors quantized, 25.0 MiB -> 7.0 MiB, 4.51 bits per weight, 20.1
// dB"
std::string export_line(const std::string& input, const std::string& output, const ExportResult& r,
                        double seconds);
// A line for each tensor.
std::string export_table(const ExportResult& r);
nlohmann::ordered_json export_json(const ExportResult& r);
}  // namespace gramzip::cli
