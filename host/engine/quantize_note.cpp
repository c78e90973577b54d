// SPDX-License-Identifier: Apache-2.0
#include "host/engine/quantize_note.h"

#include <cstdio>
#include <nlohmann/json.hpp>

#include "host/engine/fixed_scale.h"

namespace gramzip {
namespace {
using nlohmann::ordered_json;

std::string number_text(double x, const char* format = "%.6g") {
  char text[64];
  std::snprintf(text, sizeof text, format, x);
  return text;
}
// As few digits as that; JSON writes them all.
double rounded(double x, const char* format) {
  return std::strtod(number_text(x, format).c_str(), nullptr);
}

ordered_json decibels(const ErrorFigures& f) {
  if (!(f.noise > 0) || !(f.signal > 0) || f.nonfinite_differ > 0) return nullptr;
  return rounded(fixed_decibels(f.signal / f.noise), "%.3f");
}

void add_figures(ordered_json& j, const ErrorFigures& f) {
  j["db"] = decibels(f);
  j["max"] = rounded(f.max_error, "%.4g");
  j["mean"] = rounded(f.mean_abs_error(), "%.3g");
  j["zero"] = rounded(f.sparsity_other(), "%.5g");
}
}  // namespace

const char* prune_name(PruneKind k) {
  switch (k) {
    case PruneKind::none:
      return "none";
    case PruneKind::edge:
      return "edge";
    case PruneKind::node:
      return "node";
    case PruneKind::two_of_four:
      return "2:4";
  }
  return "?";
}

const char* coder_name(quant::CoderChoice c) {
  switch (c) {
    case quant::CoderChoice::automatic:
      return "auto";
    case quant::CoderChoice::huffman:
      return "huffman";
    case quant::CoderChoice::zero_runs:
      return "rle";
    case quant::CoderChoice::horner:
      return "horner";
  }
  return "?";
}

std::string target_text(const QuantizeOptions& o) {
  if (o.target_bpw) return "target " + number_text(*o.target_bpw) + " bits per weight";
  if (o.target_sqnr) return "target SQNR " + number_text(*o.target_sqnr) + " dB";
  if (o.max_error) return "errors of at most " + number_text(*o.max_error);
  return "";
}

std::string method_text(const QuantizeOptions& o, const QuantJob& job) {
  std::string s;
  const auto add = [&s](const std::string& part) { s += (s.empty() ? "" : ", ") + part; };
  quant::Method method = o.method.method;
  if (method == quant::Method::trellis && job.quantizer && job.quantizer->levels.trellis == 0)
    method = quant::Method::uniform;
  if (o.quantize) add(quant::method_name(method));
  if (o.quantize && o.mean_constrained && o.method.method != quant::Method::mean_constrained)
    add("mean-constrained");
  if (o.prune != PruneKind::none) add(std::string("pruned ") + prune_name(o.prune));
  return s;
}

std::string quantizer_text(const QuantJob& job) {
  if (!job.quantizer) return "";
  const quant::Levels& l = job.quantizer->levels;
  std::string s;
  if (l.trellis != 0) s.append(std::to_string(1u << l.trellis)).append(" states, ");
  if (l.uniform) s.append("step ").append(number_text(l.step)).append(", ");
  s.append(std::to_string(l.count())).append(l.count() == 1 ? " level" : " levels");
  if (l.scale_type == quant::ScaleType::none) return s;
  s.append(", ").append(std::to_string(l.group)).append(" a scale");
  s.append(l.scale_type == quant::ScaleType::f16 ? " (F16)" : " (F32)");
  if (!l.zero_points.empty()) s.append(", zero points");
  return s;
}

std::string quantize_note(const QuantizeOptions& o, const ErrorReport& report, double lambda) {
  ordered_json j;
  j["gramzip"] = GRAMZIP_VERSION;
  j["lossy"] = "quantize";
  j["method"] = o.quantize ? quant::method_name(o.method.method) : "none";
  if (o.target_bpw) j["target_bpw"] = *o.target_bpw;
  if (o.target_sqnr) j["target_sqnr"] = *o.target_sqnr;
  if (o.max_error) j["max_error"] = *o.max_error;
  if (lambda > 0) j["lambda"] = rounded(lambda, "%.6g");
  if (o.quantize && !quant::has_target(o.method.method)) {
    using quant::Method;
    const Method m = o.method.method;
    if (m == Method::linear || m == Method::mean_constrained || m == Method::sorting)
      j["bits"] = o.method.bits;
    if (o.group_rows) {
      j["group"] = "row";
    } else if (o.method.group != 0) {
      j["group"] = o.method.group;
    }
    if (o.method.asymmetric) j["asymmetric"] = true;
  }
  if (o.mean_constrained) j["mean_constrained"] = true;
  if (o.coder != quant::CoderChoice::automatic) j["coder"] = coder_name(o.coder);
  if (o.prune != PruneKind::none) {
    j["prune"] = prune_name(o.prune);
    if (o.prune != PruneKind::two_of_four) {
      j["scope"] = o.prune_global ? "global" : "local";
      j["sparsity"] = o.sparsity;
    }
  }
  add_figures(j["total"] = ordered_json::object(), report.total.figures);
  j["tensors"] = ordered_json::array();
  ordered_json kept = ordered_json::object();
  for (const TensorError& t : report.tensors) {
    if (!t.kept_by.empty()) {
      kept[t.kept_by].push_back(t.name);
      continue;
    }
    ordered_json e = {{"name", t.name}, {"bpw", rounded(t.bits_per_weight().value_or(0), "%.3f")}};
    add_figures(e, t.figures);
    j["tensors"].push_back(std::move(e));
  }
  if (!kept.empty()) j["kept"] = std::move(kept);
  return j.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}
}  // namespace gramzip
