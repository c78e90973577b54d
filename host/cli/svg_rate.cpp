// SPDX-License-Identifier: Apache-2.0
// The plot of bits per weight against SQNR.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "host/cli/html_text.h"
#include "host/cli/report_svg.h"
#include "host/cli/report_table.h"

namespace gramzip::cli {
namespace {
// What other formats reach: the median over real tensors of large language models.
struct Point {
  const char* name;
  double bits, decibels;
  int label_x, label_y;  // from the point; below 0: the label ends there
};
constexpr Point kFormats[] = {
    {"Q8_0", 8.5, 44.4, 8, 4},       {"int8 row", 8.06, 41.0, 8, 4}, {"FP8 E4M3", 8.0, 31.5, 8, 4},
    {"Q6_K", 6.56, 34.3, 8, 4},      {"Q4_K", 4.5, 22.6, 8, -3},     {"Q4_0", 4.5, 20.7, 8, 2},
    {"NVFP4", 4.5, 20.5, 8, 14},     {"int4 g32", 4.5, 19.6, 8, 21}, {"IQ4_XS", 4.25, 21.9, -8, -2},
    {"MXFP4", 4.25, 18.5, -8, 12},   {"NF4", 4.13, 20.4, -8, 4},     {"Q3_K", 3.44, 16.2, -8, -2},
    {"int3 g128", 3.13, 10.8, 8, 8}, {"IQ2_S", 2.56, 10.8, -8, 4},
};
constexpr double kDecibelsPerBit = 6.0206;  // 20 log10(2)
constexpr double kLeft = 52, kRight = 16, kTop = 18, kBottom = 44, kWidth = 760, kHeight = 440;

struct Scale {
  double least_x = 0, most_x = 9, least_y = 0, most_y = 60;
  double x(double v) const {
    return kLeft + (v - least_x) / (most_x - least_x) * (kWidth - kLeft - kRight);
  }
  double y(double v) const {
    return kHeight - kBottom - (v - least_y) / (most_y - least_y) * (kHeight - kTop - kBottom);
  }
};

Scale scale_of(const ErrorReport& r) {
  Scale s;
  const auto take = [&](const TensorError& t) {
    const std::optional<double> bits = t.bits_per_weight();
    if (!bits || t.exact) return;
    const double db = t.figures.sqnr_db();
    if (!std::isfinite(db)) return;
    s.most_y = std::max(s.most_y, std::min(400.0, 10 * std::ceil(db / 10 + 0.2)));
    s.least_y = std::min(s.least_y, std::max(-100.0, 10 * std::floor(db / 10)));
  };
  for (const TensorError& t : r.tensors) take(t);
  take(r.total);
  // Small tensors may take far more bits than the others; they are drawn at the edge.
  const double bits = std::min(64.0, r.total.bits_per_weight().value_or(0));
  s.most_x = std::max(s.most_x, std::ceil(bits + 0.25));
  return s;
}

std::string axes(const Scale& s) {
  std::string out;
  const double step_x = s.most_x <= 9 ? 1 : s.most_x <= 20 ? 2 : 8;
  const double step_y = s.most_y - s.least_y <= 120 ? 10 : 50;
  for (double v = 0; v <= s.most_x; v += step_x)
    out += fmt::format(
        "<line class=\"grid\" x1=\"{0:.1f}\" x2=\"{0:.1f}\" y1=\"{1}\" y2=\"{2}\"/>"
        "<text class=\"tick\" x=\"{0:.1f}\" y=\"{3}\" text-anchor=\"middle\">{4}</text>\n",
        s.x(v), kTop, kHeight - kBottom, kHeight - kBottom + 16, v);
  for (double v = s.least_y; v <= s.most_y; v += step_y)
    out += fmt::format(
        "<line class=\"grid\" x1=\"{0}\" x2=\"{1}\" y1=\"{2:.1f}\" y2=\"{2:.1f}\"/>"
        "<text class=\"tick\" x=\"{3}\" y=\"{4:.1f}\" text-anchor=\"end\">{5}</text>\n",
        kLeft, kWidth - kRight, s.y(v), kLeft - 6, s.y(v) + 4, v);
  out += fmt::format(
      "<text class=\"axis\" x=\"{}\" y=\"{}\" text-anchor=\"middle\">bits per weight</text>\n",
      (kLeft + kWidth - kRight) / 2, kHeight - 8);
  out += fmt::format(
      "<text class=\"axis\" x=\"14\" y=\"{0}\" text-anchor=\"middle\" "
      "transform=\"rotate(-90 14 {0})\">SQNR in dB</text>\n",
      (kTop + kHeight - kBottom) / 2);
  return out;
}

// D(R) of independent normal values: 6.02 dB a bit.
std::string bound(const Scale& s) {
  const double bits = std::min(s.most_x, s.most_y / kDecibelsPerBit);
  return fmt::format(
      "<line class=\"bound\" x1=\"{:.1f}\" y1=\"{:.1f}\" x2=\"{:.1f}\" y2=\"{:.1f}\"/>\n", s.x(0),
      s.y(0), s.x(bits), s.y(bits * kDecibelsPerBit));
}

std::string formats(const Scale& s) {
  std::string out;
  for (const Point& p : kFormats) {
    const double x = s.x(p.bits), y = s.y(p.decibels);
    out += fmt::format(
        "<path class=\"peer\" d=\"M{:.1f} {:.1f}l5 5l-5 5l-5-5z\"><title>{}: {} bits, {} dB</title>"
        "</path>",
        x, y - 5, p.name, p.bits, p.decibels);
    out +=
        fmt::format("<text class=\"peer\" x=\"{:.1f}\" y=\"{:.1f}\"{}>{}</text>\n", x + p.label_x,
                    y + p.label_y, p.label_x < 0 ? " text-anchor=\"end\"" : "", p.name);
  }
  return out;
}

std::string mark(const Scale& s, const TensorError& t, const std::string& title, bool total) {
  const std::optional<double> bits = t.bits_per_weight();
  const double db = t.figures.sqnr_db();
  // What has no place in the plot is in the table.
  if (!bits || t.exact || std::isnan(db) || db < s.least_y) return "";
  const double x = s.x(std::min(*bits, s.most_x));
  const std::string hint =
      fmt::format("<title>{}: {:.3f} bits, {} dB</title>", title, *bits, decibel_text(db));
  if (db > s.most_y)  // lossless
    return fmt::format("<path class=\"{}\" d=\"M{:.1f} {}l5 9h-10z\">{}</path>\n",
                       total ? "total" : "exact", x, kTop - 12, hint);
  if (*bits > s.most_x)
    return fmt::format("<path class=\"tensor\" d=\"M{:.1f} {:.1f}l-9 5v-10z\">{}</path>\n", x + 9,
                       s.y(db), hint);
  return fmt::format("<circle class=\"{}\" cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"{}\">{}</circle>\n",
                     total ? "total" : "tensor", x, s.y(db), total ? 7 : 4, hint);
}
}  // namespace

std::string svg_rate(const ErrorReport& r) {
  const Scale s = scale_of(r);
  std::string out = fmt::format(
      "<svg viewBox=\"0 0 {} {}\" role=\"img\" aria-label=\"Bits per weight against SQNR\">\n",
      kWidth, kHeight);
  out += axes(s) + bound(s) + formats(s);
  for (const TensorError& t : r.tensors) out += mark(s, t, html_text(t.name), false);
  out += mark(s, r.total, "total", true);
  return out + "</svg>\n";
}
}  // namespace gramzip::cli
