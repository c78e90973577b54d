// SPDX-License-Identifier: Apache-2.0
// An error report as one HTML page that needs nothing else: no network, no fonts, no libraries.
#pragma once
#include <string>

#include "host/engine/error_report.h"

namespace gramzip::cli {
std::string report_html(const ErrorReport& r);
}  // namespace gramzip::cli
