// SPDX-License-Identifier: Apache-2.0
// gramzip count: the most frequent n-grams of files, with exact counts.
#include <fmt/format.h>
#include <unistd.h>

#include <nlohmann/json.hpp>

#include "host/cli/files.h"
#include "host/cli/grams_out.h"
#include "host/cli/inputs.h"
#include "host/cli/options.h"
#include "host/cli/report.h"

namespace gramzip::cli {
namespace {
NgramSpec wanted_spec(const CountOptions& c) {
  if (c.words == c.bytes) throw CliError("count what? give one of --words and --bytes");
  if (c.lower && c.bytes) throw CliError("--lower is for --words; bytes are counted as they are");
  const NgramSpec spec{c.words ? NgramUnit::words : NgramUnit::bytes, c.n, c.lower};
  if (!spec.valid())
    throw CliError(c.words ? "-n: word n-grams have 1 to 4 words"
                           : "-n: byte n-grams have 1 to 32 bytes");
  return spec;
}

// Counts one input to its end. An input that cannot be opened adds nothing; one that fails later
// makes all counts wrong, so that error ends the command.
uint64_t count_file(cpu::NgramCounter& counter, FileSource& source, const Options& o,
                    const std::string& title) {
  ProgressBar bar(o.console, title, source.size_hint());
  std::vector<uint8_t> buffer(size_t{1} << 20);
  try {
    while (const size_t n = source.read(buffer.data(), buffer.size())) {
      counter.add({buffer.data(), n});
      bar.update(source.bytes_read(), 0);
    }
    counter.end_file();
  } catch (const CliError&) {
    throw;
  } catch (const Error& e) {
    throw CliError(describe(title, e));
  }
  bar.clear();
  return source.bytes_read();
}
}  // namespace

int run_count(Options& o) {
  const NgramSpec spec = wanted_spec(o.count);
  if (o.console.json && o.csv) throw CliError("--json and --csv exclude each other; give one");
  if (o.files.empty() && isatty(STDIN_FILENO) != 0)
    throw CliError("no file and no pipe; see gramzip count --help");
  if (o.files.empty()) o.files.push_back("-");
  const auto device = make_ngram_accelerator(o);
  cpu::NgramCountOptions options;
  options.threads = o.threads;
  options.memory = o.count.memory;
  options.device = device.get();
  cpu::NgramCounter counter(spec, options);

  Stopwatch watch;
  GramsReport report{spec, {}, 0, 0, 0, {}};
  bool failed = false;
  for (const Input& input : collect_inputs(o.files, o.recursive, o.console)) {
    const std::string title = input.path == "-" ? "standard input" : shown(input.path);
    std::unique_ptr<FileSource> source;
    try {
      source = std::make_unique<FileSource>(input.path);
    } catch (const std::exception& e) {
      failed = true;
      o.console.error(describe(title, e));
      continue;
    }
    report.bytes += count_file(counter, *source, o, title);
    report.files.push_back(input.path);
  }
  if (failed && report.files.empty()) return kError;
  report.total = counter.total();
  report.distinct = counter.distinct();
  report.entries = counter.top(o.count.top == 0 ? UINT64_MAX : o.count.top, o.count.min_count);
  o.console.note(fmt::format(
      "counted {} in {:.2f} s, {:.1f} MB/s, counts took {}", size_text(report.bytes),
      watch.seconds(), static_cast<double>(report.bytes) / 1e6 / std::max(watch.seconds(), 1e-6),
      size_text(counter.memory_used())));
  if (o.console.json) {
    print_grams_json(report);
  } else if (o.csv) {
    print_grams_csv(report);
    report_line(o.console, grams_summary(report));
  } else {
    if (o.console.verbosity > 0) print(grams_summary(report) + "\n");
    print_grams_table(report, o.console.verbosity > 0);
  }
  return exit_code(o, failed);
}
}  // namespace gramzip::cli
