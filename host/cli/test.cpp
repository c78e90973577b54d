// SPDX-License-Identifier: Apache-2.0
// gramzip test: decodes everything and writes nothing.
#include <fmt/format.h>

#include "host/cli/bases.h"
#include "host/cli/files.h"
#include "host/cli/members_out.h"
#include "host/cli/models.h"
#include "host/cli/options.h"
#include "host/cli/report.h"

namespace gramzip::cli {
int run_test(Options& o) {
  using nlohmann::ordered_json;
  const std::unique_ptr<Backend> backend = make_backend(o);
  const std::vector<ModelPtr> models = load_models(o.model_files);
  Bases bases(o, backend.get(), models);
  ordered_json json = {{"command", "test"}, {"files", ordered_json::array()}};
  const int code = for_each_file(o, [&](const std::string& path) {
    const std::string title = path == "-" ? "standard input" : shown(path);
    try {
      FileSource source(path);
      Stopwatch watch;
      ProgressBar bar(o.console, title, 0);
      DecompressOptions d;
      d.threads = o.threads;
      d.backend = backend.get();
      d.models = models;
      d.max_output = o.max_output;
      std::unique_ptr<FileRandomSource> random;
      if (source.regular() && path != "-") random = std::make_unique<FileRandomSource>(path);
      d.archive = random.get();
      d.find_base = [&](const frame::ContentId& id) { return bases.find(id); };
      d.progress = [&](uint64_t content) { bar.update(content, 0); };
      NoMembers nowhere;
      const ArchiveSummary s = decompress(source, nowhere, d);
      bar.clear();
      const double seconds = watch.seconds();
      ordered_json j = summary_json(title, "", s, seconds);
      j.erase("output");
      j["ok"] = true;
      json["files"].push_back(j);
      if (o.console.json || o.console.verbosity == 0) return;
      print(fmt::format("{}: ok{}, {} member{}, {}, ratio {:.3f}, {:.1f} MB/s, {}\n", title,
                        s.lossy ? ", LOSSY" : "", s.members, s.members == 1 ? "" : "s",
                        size_text(s.content_bytes), ratio(s.content_bytes, s.archive_bytes),
                        static_cast<double>(s.content_bytes) / 1e6 / std::max(seconds, 1e-6),
                        s.hash.hex()));
    } catch (const std::exception& e) {
      json["files"].push_back({{"input", title}, {"ok", false}, {"error", describe(title, e)}});
      throw;
    }
  });
  if (o.console.json) print_json(json, false);
  return code;
}
}  // namespace gramzip::cli
