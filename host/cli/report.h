// SPDX-License-Identifier: Apache-2.0
// Results of one compression or decompression, as a line and as JSON.
#pragma once
#include <nlohmann/json.hpp>
#include <string>

#include "host/cli/console.h"
#include "host/engine/engine.h"

namespace gramzip::cli {
// "a.txt: 10.00 MiB -> 5.90 MiB, ratio 1.695, 120.1 MB/s, a.txt.grz"
std::string summary_line(const std::string& input, const std::string& output,
                         const ArchiveSummary& s, bool compressing, double seconds);
nlohmann::ordered_json summary_json(const std::string& input, const std::string& output,
                                    const ArchiveSummary& s, double seconds);
// Lines are for people: under -v, or when stderr is a terminal.
void report_line(Console& console, const std::string& line);
}  // namespace gramzip::cli
