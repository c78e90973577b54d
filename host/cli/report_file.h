// SPDX-License-Identifier: Apache-2.0
// --report FILE: an error report in the format of the file's name.
#pragma once
#include <string>

#include "host/engine/error_report.h"

namespace gramzip::cli {
// Throws CliError unless the name ends in .html, .json or .txt. To be called before the work.
void check_report_name(const std::string& path);
// Writes the file; an existing one is replaced only if `force`. No other output is open.
void write_report(const std::string& path, const ErrorReport& r, bool force);
}  // namespace gramzip::cli
