// SPDX-License-Identifier: Apache-2.0
#include "host/cli/report_file.h"

#include "host/cli/console.h"
#include "host/cli/output.h"
#include "host/cli/report_html.h"
#include "host/cli/report_json.h"
#include "host/cli/report_table.h"

namespace gramzip::cli {
void check_report_name(const std::string& path) {
  if (path.ends_with(".html") || path.ends_with(".json") || path.ends_with(".txt")) return;
  throw CliError("--report " + shown(path) + ": the name ends in none of .html, .json, .txt");
}

void write_report(const std::string& path, const ErrorReport& r, bool force) {
  check_report_name(path);
  std::string text;
  if (path.ends_with(".html")) {
    text = report_html(r);
  } else if (path.ends_with(".json")) {
    text = report_json(r).dump(1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
    text += "\n";
  } else {
    text = report_table(r);
  }
  OutputOptions options;
  options.force = force;
  Output out(path, options);
  out.write({reinterpret_cast<const uint8_t*>(text.data()), text.size()});
  out.commit();
}
}  // namespace gramzip::cli
