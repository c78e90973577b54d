// SPDX-License-Identifier: Apache-2.0
#include "host/cli/report_json.h"

#include <cmath>

#include "host/cli/report_table.h"

namespace gramzip::cli {
namespace {
using nlohmann::ordered_json;

ordered_json number(double x) {
  if (std::isfinite(x)) return x;
  return decibel_text(x);
}
ordered_json number(std::optional<double> x) {
  if (!x) return nullptr;
  return number(*x);
}

void add_figures(ordered_json& j, const ErrorFigures& f) {
  j["sqnr_db"] = number(f.sqnr_db());
  j["max_error"] = number(f.max_error);
  j["mean_abs_error"] = number(f.mean_abs_error());
  j["mean_error"] = number(f.mean_error());
  j["rms_error"] = number(f.rms_error());
  j["sparsity_original"] = f.sparsity_original();
  j["sparsity_other"] = f.sparsity_other();
  j["nonfinite_equal"] = f.nonfinite_equal;
  j["nonfinite_differ"] = f.nonfinite_differ;
  j["histogram"] = f.noise > 0 ? ordered_json(f.histogram) : ordered_json(nullptr);
}

void add_sizes(ordered_json& j, const TensorError& t) {
  j["elements"] = t.elements > 0 ? t.elements : t.figures.elements;
  j["original_bytes"] = t.original_bytes;
  j["stored_bytes"] = t.stored_bytes ? ordered_json(*t.stored_bytes) : ordered_json(nullptr);
  j["bits_per_weight"] = number(t.bits_per_weight());
  j["ratio"] = number(t.ratio());
}

ordered_json tensor_json(const TensorError& t) {
  ordered_json j;
  j["name"] = t.name;
  j["dtype"] = t.dtype;
  j["other_dtype"] = t.other_dtype.empty() ? t.dtype : t.other_dtype;
  j["shape"] = t.shape;
  add_sizes(j, t);
  j["exact"] = t.exact;
  j["differing"] = t.figures.differing;
  if (!t.exact) add_figures(j, t.figures);
  if (!t.method.empty()) j["method"] = t.method;
  if (!t.parameters.empty()) j["parameters"] = t.parameters;
  if (!t.kept_by.empty()) j["kept_by"] = t.kept_by;
  if (t.seconds) j["seconds"] = number(t.seconds);
  return j;
}
}  // namespace

ordered_json report_json(const ErrorReport& r) {
  ordered_json j;
  j["command"] = r.command;
  j["original"] = r.original;
  j["other"] = r.other;
  if (!r.target.empty()) j["target"] = r.target;
  j["same_tensors"] = r.same_tensors();
  ordered_json& total = j["total"] = {{"tensors", r.tensors.size()}};
  add_sizes(total, r.total);
  total["differing"] = r.total.figures.differing;
  add_figures(total, r.total.figures);
  j["tensors"] = ordered_json::array();
  for (const TensorError& t : r.tensors) j["tensors"].push_back(tensor_json(t));
  j["only_in_original"] = r.only_in_original;
  j["only_in_other"] = r.only_in_other;
  j["not_comparable"] = ordered_json::array();
  for (const auto& u : r.not_comparable)
    j["not_comparable"].push_back({{"name", u.name}, {"why", u.why}});
  j["archive_bytes"] = r.archive_bytes ? ordered_json(*r.archive_bytes) : ordered_json(nullptr);
  if (r.seconds) j["seconds"] = number(r.seconds);
  return j;
}
}  // namespace gramzip::cli
