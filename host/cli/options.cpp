// SPDX-License-Identifier: Apache-2.0
#include "host/cli/options.h"

#include <charconv>
#include <map>

namespace gramzip::cli {
namespace {
template <class T>
void choice(CLI::App& app, const std::string& name, T& value, std::map<std::string, T> values,
            const std::string& type, const std::string& help) {
  app.add_option_function<std::string>(
         name,
         [&value, values, name](const std::string& s) {
           const auto it = values.find(s);
           std::string list;
           for (const auto& v : values) list += (list.empty() ? "" : ", ") + v.first;
           if (it == values.end())
             throw CliError(name + ": '" + shown(s) + "' is none of them; choose from " + list);
           value = it->second;
         },
         help)
      ->type_name(type)
      ->take_last();
}

void size_option(CLI::App& app, const std::string& name, uint64_t& value, const std::string& help) {
  app.add_option_function<std::string>(
         name, [&value, name](const std::string& s) { value = parse_size(s, name); }, help)
      ->type_name("BYTES")
      ->take_last();
}
}  // namespace

void add_files(CLI::App& app, Options& o, const std::string& what) {
  app.add_option("FILE", o.files, what)->type_name("");
}

void add_console(CLI::App& app, Options& o, bool json) {
  app.add_flag_callback(
      "-q,--quiet", [&o] { o.console.verbosity = 0; }, "errors only");
  app.add_flag_function(
      "-v,--verbose", [&o](int64_t n) { o.console.verbosity = 1 + static_cast<int>(n); },
      "say more; -vv: still more");
  choice<When>(app, "--progress", o.console.progress,
               {{"auto", When::automatic}, {"always", When::always}, {"never", When::never}},
               "WHEN", "auto, always or never (auto: on a terminal)");
  if (json) app.add_flag("--json", o.console.json, "one JSON object instead of text");
}

void add_work(CLI::App& app, Options& o) {
  app.add_option("-T,--threads", o.threads, "threads; 0: one a core (default)")
      ->type_name("N")
      ->check(CLI::Range(0, 4096).description(""))
      ->take_last();
  app.add_option("--device", o.device, "auto, cpu, cuda or cuda:N (default: auto)")
      ->type_name("DEVICE")
      ->take_last();
}

void add_output(CLI::App& app, Options& o) {
  app.add_option("-o,--output", o.output, "output file; - is standard output")->type_name("OUT");
  app.add_flag("-c,--stdout", o.to_stdout, "write to standard output");
  app.add_flag("-f,--force", o.force, "replace existing files; write to a terminal");
  app.add_flag_callback(
      "--rm", [&o] { o.remove_source = true; },
      "remove each source when its output is safe on disk");
  // Behind --rm: callbacks run in this order, and keeping wins.
  app.add_flag_callback(
      "-k,--keep", [&o] { o.remove_source = false; }, "keep sources (default)");
}

void add_level(CLI::App& app, Options& o) {
  // Before the levels, whose callbacks then have the last word.
  app.add_flag_callback(
      "--fast", [&o] { o.level = kLeastLevel, o.fast = true; },
      "-1, and weights are coded for fast decoding");
  // All levels are options; the help names three.
  for (int level = kLeastLevel; level <= kMostLevel; ++level) {
    const bool least = level == kLeastLevel, most = level == kMostLevel;
    const std::string name = "-" + std::to_string(level) + (most ? ",--best" : "");
    const char* help = least                    ? "fast; -2 to -8 lie between"
                       : most                   ? "smallest"
                       : level == kDefaultLevel ? "default"
                                                : "";
    CLI::Option* option = app.add_flag_callback(
        name, [&o, level] { o.level = level; }, help);
    if (*help == 0) option->group("");
  }
}

void add_models(CLI::App& app, Options& o) {
  app.add_option("-D", o.model_files, "model of gramzip train; several may be given")
      ->type_name("MODEL")
      ->allow_extra_args(false);
}

void add_base(CLI::App& app, Options& o) {
  app.add_option("--base", o.base, "file or archive that a delta is against")->type_name("FILE");
  app.add_option("--base-dir", o.base_dir, "folder to look for bases in, by size and hash")
      ->type_name("DIR");
}

void add_compression(CLI::App& app, Options& o) {
  app.add_flag("-r,--recursive", o.recursive, "take the files below folders");
  choice<ContentMode>(app, "--as", o.mode,
                      {{"auto", ContentMode::automatic},
                       {"text", ContentMode::text},
                       {"weights", ContentMode::weights},
                       {"bytes", ContentMode::bytes}},
                      "KIND", "auto, text, weights or bytes (default: auto, by content)");
  app.add_flag("--lines-aligned", o.lines_aligned, "segments of text end at line ends");
  add_level(app, o);
}

void add_decompression(CLI::App& app, Options& o) {
  app.add_flag("-N,--name", o.stored_name, "name the output as stored, not after the archive");
  size_option(app, "--max-output", o.max_output, "refuse to write more than this");
}

void add_dtype(CLI::App& app, Options& o) {
  app.add_option("--dtype", o.dtype, "write floats of safetensors as f32, bf16 or f16")
      ->type_name("TYPE");
  app.add_flag("--strict", o.strict, "with --dtype: values beyond the type are an error");
}

void add_report(CLI::App& app, Options& o) {
  app.add_option("--report", o.report,
                 "write the errors to a file: .html with plots, .json or .txt")
      ->type_name("FILE");
}

uint64_t parse_size(const std::string& text, const std::string& option) {
  uint64_t v = 0;
  const auto r = std::from_chars(text.data(), text.data() + text.size(), v);
  const std::string unit(r.ptr, text.data() + text.size());
  const size_t place = unit.size() == 1 ? std::string("KMGT").find(unit[0]) : std::string::npos;
  const size_t shift = place == std::string::npos ? 0 : 10 * (place + 1);
  const bool known = unit.empty() || place != std::string::npos;
  if (r.ec != std::errc() || !known || (v << shift) >> shift != v)
    throw CliError(option + ": '" + shown(text) + "' is no size; write 1000000, 64K, 10M or 2G");
  return v << shift;
}

namespace {
// What make(number, why) gives for the device of --device; null for the CPU.
template <class Make>
auto open_device(Options& o, Make make) {
  int device = 0;
  std::string why;
  decltype(make(device, why)) opened;
  const bool cuda = o.device.starts_with("cuda");
  if (o.device == "cpu") return opened;
  if (cuda && o.device != "cuda") {
    const std::string number = o.device.size() > 5 ? o.device.substr(5) : "";
    const auto r = std::from_chars(number.data(), number.data() + number.size(), device);
    if (o.device[4] != ':' || r.ec != std::errc() || r.ptr != number.data() + number.size() ||
        device < 0)
      throw CliError("--device: '" + shown(o.device) + "' is none; use auto, cpu, cuda or cuda:N");
  } else if (!cuda && o.device != "auto") {
    throw CliError("--device: '" + shown(o.device) + "' is none; use auto, cpu, cuda or cuda:N");
  }
  opened = make(device, why);
  if (opened) {
    o.console.note("device: " + opened->name());
  } else if (cuda) {
    throw CliError("--device " + o.device + ": " + why + "; --device cpu works without one");
  } else {
    o.console.note("device: CPU (" + why + ")");
  }
  return opened;
}
}  // namespace

std::unique_ptr<Backend> make_backend(Options& o) {
  return open_device(o,
                     [](int device, std::string& why) { return make_cuda_backend(device, why); });
}

std::unique_ptr<cpu::NgramAccelerator> make_ngram_accelerator(Options& o) {
  // Merging what comes back costs the host more than counting does where most n-grams are rare.
  if (o.device == "auto") return nullptr;
  return open_device(o,
                     [](int device, std::string& why) { return make_ngram_device(device, why); });
}

int for_each_file(Options& o, const std::function<void(const std::string&)>& work) {
  bool failed = false;
  if (o.files.empty()) o.files.push_back("-");
  for (const std::string& file : o.files) {
    try {
      work(file);
    } catch (const std::exception& e) {
      failed = true;
      o.console.error(describe(file == "-" ? "standard input" : shown(file), e));
    }
  }
  return exit_code(o, failed);
}

int exit_code(const Options& o, bool failed) {
  return failed ? kError : o.console.warned() ? kWarning : kOk;
}
}  // namespace gramzip::cli
