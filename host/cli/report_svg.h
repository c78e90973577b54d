// SPDX-License-Identifier: Apache-2.0
// The plots of an error report, as SVG elements for an HTML page whose style sheet is in
// report_page.h.
#pragma once
#include <string>

#include "host/engine/error_report.h"

namespace gramzip::cli {
// Bits per weight against SQNR: each tensor whose stored bytes are known, the total, the points of
// other formats and the bound of rate-distortion theory.
std::string svg_rate(const ErrorReport& r);
// Errors by size, of the total. The page's script puts other counts in.
std::string svg_histogram(const ErrorFigures& f);
// The largest tensors with what they took and what they take.
std::string svg_bytes(const ErrorReport& r);
}  // namespace gramzip::cli
