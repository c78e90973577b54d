// SPDX-License-Identifier: Apache-2.0
// What the command line says, and the options that several subcommands share.
#pragma once
#include <CLI/CLI.hpp>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "host/backend/ngram_device.h"
#include "host/cli/console.h"
#include "host/engine/engine.h"
#include "host/engine/quantize.h"

namespace gramzip::cli {
struct CountOptions {
  bool words = false, bytes = false, lower = false;
  uint32_t n = 1;
  uint64_t top = 20, min_count = 1;
  uint64_t memory = cpu::NgramCountOptions().memory;
};

struct QuantizeArguments {
  QuantizeOptions engine;
  bool method_given = false, bits_given = false, group_given = false;
  bool scope_given = false, sparsity_given = false;
  bool verify = true;
};

struct Options {
  std::vector<std::string> files;
  std::string output;  // -o; empty: not given
  bool to_stdout = false, force = false, remove_source = false, recursive = false;
  bool stored_name = false;              // -N
  int level = kDefaultLevel;             // -1 to -9
  std::vector<std::string> model_files;  // -D
  bool lines_aligned = false;
  bool fast = false;           // --fast: weights too
  std::string base, base_dir;  // --base, --base-dir
  int threads = 0;
  std::string device = "auto";
  ContentMode mode = ContentMode::automatic;
  uint64_t max_output = UINT64_MAX;
  Console console;

  // get
  std::string tensor, member, bytes, lines, rows;
  // list
  bool tensors = false;
  // train
  uint32_t entries = 0, classes = 0;
  uint64_t sample_bytes = 0;
  // model show
  uint32_t top = 20;
  // bench
  int runs = 5;
  double seconds = 20;
  uint64_t limit = UINT64_MAX;
  bool csv = false;
  CountOptions count;
  // quantize
  std::string export_to;          // --export
  std::vector<std::string> keep;  // --keep
  QuantizeArguments quantize;
  // compare, and what reports errors
  std::vector<std::string> patterns;  // --tensors of compare
  std::string report, fail_below;
  // decompress, cat, get
  std::string dtype;  // --dtype; empty: as it is
  bool strict = false;
};

// Each adds one group of options to a command.
void add_files(CLI::App& app, Options& o, const std::string& what);
void add_console(CLI::App& app, Options& o, bool json);
void add_work(CLI::App& app, Options& o);    // -T, --device
void add_output(CLI::App& app, Options& o);  // -o -c -f -k --rm
void add_level(CLI::App& app, Options& o);   // -1 to -9
void add_models(CLI::App& app, Options& o);  // -D
void add_base(CLI::App& app, Options& o);    // --base, --base-dir
void add_compression(CLI::App& app, Options& o);
void add_decompression(CLI::App& app, Options& o);
void add_dtype(CLI::App& app, Options& o);   // --dtype, --strict
void add_report(CLI::App& app, Options& o);  // --report

// The backend of --device; null for the CPU's. Throws if a demanded device is not there.
std::unique_ptr<Backend> make_backend(Options& o);
// The same for counting n-grams, where auto is the CPU.
std::unique_ptr<cpu::NgramAccelerator> make_ngram_accelerator(Options& o);

// "12", "12K", "12M", "12G", "12T": K = 1024.
uint64_t parse_size(const std::string& text, const std::string& option);

// Runs `work` for each file, or for standard input if there is none. An error in one does not stop
// the others. Returns the exit code.
int for_each_file(Options& o, const std::function<void(const std::string&)>& work);
// Exit code so far: kError if `failed`, else kWarning if anything was warned of.
int exit_code(const Options& o, bool failed);

// Subcommands. Each returns an exit code.
int run_compress(Options& o);
int run_decompress(Options& o);
int run_cat(Options& o);
int run_test(Options& o);
int run_list(Options& o);
int run_get(Options& o);
int run_train(Options& o);
int run_model(Options& o);
int run_bench(Options& o);
int run_count(Options& o);
int run_compare(Options& o);
int run_doctor(Options& o);
}  // namespace gramzip::cli
