// SPDX-License-Identifier: Apache-2.0
#include "host/cli/export.h"

#include <fmt/format.h>

#include <filesystem>

#include "host/cli/checkpoint_files.h"
#include "host/cli/export_folder.h"
#include "host/cli/report.h"
#include "host/cli/report_file.h"
#include "host/cli/report_json.h"
#include "host/cli/report_table.h"
#include "host/engine/export.h"

namespace gramzip::cli {
namespace {
constexpr char kFormats[] =
    "gguf:q8_0, gguf:q4_0, compressed-tensors:int4 and compressed-tensors:int8";

std::vector<std::string> split(const std::string& text) {
  std::vector<std::string> parts(1);
  for (const char c : text) {
    if (c == ':') {
      parts.emplace_back();
    } else {
      parts.back() += c;
    }
  }
  return parts;
}

ExportOptions parse_format(const std::string& text) {
  const std::vector<std::string> parts = split(text);
  const auto refuse = [&](const std::string& what) {
    throw CliError("--export '" + shown(text) + "': " + what);
  };
  ExportOptions e;
  const std::string type = parts.size() > 1 ? parts[1] : "";
  const bool gguf = parts[0] == "gguf", compressed = parts[0] == "compressed-tensors";
  if (gguf && (type == "q8_0" || type == "q4_0")) {
    e.format = type == "q8_0" ? ExportFormat::gguf_q8_0 : ExportFormat::gguf_q4_0;
  } else if (compressed && (type == "int4" || type == "int8")) {
    e.format = ExportFormat::compressed_tensors;
    e.scheme.bits = type == "int4" ? 4 : 8;
  } else {
    refuse(std::string("is no format; choose from ") + kFormats);
  }
  for (size_t i = 2; i < parts.size(); ++i) {
    const std::string& p = parts[i];
    if (gguf && p == "plain") {
      e.plain_names = true;
    } else if (compressed && (p == "g32" || p == "g64" || p == "g128")) {
      e.scheme.group = p == "g32" ? 32 : p == "g64" ? 64 : 128;
    } else if (compressed && p == "channel") {
      e.scheme.group = 0;
    } else if (compressed && p == "asym") {
      e.scheme.symmetric = false;
    } else {
      refuse("'" + shown(p) + "' is unknown; " +
             (gguf ? "plain may follow" : "g32, g64, g128 or channel, and asym, may follow"));
    }
  }
  return e;
}

// Options of quantize that have no meaning here.
void refuse_others(const Options& o) {
  const QuantizeArguments& a = o.quantize;
  const QuantizeOptions& q = a.engine;
  const std::pair<bool, const char*> others[] = {
      {q.target_bpw.has_value(), "--target-bpw"},
      {q.target_sqnr.has_value(), "--target-sqnr"},
      {q.max_error.has_value(), "--max-error"},
      {!q.set.empty(), "--set"},
      {a.method_given, "--method"},
      {a.bits_given, "--bits"},
      {a.group_given, "--group"},
      {q.method.asymmetric, "--asymmetric"},
      {q.mean_constrained, "--mean-constrained"},
      {q.coder != quant::CoderChoice::automatic, "--coder"},
      {q.prune != PruneKind::none || a.scope_given || a.sparsity_given, "--prune"},
  };
  for (const auto& [given, name] : others)
    if (given)
      throw CliError(std::string(name) + " does not go with --export: the format says how");
}

// The folder or file that the model is called by: "llama/model.safetensors" is "llama".
std::string model_name(const std::string& path) {
  std::error_code ignored;
  const std::filesystem::path p = std::filesystem::absolute(path, ignored).lexically_normal();
  const std::string stem = p.stem().string();
  const bool plain = stem.starts_with("model") || stem.starts_with("pytorch_model");
  const std::string folder = p.parent_path().filename().string();
  return plain && !folder.empty() ? folder : stem;
}

class Export {
 public:
  explicit Export(Options& o) : o_(o), options_(parse_format(o.export_to)) {}

  int run() {
    Stopwatch watch;
    files_ = open_checkpoint(o_.files, o_.console);
    folder_ = folder_of(files_[0].path);
    gather();
    const bool folder = options_.format == ExportFormat::compressed_tensors;
    ExportResult r = folder ? to_folder() : to_file();
    report(r, watch.seconds());
    return exit_code(o_, false);
  }

 private:
  void gather() {
    for (CheckpointFile& f : files_) {
      if (f.checkpoint.kind == MemberKind::gguf) {
        if (files_.size() > 1)
          throw CliError(shown(f.path) + ": GGUF beside other files; give it by itself");
        options_.gguf_file = f.source.get();
      }
      for (Tensor& t : f.checkpoint.tensors) inputs_.push_back({f.source.get(), std::move(t)});
      f.checkpoint.tensors.clear();
    }
    for (const ExportInput& in : inputs_) total_ += in.tensor.end - in.tensor.begin;
    for (const std::string& pattern : o_.keep) {
      if (pattern == "none")
        options_.default_rules = false;
      else
        options_.keep.push_back(pattern);
    }
    options_.threads = o_.threads;
    // A GGUF file has what config.json says.
    if (options_.gguf_file == nullptr) options_.config_json = read_config(folder_);
    options_.model_name = model_name(files_[0].path);
  }

  ExportResult make(Sink& out) {
    ProgressBar bar(o_.console, shown(o_.files[0]), total_);
    options_.progress = [&bar](uint64_t read, uint64_t written) { bar.update(read, written); };
    try {
      return export_checkpoint(inputs_, options_, out);
    } catch (const Error& e) {
      bar.clear();
      throw CliError(describe(shown(o_.files[0]), e));
    }
  }

  ExportResult to_file() {
    for (const CheckpointFile& f : files_) {
      struct stat s {};
      if (o_.output != "-" && stat(f.path.c_str(), &s) == 0 && same_file(o_.output, s))
        throw CliError(shown(f.path) + ": is the output itself; choose another with -o");
    }
    OutputOptions options;
    options.force = o_.force;
    Output out(o_.output, options);
    to_stdout_ = out.is_stdout();
    ExportResult r = make(out);
    out.commit();
    return r;
  }

  ExportResult to_folder() {
    ExportFolder out(o_.output, o_.force);
    ExportResult r = make(out.weights());
    if (options_.config_json.empty())
      r.notes.push_back(
          "no config.json beside the checkpoint: that of the output has only the "
          "quantization; loaders need the model's too");
    out.commit(options_.config_json, r.quantization_config, folder_);
    return r;
  }

  void report(ExportResult& r, double seconds) {
    for (const std::string& note : r.notes) o_.console.note(note);
    r.report.original = o_.files[0];
    r.report.other = o_.output;
    r.report.target = o_.export_to;
    r.report.seconds = seconds;
    if (!o_.report.empty()) write_report(o_.report, r.report, o_.force);
    const std::string line = fmt::format(
        "{}: {} of {} tensors quantized, {:.3f} bits per weight, {} dB; {} -> {}, {:.1f} MB/s, {}",
        shown(o_.files[0]), r.quantized(), r.report.tensors.size(),
        r.report.total.bits_per_weight().value_or(0),
        decibel_text(r.report.total.figures.sqnr_db()), size_text(total_), size_text(r.bytes),
        static_cast<double>(total_) / 1e6 / std::max(seconds, 1e-6),
        to_stdout_ ? "standard output" : shown(o_.output));
    report_line(o_.console, line);
    if (o_.console.json) return print_json(json(r, seconds), to_stdout_);
    if (o_.console.verbosity == 0) return;
    const std::string table = report_table(r.report);
    if (to_stdout_) {
      std::fputs(table.c_str(), stderr);
    } else {
      print(table);
    }
  }

  nlohmann::ordered_json json(const ExportResult& r, double seconds) const {
    nlohmann::ordered_json j = {{"command", "quantize"}, {"input", o_.files[0]},
                                {"output", o_.output},   {"export", o_.export_to},
                                {"bytes", r.bytes},      {"quantized", r.quantized()},
                                {"notes", r.notes}};
    if (!r.architecture.empty()) j["architecture"] = r.architecture;
    j["names"] = r.names;
    j["report"] = report_json(r.report);
    j["seconds"] = seconds;
    return j;
  }

  Options& o_;
  ExportOptions options_;
  std::vector<CheckpointFile> files_;
  std::string folder_;  // of the first
  std::vector<ExportInput> inputs_;
  uint64_t total_ = 0;
  bool to_stdout_ = false;
};
}  // namespace

void add_export(CLI::App& app, Options& o) {
  app.add_option("--export", o.export_to,
                 std::string("write another program's format: ") + kFormats)
      ->type_name("FORMAT");
}

int run_export(Options& o) {
  refuse_others(o);
  if (o.files.empty()) throw CliError("quantize needs a checkpoint; see gramzip quantize --help");
  if (o.output.empty())
    throw CliError("quantize needs -o OUT to write to; see gramzip quantize --help");
  if (!o.report.empty()) check_report_name(o.report);
  return Export(o).run();
}
}  // namespace gramzip::cli
