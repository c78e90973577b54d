// SPDX-License-Identifier: Apache-2.0
#include "host/cli/report_table.h"

#include <fmt/format.h>

#include <cmath>

#include "host/cli/console.h"
#include "host/cli/tensors.h"

namespace gramzip::cli {
namespace {
std::string number(double x) { return fmt::format("{:.3e}", x); }
std::string percent(double x) { return fmt::format("{:.1f}%", 100 * x); }
std::string optional(std::optional<double> x) { return x ? fmt::format("{:.3f}", *x) : "-"; }

std::string shape_of(const TensorError& t) {
  Tensor shape;
  shape.shape = t.shape;
  return shape_text(shape);
}

// Which optional columns there is anything in.
struct Columns {
  bool sizes = false, method = false, seconds = false;
};

std::string head(const Columns& c) {
  std::string s = fmt::format("{:>8} {:>10} {:>10} {:>8} {:>8}", "SQNR dB", "max error",
                              "mean error", "zeros", "before");
  if (c.sizes) s += fmt::format(" {:>8} {:>8}", "bits", "ratio");
  if (c.seconds) s += fmt::format(" {:>8}", "seconds");
  if (c.method) s += fmt::format("  {:<16}", "method");
  return s + fmt::format("  {:<12} {:<16} {}\n", "dtype", "shape", "tensor");
}

std::string figures(const TensorError& t, const Columns& c) {
  const ErrorFigures& f = t.figures;
  std::string s;
  if (t.exact) {
    s = fmt::format("{:>8} {:>10} {:>10} {:>8} {:>8}", f.differing == 0 ? "equal" : "unequal", "-",
                    "-", "-", "-");
  } else {
    s = fmt::format("{:>8} {:>10} {:>10} {:>8} {:>8}", decibel_text(f.sqnr_db()),
                    number(f.max_error), number(f.mean_abs_error()), percent(f.sparsity_other()),
                    percent(f.sparsity_original()));
  }
  if (c.sizes) s += fmt::format(" {:>8} {:>8}", optional(t.bits_per_weight()), optional(t.ratio()));
  if (c.seconds) s += fmt::format(" {:>8}", optional(t.seconds));
  return s;
}

std::string notes(const TensorError& t) {
  std::string s;
  const ErrorFigures& f = t.figures;
  if (t.exact && f.differing > 0) s += fmt::format("; {} of {} differ", f.differing, f.elements);
  if (f.nonfinite_equal > 0) s += fmt::format("; {} NaN or infinite in both", f.nonfinite_equal);
  if (f.nonfinite_differ > 0)
    s += fmt::format("; {} NaN or infinite in one only", f.nonfinite_differ);
  if (!t.kept_by.empty()) s += "; kept: " + shown(t.kept_by);
  return s;
}
}  // namespace

std::string decibel_text(double db) {
  if (std::isnan(db)) return "nan";
  if (std::isinf(db)) return db > 0 ? "inf" : "-inf";
  return fmt::format("{:.2f}", db);
}

std::string report_table(const ErrorReport& r) {
  Columns c;
  for (const TensorError& t : r.tensors) {
    c.sizes = c.sizes || t.stored_bytes.has_value();
    c.method = c.method || !t.method.empty();
    c.seconds = c.seconds || t.seconds.has_value();
  }
  std::string s = shown(r.original) + " against " + shown(r.other) + "\n";
  if (!r.target.empty()) s += shown(r.target) + "\n";
  s += head(c);
  for (const TensorError& t : r.tensors) {
    std::string dtype = shown(t.dtype);
    if (!t.other_dtype.empty()) dtype.append(">").append(shown(t.other_dtype));
    s += figures(t, c);
    if (c.method) {
      std::string method = shown(t.method);
      if (!t.parameters.empty()) method.append(" ").append(shown(t.parameters));
      s += fmt::format("  {:<16}", method);
    }
    s += fmt::format("  {:<12} {:<16} {}{}\n", dtype, shape_of(t), shown(t.name), notes(t));
  }
  s += figures(r.total, c) + fmt::format("  {} tensor{}{}\n", r.tensors.size(),
                                         r.tensors.size() == 1 ? "" : "s", notes(r.total));
  for (const std::string& name : r.only_in_original)
    s += "only in " + shown(r.original) + ": " + shown(name) + "\n";
  for (const std::string& name : r.only_in_other)
    s += "only in " + shown(r.other) + ": " + shown(name) + "\n";
  for (const auto& u : r.not_comparable)
    s += "not compared: " + shown(u.name) + ": " + u.why + "\n";
  return s;
}
}  // namespace gramzip::cli
