// SPDX-License-Identifier: Apache-2.0
// The options of gramzip quantize.
#include <charconv>
#include <map>

#include "host/cli/export.h"
#include "host/cli/quantize.h"

namespace gramzip::cli {
namespace {
double parse_number(const std::string& text, const std::string& option) {
  double v = 0;
  const auto r = std::from_chars(text.data(), text.data() + text.size(), v);
  if (r.ec != std::errc() || r.ptr != text.data() + text.size())
    throw CliError(option + ": '" + shown(text) + "' is no number");
  return v;
}

template <class F>
CLI::Option* number_option(CLI::App& app, const std::string& name, const std::string& type,
                           const std::string& help, F set) {
  return app
      .add_option_function<std::string>(
          name, [name, set](const std::string& s) { set(parse_number(s, name)); }, help)
      ->type_name(type)
      ->take_last();
}

template <class T, class F>
void choice_option(CLI::App& app, const std::string& name, const std::string& type,
                   const std::string& help, std::vector<std::pair<std::string, T>> values, F set) {
  app.add_option_function<std::string>(
         name,
         [name, values, set](const std::string& s) {
           std::string list;
           for (const auto& [key, value] : values) {
             if (key == s) return set(value);
             list.append(list.empty() ? "" : ", ").append(key);
           }
           throw CliError(name + ": '" + shown(s) + "' is none of them; choose from " + list);
         },
         help)
      ->type_name(type)
      ->take_last();
}

void add_targets(CLI::App& app, QuantizeOptions& q) {
  number_option(app, "--target-bpw", "B", "bits per weight that the file is to have",
                [&q](double v) { q.target_bpw = v; });
  number_option(app, "--target-sqnr", "DB", "signal-to-noise ratio of all weights",
                [&q](double v) { q.target_sqnr = v; });
  number_option(app, "--max-error", "E", "largest error of a weight",
                [&q](double v) { q.max_error = v; });
}

void add_methods(CLI::App& app, Options& o) {
  using quant::Method;
  QuantizeOptions& q = o.quantize.engine;
  choice_option<std::optional<Method>>(
      app, "--method", "METHOD",
      "trellis (default), uniform, linear, mean-constrained, sorting, nf4, fp8, ternary, none",
      {{"trellis", Method::trellis},
       {"uniform", Method::uniform},
       {"linear", Method::linear},
       {"mean-constrained", Method::mean_constrained},
       {"sorting", Method::sorting},
       {"nf4", Method::nf4},
       {"fp8", Method::fp8},
       {"ternary", Method::ternary},
       {"none", std::nullopt}},
      [&o, &q](std::optional<Method> m) {
        o.quantize.method_given = true;
        q.quantize = m.has_value();
        q.method.method = m.value_or(Method::trellis);
      });
  app.add_option_function<std::string>(
         "--bits",
         [&o, &q](const std::string& s) {
           const double v = parse_number(s, "--bits");
           if (v != 2 && v != 3 && v != 4 && v != 5 && v != 6 && v != 7 && v != 8)
             throw CliError("--bits: 2 to 8");
           o.quantize.bits_given = true;
           q.method.bits = static_cast<uint32_t>(v);
         },
         "2 to 8: levels of linear, mean-constrained and sorting (default: 4)")
      ->type_name("N")
      ->take_last();
  app.add_option_function<std::string>(
         "--group",
         [&o, &q](const std::string& s) {
           o.quantize.group_given = true;
           q.group_rows = s == "row";
           q.method.group = 0;
           if (s == "row" || s == "tensor") return;
           const double v = parse_number(s, "--group");
           if (!(v >= 8 && v <= 65536) || v != static_cast<double>(static_cast<uint32_t>(v)))
             throw CliError("--group: row, tensor, or 8 to 65536 weights");
           q.method.group = static_cast<uint32_t>(v);
         },
         "weights that share a scale: a number, row or tensor")
      ->type_name("N")
      ->take_last();
  app.add_flag("--asymmetric", q.method.asymmetric, "linear: with zero points");
  app.add_flag("--mean-constrained", q.mean_constrained, "rows keep their means");
  choice_option<quant::CoderChoice>(app, "--coder", "CODER", "auto (default), huffman, rle, horner",
                                    {{"auto", quant::CoderChoice::automatic},
                                     {"huffman", quant::CoderChoice::huffman},
                                     {"rle", quant::CoderChoice::zero_runs},
                                     {"horner", quant::CoderChoice::horner}},
                                    [&q](quant::CoderChoice c) { q.coder = c; });
}

void add_pruning(CLI::App& app, Options& o) {
  QuantizeOptions& q = o.quantize.engine;
  choice_option<PruneKind>(
      app, "--prune", "KIND", "edge (weights), node (rows) or 2:4",
      {{"edge", PruneKind::edge}, {"node", PruneKind::node}, {"2:4", PruneKind::two_of_four}},
      [&q](PruneKind k) { q.prune = k; });
  choice_option<bool>(app, "--scope", "SCOPE", "prune in each tensor: local (default); or global",
                      {{"local", false}, {"global", true}}, [&o, &q](bool global) {
                        o.quantize.scope_given = true;
                        q.prune_global = global;
                      });
  number_option(app, "--sparsity", "S", "share of weights to prune, 0 to below 1 (default: 0.5)",
                [&o, &q](double v) {
                  o.quantize.sparsity_given = true;
                  q.sparsity = v;
                });
}

void add_selection(CLI::App& app, Options& o) {
  QuantizeOptions& q = o.quantize.engine;
  app.add_option("--keep", o.keep,
                 "tensors that stay lossless: names, with * and ?; none: no default rules")
      ->type_name("PATTERN")
      ->allow_extra_args(false);
  app.add_option_function<std::vector<std::string>>(
         "--set",
         [&q](const std::vector<std::string>& all) {
           for (const std::string& s : all) {
             const size_t at = s.rfind('=');
             if (at == std::string::npos || at == 0)
               throw CliError("--set: '" + shown(s) + "' is not PATTERN=BPW");
             q.set.emplace_back(s.substr(0, at), parse_number(s.substr(at + 1), "--set"));
           }
         },
         "bits per weight of tensors of their own; repeatable")
      ->type_name("PATTERN=BPW")
      ->allow_extra_args(false);
  app.add_flag("--strict", q.strict, "refuse NaN and infinite weights (else they are kept)");
}
}  // namespace

void add_quantize(CLI::App& app, Options& o) {
  add_files(app, o, "checkpoint: a file of tensors, or the index of one in several files");
  app.add_option("-o,--output", o.output, "output file (default: FILE.grz); - is standard output")
      ->type_name("OUT");
  app.add_flag("-f,--force", o.force, "replace existing files; write to a terminal");
  add_export(app, o);
  add_targets(app, o.quantize.engine);
  add_selection(app, o);
  add_methods(app, o);
  add_pruning(app, o);
  app.add_flag("--verify,!--no-verify", o.quantize.verify,
               "decode the archive and compare it with the report (default)");
  add_report(app, o);
  add_work(app, o);
  add_console(app, o, true);
}
}  // namespace gramzip::cli
