// SPDX-License-Identifier: Apache-2.0
#include "host/cli/export_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "host/cli/console.h"

namespace gramzip::cli {
namespace {
using nlohmann::ordered_json;

struct Totals {
  uint64_t elements = 0, bytes = 0, original = 0, stored = 0;
  double signal = 0, noise = 0, max_error = 0;
};
// elements and bytes of the quantized tensors; original and stored of all.
Totals totals_of(const ExportResult& r) {
  Totals t;
  for (const ExportedTensor& e : r.tensors) {
    t.original += e.original_bytes;
    t.stored += e.stored_bytes;
    if (!e.kept.empty()) continue;
    t.elements += e.elements;
    t.bytes += e.stored_bytes;
    t.signal += e.signal;
    t.noise += e.noise;
    t.max_error = std::max(t.max_error, e.max_error);
  }
  return t;
}
double bits_per_weight(uint64_t bytes, uint64_t elements) {
  return elements == 0 ? 0 : 8 * static_cast<double>(bytes) / static_cast<double>(elements);
}
// Without error: infinite.
double decibels(double signal, double noise) { return 10 * std::log10(signal / noise); }
std::string decibel_text(double signal, double noise) {
  return noise == 0 ? "exact" : fmt::format("{:.2f} dB", decibels(signal, noise));
}
ordered_json decibel_json(double signal, double noise) {
  if (noise == 0) return "inf";
  return signal == 0 ? ordered_json("-inf") : ordered_json(decibels(signal, noise));
}
std::string shape_words(const std::vector<uint64_t>& shape) {
  return fmt::format("[{}]", fmt::join(shape, ", "));
}
}  // namespace

std::string export_line(const std::string& input, const std::string& output, const ExportResult& r,
                        double seconds) {
  const Totals t = totals_of(r);
  return fmt::format(
      "{}: {} of {} tensors quantized to {:.3f} bits per weight, {}; {} -> {}, {:.1f} MB/s, {}",
      input, r.quantized(), r.tensors.size(), bits_per_weight(t.bytes, t.elements),
      decibel_text(t.signal, t.noise), size_text(t.original), size_text(r.bytes),
      static_cast<double>(t.original) / 1e6 / std::max(seconds, 1e-6), output);
}

std::string export_table(const ExportResult& r) {
  std::string s;
  for (const ExportedTensor& e : r.tensors) {
    s += fmt::format("{} {} {}: ", shown(e.out_name), e.dtype, shape_words(e.shape));
    s += e.kept.empty() ? fmt::format("{}, {:.3f} bits per weight, {}, largest error {:.3g}\n",
                                      e.out_dtype, bits_per_weight(e.stored_bytes, e.elements),
                                      decibel_text(e.signal, e.noise), e.max_error)
                        : fmt::format("kept{} ({})\n",
                                      e.dtype == e.out_dtype ? "" : " as " + e.out_dtype, e.kept);
  }
  return s;
}

ordered_json export_json(const ExportResult& r) {
  const Totals t = totals_of(r);
  ordered_json j = {{"tensors", ordered_json::array()},
                    {"quantized", r.quantized()},
                    {"original_bytes", t.original},
                    {"bytes", r.bytes},
                    {"bits_per_weight", bits_per_weight(t.bytes, t.elements)},
                    {"sqnr_db", decibel_json(t.signal, t.noise)},
                    {"max_error", t.max_error},
                    {"notes", r.notes}};
  if (!r.architecture.empty()) j["architecture"] = r.architecture;
  for (const ExportedTensor& e : r.tensors) {
    ordered_json one = {{"name", e.name},         {"stored_name", e.out_name},
                        {"dtype", e.dtype},       {"stored_dtype", e.out_dtype},
                        {"shape", e.shape},       {"original_bytes", e.original_bytes},
                        {"bytes", e.stored_bytes}};
    if (e.kept.empty()) {
      one["bits_per_weight"] = bits_per_weight(e.stored_bytes, e.elements);
      one["sqnr_db"] = decibel_json(e.signal, e.noise);
      one["max_error"] = e.max_error;
    } else {
      one["kept"] = e.kept;
    }
    j["tensors"].push_back(std::move(one));
  }
  return j;
}
}  // namespace gramzip::cli
