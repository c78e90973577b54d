// SPDX-License-Identifier: Apache-2.0
#include "host/cli/report.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cstdio>

namespace gramzip::cli {
std::string summary_line(const std::string& input, const std::string& output,
                         const ArchiveSummary& s, bool compressing, double seconds) {
  const std::string content = size_text(s.content_bytes), archive = size_text(s.archive_bytes);
  std::string line =
      fmt::format("{}: {} -> {}, ratio {:.3f}, {:.1f} MB/s", input, compressing ? content : archive,
                  compressing ? archive : content, ratio(s.content_bytes, s.archive_bytes),
                  static_cast<double>(s.content_bytes) / 1e6 / std::max(seconds, 1e-6));
  return output.empty() ? line : line + ", " + output;
}

nlohmann::ordered_json summary_json(const std::string& input, const std::string& output,
                                    const ArchiveSummary& s, double seconds) {
  nlohmann::ordered_json j;
  j["input"] = input;
  j["output"] = output;
  j["content_bytes"] = s.content_bytes;
  j["archive_bytes"] = s.archive_bytes;
  j["ratio"] = ratio(s.content_bytes, s.archive_bytes);
  j["members"] = s.members;
  j["segments"] = s.segments;
  j["ngram_segments"] = s.ngram_segments;
  j["models"] = s.models;
  j["blocks"] = {{"raw", s.blocks[0]},
                 {"coded", s.blocks[1]},
                 {"constant", s.blocks[2]},
                 {"repeat", s.blocks[3]}};
  if (s.lossy) j["lossy"] = true;
  j["hash"] = s.hash.hex();
  j["seconds"] = seconds;
  return j;
}

void report_line(Console& console, const std::string& line) {
  if (console.json || console.verbosity == 0) return;
  if (!console.verbose() && isatty(STDERR_FILENO) == 0) return;
  std::fputs((line + "\n").c_str(), stderr);
}
}  // namespace gramzip::cli
