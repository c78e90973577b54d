// SPDX-License-Identifier: Apache-2.0
// An error report as a table for a terminal.
#pragma once
#include <string>

#include "host/engine/error_report.h"

namespace gramzip::cli {
// A line for each tensor and one for the total, then what could not be compared.
std::string report_table(const ErrorReport& r);
std::string decibel_text(double db);  // "34.21", "inf", "-inf", "nan"
}  // namespace gramzip::cli
