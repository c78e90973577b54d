// SPDX-License-Identifier: Apache-2.0
// gramzip quantize: a checkpoint to a lossy archive, with a report of its errors.
#include "host/cli/quantize.h"

#include <fmt/format.h>
#include <unistd.h>

#include "host/base/front_to_back.h"
#include "host/cli/export.h"
#include "host/cli/inputs.h"
#include "host/cli/output.h"
#include "host/cli/report.h"
#include "host/cli/report_file.h"
#include "host/cli/report_json.h"
#include "host/cli/report_table.h"

namespace gramzip::cli {
namespace {
using nlohmann::ordered_json;

// What the options leave open.
void settle(Options& o) {
  QuantizeArguments& a = o.quantize;
  QuantizeOptions& q = a.engine;
  using quant::Method;
  const bool target = q.target_bpw || q.target_sqnr || q.max_error || !q.set.empty();
  if (!a.method_given && !target && q.prune != PruneKind::none) q.quantize = false;
  if (q.prune == PruneKind::none && (a.scope_given || a.sparsity_given))
    throw CliError("--scope and --sparsity go with --prune");
  if (q.prune == PruneKind::two_of_four && a.scope_given)
    throw CliError("--scope: --prune 2:4 looks at four weights at a time");
  const Method m = q.method.method;
  const bool leveled = m == Method::linear || m == Method::mean_constrained || m == Method::sorting;
  if (a.bits_given && !(q.quantize && leveled))
    throw CliError("--bits goes with --method linear, mean-constrained or sorting");
  if (a.group_given || !q.quantize) return;
  q.group_rows = m == Method::linear || m == Method::mean_constrained || m == Method::ternary;
  if (m == Method::nf4) q.method.group = 64;
}

void settle_keep(Options& o) {
  QuantizeOptions& q = o.quantize.engine;
  for (const std::string& pattern : o.keep) {
    if (pattern == "none") {
      q.default_rules = false;
    } else {
      q.keep.push_back(pattern);
    }
  }
}

class Quantizing {
 public:
  explicit Quantizing(Options& o) : o_(o), backend_(make_backend(o)) {}

  ordered_json run(std::vector<Input> inputs, const std::string& output) {
    const std::string label = shown(inputs[0].path);
    open(inputs);
    OutputOptions options;
    options.force = o_.force;
    struct stat first {};
    if (stat(inputs[0].path.c_str(), &first) == 0) options.mode = first.st_mode & 0777;
    for (const Input& i : inputs) {
      struct stat s {};
      if (output != "-" && stat(i.path.c_str(), &s) == 0 && same_file(output, s))
        throw CliError(shown(i.path) + ": is the output itself; choose another with -o");
    }
    Output out(output, options);
    CountingSink counted(out);

    QuantizeOptions q = o_.quantize.engine;
    q.threads = o_.threads;
    q.backend = backend_.get();
    Stopwatch watch;
    ProgressBar bar(o_.console, label, total_);
    q.progress = [&](uint64_t content) { bar.update(content, counted.count()); };
    q.note = [&](const std::string& text) { o_.console.note(label + ": " + text); };
    q.warn = [&](const std::string& text) { o_.console.warning(label + ": " + text); };
    QuantizeResult r = quantize(inputs_, counted, q);
    bar.clear();
    if (o_.quantize.verify) verify(out, r, q);
    out.commit();
    r.report.original = inputs[0].path;
    r.report.other = output;
    r.report.seconds = watch.seconds();
    if (!o_.report.empty()) write_report(o_.report, r.report, o_.force);
    report_line(o_.console, summary_line(label, shown(output), r.archive, true, watch.seconds()));
    show(r, output == "-");
    return json(r, label, output, watch.seconds());
  }

 private:
  void open(const std::vector<Input>& inputs) {
    for (const Input& i : inputs) {
      if (is_archive_file(i.path))
        throw CliError(shown(i.path) + ": an archive; decompress it first");
      files_.push_back(std::make_unique<FileRandomSource>(i.path));
      total_ += files_.back()->size();
      struct stat s {};
      const uint32_t mode = stat(i.path.c_str(), &s) == 0 ? s.st_mode & 07777 : 0644;
      inputs_.push_back({i.name, mode, files_.back().get()});
    }
  }

  void verify(Output& out, const QuantizeResult& r, const QuantizeOptions& q) {
    const std::unique_ptr<FileRandomSource> written = out.written();
    if (!written) {
      o_.console.note("the output is no file, so it is not verified");
      return;
    }
    FrontToBack source(*written);
    verify_quantized(source, written.get(), inputs_, r, q);
  }

  void show(const QuantizeResult& r, bool to_stderr) {
    if (o_.console.json || o_.console.verbosity == 0) return;
    const std::string text = report_table(r.report) +
                             fmt::format("{:.4f} bits per weight: {} of {} for {} weights\n",
                                         r.bits_per_weight(), size_text(r.archive.archive_bytes),
                                         size_text(r.archive.content_bytes), r.weights);
    if (to_stderr) {
      std::fputs(text.c_str(), stderr);
    } else {
      print(text);
    }
  }

  static ordered_json json(const QuantizeResult& r, const std::string& label,
                           const std::string& output, double seconds) {
    ordered_json j = summary_json(label, output, r.archive, seconds);
    j["weights"] = r.weights;
    j["bits_per_weight"] = r.bits_per_weight();
    if (r.lambda > 0) j["lambda"] = r.lambda;
    j["passes"] = r.passes;
    j["report"] = report_json(r.report);
    return j;
  }

  Options& o_;
  std::unique_ptr<Backend> backend_;
  std::vector<std::unique_ptr<FileRandomSource>> files_;
  std::vector<QuantizeInput> inputs_;
  uint64_t total_ = 0;
};
}  // namespace

int run_quantize(Options& o) {
  if (!o.export_to.empty()) return run_export(o);
  if (o.files.size() != 1)
    throw CliError("quantize takes one checkpoint; see gramzip quantize --help");
  if (o.files[0] == "-")
    throw CliError("standard input: quantize reads its file several times; give a file");
  settle_keep(o);
  settle(o);
  if (!o.report.empty()) check_report_name(o.report);
  std::vector<Input> inputs = group_shards(collect_inputs(o.files, false, o.console)).at(0);
  for (Input& i : inputs) i.name = base_name(i.path);
  const std::string output = o.output.empty() ? o.files[0] + ".grz" : o.output;
  if (output == "-" && isatty(STDOUT_FILENO) != 0 && !o.force)
    throw CliError("standard output: binary data and a terminal; use -o FILE, a pipe, or -f");
  ordered_json json = {{"command", "quantize"}, {"files", ordered_json::array()}};
  bool failed = false;
  try {
    json["files"].push_back(Quantizing(o).run(inputs, output));
  } catch (const std::exception& e) {
    failed = true;
    const std::string message = describe(shown(o.files[0]), e);
    o.console.error(message);
    json["files"].push_back({{"input", shown(o.files[0])}, {"error", message}});
  }
  if (o.console.json) print_json(json, output == "-");
  return exit_code(o, failed);
}
}  // namespace gramzip::cli
