// SPDX-License-Identifier: Apache-2.0
// An error report as JSON (docs/cli.md, "Error reports").
#pragma once
#include <nlohmann/json.hpp>

#include "host/engine/error_report.h"

namespace gramzip::cli {
// Numbers that JSON does not have are the strings "inf", "-inf" and "nan".
nlohmann::ordered_json report_json(const ErrorReport& r);
}  // namespace gramzip::cli
