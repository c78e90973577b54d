// SPDX-License-Identifier: Apache-2.0
// The histogram of errors and the bars of bytes.
#include <fmt/format.h>

#include <algorithm>

#include "host/cli/console.h"
#include "host/cli/html_text.h"
#include "host/cli/report_svg.h"

namespace gramzip::cli {
namespace {
constexpr size_t kBars = 24;  // tensors that have one of their own
constexpr double kHistogramWidth = 760, kHistogramHeight = 220, kBaseline = 180, kHigh = 160;
constexpr double kBarHeight = 20, kNames = 280, kNumbers = 130, kBytesWidth = 760;

struct Bar {
  std::string label, title;
  uint64_t original = 0, stored = 0;
  bool drawn = true;
};

std::vector<Bar> bars_of(const ErrorReport& r) {
  std::vector<Bar> bars;
  for (const TensorError& t : r.tensors)
    bars.push_back({html_tail(t.name, 40), html_text(t.name), t.original_bytes,
                    t.stored_bytes.value_or(t.original_bytes)});
  std::stable_sort(bars.begin(), bars.end(),
                   [](const Bar& a, const Bar& b) { return a.stored > b.stored; });
  if (bars.size() <= kBars) return bars;
  Bar others;
  others.drawn = false;  // it would dwarf the others
  others.label = others.title = fmt::format("{} others", bars.size() - kBars);
  for (size_t i = kBars; i < bars.size(); ++i) {
    others.original += bars[i].original;
    others.stored += bars[i].stored;
  }
  bars.resize(kBars);
  bars.push_back(others);
  return bars;
}
}  // namespace

std::string svg_histogram(const ErrorFigures& f) {
  constexpr auto kBins = static_cast<double>(ErrorFigures::kBins);
  const uint64_t most = *std::max_element(f.histogram.begin(), f.histogram.end());
  const double step = (kHistogramWidth - 40) / kBins;
  std::string out =
      fmt::format("<svg viewBox=\"0 0 {} {}\" role=\"img\" aria-label=\"Histogram of errors\">\n",
                  kHistogramWidth, kHistogramHeight);
  for (size_t b = 0; b < f.histogram.size(); ++b) {
    const double high =
        most == 0 ? 0 : kHigh * static_cast<double>(f.histogram[b]) / static_cast<double>(most);
    out += fmt::format(
        "<rect class=\"bin\" x=\"{:.2f}\" y=\"{:.2f}\" width=\"{:.2f}\" height=\"{:.2f}\"/>",
        20 + step * static_cast<double>(b), kBaseline - high, step - 1, high);
  }
  out += fmt::format("\n<line class=\"grid\" x1=\"20\" x2=\"{0}\" y1=\"{1}\" y2=\"{1}\"/>\n",
                     kHistogramWidth - 20, kBaseline);
  for (int v = -3; v <= 3; ++v)
    out +=
        fmt::format("<text class=\"tick\" x=\"{:.1f}\" y=\"{}\" text-anchor=\"middle\">{}</text>",
                    20 + step * (kBins / 2 + 8 * v), kBaseline + 16, v);
  out += fmt::format(
      "\n<text class=\"axis\" x=\"{}\" y=\"{}\" text-anchor=\"middle\">error / root mean square "
      "error of its tensor</text>\n",
      kHistogramWidth / 2, kBaseline + 34);
  return out + "</svg>\n";
}

std::string svg_bytes(const ErrorReport& r) {
  const std::vector<Bar> bars = bars_of(r);
  uint64_t most = 1;
  for (const Bar& b : bars)
    if (b.drawn) most = std::max({most, b.original, b.stored});
  const double scale = (kBytesWidth - kNames - kNumbers) / static_cast<double>(most);
  std::string out =
      fmt::format("<svg viewBox=\"0 0 {} {}\" role=\"img\" aria-label=\"Bytes by tensor\">\n",
                  kBytesWidth, kBarHeight * static_cast<double>(bars.size()) + 4);
  double y = 2;
  for (const Bar& b : bars) {
    out += fmt::format(
        "<g><title>{}: {} bytes of {}</title><text class=\"label\" x=\"{}\" y=\"{}\" "
        "text-anchor=\"end\">{}</text>",
        b.title, b.stored, b.original, kNames - 6, y + 14, b.label);
    const auto bar = [&](const char* kind, uint64_t bytes) {
      if (b.drawn)
        out += fmt::format("<rect class=\"{}\" x=\"{}\" y=\"{}\" width=\"{:.2f}\" height=\"16\"/>",
                           kind, kNames, y, scale * static_cast<double>(bytes));
    };
    bar("before", b.original);
    bar("after", b.stored);
    out += fmt::format("<text class=\"tick\" x=\"{}\" y=\"{}\">{}</text></g>\n",
                       kBytesWidth - kNumbers + 8, y + 13, size_text(b.stored));
    y += kBarHeight;
  }
  return out + "</svg>\n";
}
}  // namespace gramzip::cli
