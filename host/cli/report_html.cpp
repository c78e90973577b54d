// SPDX-License-Identifier: Apache-2.0
#include "host/cli/report_html.h"

#include <fmt/format.h>

#include <cmath>
#include <map>

#include "host/cli/console.h"
#include "host/cli/html_text.h"
#include "host/cli/report_page.h"
#include "host/cli/report_svg.h"
#include "host/cli/report_table.h"
#include "host/cli/tensors.h"

namespace gramzip::cli {
namespace {
// A cell that is sorted by its number.
std::string cell(const std::string& text, double value) {
  const std::string key = std::isnan(value)   ? "NaN"
                          : std::isinf(value) ? (value > 0 ? "Infinity" : "-Infinity")
                                              : fmt::format("{}", value);
  return fmt::format("<td data-v=\"{}\">{}</td>", key, text);
}
std::string cell(std::optional<double> v, const char* digits) {
  if (!v) return "<td data-v=\"NaN\">-</td>";
  return cell(fmt::format(fmt::runtime(digits), *v), *v);
}
std::string text_cell(const std::string& html) {
  return "<td class=\"text\"><bdi>" + html + "</bdi></td>";
}

std::string shape_of(const TensorError& t) {
  Tensor shape;
  shape.shape = t.shape;
  return shape_text(shape);
}

std::string tile(const char* name, const std::string& value) {
  return fmt::format("<div><dt>{}</dt><dd>{}</dd></div>\n", name, value);
}

std::string tiles(const ErrorReport& r) {
  const ErrorFigures& f = r.total.figures;
  std::string s = "<dl>\n" + tile("SQNR", decibel_text(f.sqnr_db()) + " dB");
  if (const auto bits = r.total.bits_per_weight())
    s += tile("bits per weight", fmt::format("{:.3f}", *bits));
  if (const auto ratio = r.total.ratio()) s += tile("ratio", fmt::format("{:.3f}", *ratio));
  s += tile("max error", fmt::format("{:.3g}", f.max_error));
  s += tile("mean error", fmt::format("{:.3g}", f.mean_abs_error()));
  s += tile("zeros", fmt::format("{:.1f} %", 100 * f.sparsity_other()));
  s += tile("tensors", fmt::format("{}", r.tensors.size()));
  if (r.total.stored_bytes) s += tile("stored", size_text(*r.total.stored_bytes));
  if (r.seconds) s += tile("time", fmt::format("{:.1f} s", *r.seconds));
  return s + "</dl>\n";
}

// Which columns there is anything in.
struct Columns {
  bool seconds = false, method = false, kept_by = false;
  explicit Columns(const ErrorReport& r) {
    for (const TensorError& t : r.tensors) {
      seconds = seconds || t.seconds.has_value();
      method = method || !t.method.empty() || !t.parameters.empty();
      kept_by = kept_by || !t.kept_by.empty();
    }
  }
};

std::string head(const Columns& c) {
  std::string s = "<thead><tr>";
  const auto add = [&](const char* name, bool text = false) {
    s += fmt::format("<th{}><button>{}</button></th>", text ? " class=\"text\"" : "", name);
  };
  for (const char* name : {"tensor", "dtype", "shape"}) add(name, true);
  for (const char* name : {"weights", "bits", "ratio", "SQNR dB", "max error", "mean error",
                           "zeros", "before", "bytes"})
    add(name);
  if (c.seconds) add("seconds");
  if (c.method) add("method", true);
  if (c.kept_by) add("kept by", true);
  return s + "</tr></thead>\n";
}

std::string figures(const TensorError& t, const Columns& c) {
  const ErrorFigures& f = t.figures;
  const uint64_t n = t.elements > 0 ? t.elements : f.elements;
  std::string s = cell(fmt::format("{}", n), static_cast<double>(n));
  s += cell(t.bits_per_weight(), "{:.3f}") + cell(t.ratio(), "{:.3f}");
  if (t.exact) {
    s += cell(f.differing == 0 ? "equal" : fmt::format("{} differ", f.differing),
              f.differing == 0 ? INFINITY : -INFINITY);
    for (int i = 0; i < 4; ++i) s += cell(std::nullopt, "");
  } else {
    s += cell(decibel_text(f.sqnr_db()), f.sqnr_db());
    s += cell(f.max_error, "{:.3e}") + cell(f.mean_abs_error(), "{:.3e}");
    s += cell(fmt::format("{:.1f} %", 100 * f.sparsity_other()), f.sparsity_other());
    s += cell(fmt::format("{:.1f} %", 100 * f.sparsity_original()), f.sparsity_original());
  }
  const uint64_t bytes = t.stored_bytes.value_or(t.original_bytes);
  s += cell(fmt::format("{}", bytes), static_cast<double>(bytes));
  if (c.seconds) s += cell(t.seconds, "{:.3f}");
  return s;
}

std::string row(const TensorError& t, const Columns& c) {
  std::string s = "<tr";
  if (t.figures.noise > 0) {
    s += " data-name=\"" + html_text(t.name) + "\" data-h=\"";
    for (size_t b = 0; b < t.figures.histogram.size(); ++b)
      s += (b > 0 ? " " : "") + fmt::format("{}", t.figures.histogram[b]);
    s += "\"";
  }
  std::string types = html_text(t.dtype);
  if (!t.other_dtype.empty()) types += " → " + html_text(t.other_dtype);
  std::string method = html_text(t.method);
  if (!t.parameters.empty()) method += (method.empty() ? "" : ", ") + html_text(t.parameters);
  s += ">" + text_cell(html_text(t.name)) + text_cell(types) + text_cell(shape_of(t)) +
       figures(t, c);
  if (c.method) s += text_cell(method);
  if (c.kept_by) s += text_cell(html_text(t.kept_by));
  return s + "</tr>\n";
}

std::string table(const ErrorReport& r) {
  const Columns c(r);
  std::string s = "<div class=\"scroll\"><table id=\"tensors\">\n" + head(c) + "<tbody>\n";
  for (const TensorError& t : r.tensors) s += row(t, c);
  s += "</tbody>\n<tfoot><tr class=\"sum\">" + text_cell("total") + text_cell("") + text_cell("");
  s += figures(r.total, c);
  for (const bool more : {c.method, c.kept_by})
    if (more) s += text_cell("");
  return s + "</tr></tfoot>\n</table></div>\n";
}

// Methods, and rules that kept tensors, with what they were used for.
std::string methods(const ErrorReport& r) {
  struct Use {
    uint64_t tensors = 0, weights = 0, bytes = 0;
  };
  std::map<std::pair<std::string, std::string>, Use> uses;
  for (const TensorError& t : r.tensors) {
    if (t.method.empty() && t.kept_by.empty()) continue;
    Use& u = uses[{t.method, t.kept_by}];
    ++u.tensors;
    u.weights += t.elements > 0 ? t.elements : t.figures.elements;
    u.bytes += t.stored_bytes.value_or(t.original_bytes);
  }
  if (uses.empty()) return "";
  std::string s =
      "<h2>Methods and kept tensors</h2>\n<div class=\"scroll\"><table><thead><tr>"
      "<th class=\"text\">method</th><th class=\"text\">kept by the rule</th><th>tensors</th>"
      "<th>weights</th><th>stored</th></tr></thead>\n<tbody>\n";
  for (const auto& [what, u] : uses)
    s += "<tr>" + text_cell(html_text(what.first)) + text_cell(html_text(what.second)) +
         fmt::format("<td>{}</td><td>{}</td><td>{}</td></tr>\n", u.tensors, u.weights,
                     size_text(u.bytes));
  return s + "</tbody></table></div>\n";
}

std::string list(const std::string& title, const std::vector<std::string>& items) {
  if (items.empty()) return "";
  std::string s = "<h2>" + title + "</h2>\n<ul>\n";
  for (const std::string& i : items) s += "<li><bdi>" + i + "</bdi></li>\n";
  return s + "</ul>\n";
}

std::string unmatched(const ErrorReport& r) {
  std::vector<std::string> original, other, odd;
  for (const std::string& n : r.only_in_original) original.push_back(html_text(n));
  for (const std::string& n : r.only_in_other) other.push_back(html_text(n));
  for (const auto& u : r.not_comparable) odd.push_back(html_text(u.name + ": " + u.why));
  return list("Only in " + html_text(r.original), original) +
         list("Only in " + html_text(r.other), other) + list("Not compared", odd);
}
}  // namespace

std::string report_html(const ErrorReport& r) {
  std::string s =
      "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n";
  s += fmt::format(
      "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src "
      "'unsafe-inline'; script-src '{}'; base-uri 'none'; form-action 'none'\">\n",
      kReportScriptHash);
  s += "<title>gramzip: errors of " + html_text(r.other) + "</title>\n";
  s.append("<style>").append(kReportStyle).append("</style>\n</head>\n<body>\n");
  s += "<h1><bdi>" + html_text(r.other) + "</bdi></h1>\n";
  s += "<p>Errors against <bdi>" + html_text(r.original) + "</bdi>, by gramzip " +
       html_text(r.command) + " " GRAMZIP_VERSION + ".";
  if (!r.target.empty()) s += " Asked for: " + html_text(r.target) + ".";
  s += "</p>\n" + tiles(r);
  s += "<h2>Bits per weight against SQNR</h2>\n" + svg_rate(r);
  s += "<p>Circles: tensors; large: the total; triangles: without loss. Diamonds: other formats, "
       "median of real tensors. Dashed: the rate-distortion bound of independent normal values, "
       "6.02 dB a bit. SQNR = 10 log10(sum of squares / sum of squared errors).</p>\n";
  s += "<h2>Errors: <bdi id=\"histogram-of\">all tensors</bdi></h2>\n<div id=\"histogram\">" +
       svg_histogram(r.total.figures) +
       "</div>\n<p>A row of the table below, clicked, shows its tensor here.</p>\n";
  s += "<h2>Bytes by tensor</h2>\n" + svg_bytes(r) +
       "<p>Dark: stored; light: the original, uncompressed.</p>\n";
  s += methods(r);
  s += "<h2>Tensors</h2>\n" + table(r) + unmatched(r);
  s.append("<script>").append(kReportScript).append("</script>\n</body>\n</html>\n");
  return s;
}
}  // namespace gramzip::cli
