// SPDX-License-Identifier: Apache-2.0
// Entry: chooses the subcommand, or the short form that zstd and gzip users type.
#include <fcntl.h>
#include <unistd.h>

#include "host/cli/files.h"
#include "host/cli/options.h"
#include "host/cli/output.h"
#include "host/cli/quantize.h"

namespace gramzip::cli {
namespace {
struct Command {
  const char* name;
  const char* alias;
  const char* help;
  const char* example;
  int (*run)(Options&);
  void (*add)(CLI::App&, Options&);
};

void add_compress(CLI::App& app, Options& o) {
  add_files(app, o, "files to compress; - or none: standard input");
  add_output(app, o);
  add_compression(app, o);
  add_models(app, o);
  add_base(app, o);
  add_work(app, o);
  add_console(app, o, true);
}
void add_decompress(CLI::App& app, Options& o) {
  add_files(app, o, "archives; - or none: standard input");
  add_output(app, o);
  add_decompression(app, o);
  add_dtype(app, o);
  add_models(app, o);
  add_base(app, o);
  add_work(app, o);
  add_console(app, o, true);
}
void add_test(CLI::App& app, Options& o) {
  add_files(app, o, "archives; - or none: standard input");
  add_decompression(app, o);
  add_models(app, o);
  add_base(app, o);
  add_work(app, o);
  add_console(app, o, true);
}
void add_list(CLI::App& app, Options& o) {
  add_files(app, o, "archives");
  app.add_flag("--tensors", o.tensors, "each tensor: type, shape, size, codec, bits per weight");
  add_models(app, o);
  add_base(app, o);
  add_console(app, o, true);
}
void add_get(CLI::App& app, Options& o) {
  add_files(app, o, "archive");
  app.add_option("--tensor", o.tensor,
                 "raw bytes of a tensor; -o X.npy or X.safetensors wraps them")
      ->type_name("NAME");
  app.add_option("--rows", o.rows, "of a tensor: slices of its first dimension, from A to before B")
      ->type_name("A:B");
  app.add_option("--file", o.member, "a file by its stored name")->type_name("NAME");
  app.add_option("--bytes", o.bytes, "from byte A, counted from 0, to before byte B")
      ->type_name("A:B");
  app.add_option("--lines", o.lines, "lines A to B, counted from 1, both included")
      ->type_name("A:B");
  app.add_option("-o,--output", o.output, "output file; standard output if not given")
      ->type_name("OUT");
  app.add_flag("-f,--force", o.force, "replace an existing file; write to a terminal");
  add_dtype(app, o);
  add_models(app, o);
  add_base(app, o);
  add_work(app, o);
  add_console(app, o, false);
}
void add_train(CLI::App& app, Options& o) {
  add_files(app, o, "texts to learn from; - is standard input");
  app.add_option("-o,--output", o.output, "model file to write")->type_name("MODEL");
  app.add_flag("-f,--force", o.force, "replace an existing file");
  app.add_option("--entries", o.entries, "strings at most (default: by the size of the texts)")
      ->type_name("N")
      ->check(CLI::Range(1u, text::kMaxStrings).description(""));
  app.add_option("--classes", o.classes, "classes at most (default: by the size of the texts)")
      ->type_name("C")
      ->check(CLI::Range(1u, text::kMaxClasses).description(""));
  app.add_option_function<std::string>(
         "--sample", [&o](const std::string& s) { o.sample_bytes = parse_size(s, "--sample"); },
         "learn from so much of the texts, and say what that costs")
      ->type_name("BYTES");
  add_level(app, o);
  add_work(app, o);
  add_console(app, o, true);
}
void add_model(CLI::App& app, Options& o) {
  add_files(app, o, "show, then a model file");
  app.add_option("--top", o.top, "strings to show, the most useful first (default: 20)")
      ->type_name("K");
  add_console(app, o, true);
}
void add_bench(CLI::App& app, Options& o) {
  add_files(app, o, "files to measure with");
  app.add_option("-n,--runs", o.runs, "runs after the first (default: 5)")
      ->type_name("N")
      ->check(CLI::Range(1, 1000).description(""));
  app.add_option("--seconds", o.seconds, "no further run after this long (default: 20)")
      ->type_name("S");
  app.add_option_function<std::string>(
         "--limit", [&o](const std::string& s) { o.limit = parse_size(s, "--limit"); },
         "only the first BYTES of each file")
      ->type_name("BYTES");
  app.add_flag("--csv", o.csv, "comma-separated values");
  add_level(app, o);
  add_models(app, o);
  add_work(app, o);
  add_console(app, o, true);
}
void add_count(CLI::App& app, Options& o) {
  add_files(app, o, "files to count; - or none: standard input");
  app.add_flag("--words", o.count.words, "count words: letters, digits, _, inner apostrophes");
  app.add_flag("--bytes", o.count.bytes, "count bytes at every position");
  app.add_option("-n", o.count.n, "units of an n-gram: 1 to 4 words, 1 to 32 bytes (default: 1)")
      ->type_name("N");
  app.add_flag("--lower", o.count.lower, "words: count A-Z as a-z");
  app.add_option("--top", o.count.top, "only the K most frequent (default: 20; 0: all)")
      ->type_name("K");
  app.add_option("--min", o.count.min_count, "only n-grams counted so often (default: 1)")
      ->type_name("COUNT");
  app.add_option_function<std::string>(
         "--memory", [&o](const std::string& s) { o.count.memory = parse_size(s, "--memory"); },
         "most memory for counts and buffers (default: 2G)")
      ->type_name("BYTES");
  app.add_flag("--csv", o.csv, "comma-separated values: count, n-gram, its bytes in hexadecimal");
  app.add_flag("-r,--recursive", o.recursive, "take the files below folders");
  add_work(app, o);
  add_console(app, o, true);
}
void add_compare(CLI::App& app, Options& o) {
  add_files(app, o, "two checkpoints: tensor files, shard indexes, folders or archives");
  add_report(app, o);
  app.add_option("--fail-below", o.fail_below, "exit code 1 if the total SQNR is below so many dB")
      ->type_name("DB");
  app.add_option("--tensors", o.patterns, "only tensors of such names, with * and ?; repeatable")
      ->type_name("PATTERN")
      ->allow_extra_args(false);
  app.add_flag("-f,--force", o.force, "replace an existing report");
  add_models(app, o);
  add_base(app, o);
  add_work(app, o);
  add_console(app, o, true);
}
void add_doctor(CLI::App& app, Options& o) { add_console(app, o, true); }

constexpr Command kCommands[] = {
    {"compress", "c", "compress files, each to FILE.grz, or all to one archive with -o",
     "gramzip compress model.safetensors", run_compress, add_compress},
    {"decompress", "d", "restore what an archive holds", "gramzip decompress model.safetensors.grz",
     run_decompress, add_decompress},
    {"cat", "", "decompress to standard output", "gramzip cat corpus.txt.grz | head", run_cat,
     add_decompress},
    {"test", "", "decode everything, write nothing", "gramzip test corpus.grz", run_test, add_test},
    {"list", "", "what an archive holds; --tensors: each tensor; -v: segments too",
     "gramzip list -v model.safetensors.grz", run_list, add_list},
    {"get", "", "one file, tensor, byte range or line range",
     "gramzip get model.safetensors.grz --tensor lm_head.weight -o head.npy", run_get, add_get},
    {"train", "", "learn a model from texts, for -D",
     "gramzip train -o logs.grm monday.log tuesday.log", run_train, add_train},
    {"model", "", "model show: what a model has learnt", "gramzip model show logs.grm --top 50",
     run_model, add_model},
    {"bench", "", "ratio and speed beside zstd and xz", "gramzip bench corpus.txt", run_bench,
     add_bench},
    {"count", "", "exact counts of words, bytes and their n-grams",
     "gramzip count --words -n 2 --lower corpus.txt", run_count, add_count},
    {"compare", "", "how far one checkpoint is from another: errors by tensor",
     "gramzip compare model.safetensors model-q4.safetensors --report errors.html", run_compare,
     add_compare},
    {"quantize", "", "lossy: fewer bits per weight, or a bound of the error",
     "gramzip quantize model.safetensors --target-bpw 4.5", run_quantize, add_quantize},
    {"doctor", "", "devices, build and a self-test", "gramzip doctor", run_doctor, add_doctor},
};

std::string overview() {
  std::string s =
      "Example: gramzip model.safetensors\n\n"
      "gramzip " GRAMZIP_VERSION
      " compresses text corpora and model weights without loss.\n\n"
      "Usage: gramzip COMMAND [OPTIONS] [FILE...]\n"
      "       gramzip [-d|-t|-l|-b] [-c] [-f] [-k] [-r] [-o OUT] [-T#] [FILE...]\n\n"
      "Commands (gramzip COMMAND --help says more):\n";
  for (const Command& c : kCommands) {
    std::string names = std::string("  ") + c.name + (*c.alias ? std::string(", ") + c.alias : "");
    names.resize(17, ' ');
    s += names + c.help + "\n";
  }
  return s +
         "\nShort form, as zstd and gzip have it: no letter compresses, -d decompresses, -dc and "
         "-c\n"
         "use standard output, -t tests, -l lists, -b measures. - is standard input or output; "
         "with\n"
         "no FILE and a pipe, standard input goes to standard output, so tar -I gramzip works.\n"
         "Sources are kept unless --rm is given; nothing is replaced without -f.\n"
         "Exit code: 0, 1 for an error, 2 for a warning.\n\nOptions of the short form:\n";
}

// The options' part of CLI11's help.
std::string options_text(const CLI::App& app) {
  const std::string help = app.help();
  const size_t at = help.find("\nOptions:\n");
  return at == std::string::npos ? help : help.substr(at + 10);
}

int parse_and_run(CLI::App& app, Options& o, int argc, char** argv,
                  const std::string& overview_text, const std::function<int()>& run) {
  try {
    app.parse(argc, argv);
  } catch (const CLI::CallForHelp&) {
    print(overview_text.empty() ? app.help() : overview_text + options_text(app));
    return kOk;
  } catch (const CLI::CallForVersion&) {
    print("gramzip " GRAMZIP_VERSION "\n");
    return kOk;
  } catch (const CLI::ParseError& e) {
    o.console.error(std::string(e.what()) + "; see " + app.get_name() + " --help");
    return kError;
  }
  return run();
}

int run_command(const Command& command, int argc, char** argv) {
  Options o;
  CLI::App app(std::string("Example: ") + command.example + "\n\n" + command.help + "\n",
               std::string("gramzip ") + command.name);
  command.add(app, o);
  return parse_and_run(app, o, argc, argv, "", [&] { return command.run(o); });
}

int run_short_form(int argc, char** argv) {
  Options o;
  bool compress = false, decompress = false, test = false, list = false, bench = false;
  CLI::App app("", "gramzip");
  add_files(app, o, "");
  app.add_flag("-z,--compress", compress, "compress (default)");
  app.add_flag("-d,--decompress,--uncompress", decompress, "decompress");
  app.add_flag("-t,--test", test, "test");
  app.add_flag("-l,--list", list, "list");
  app.add_flag("-b,--bench", bench, "measure");
  add_output(app, o);
  add_compression(app, o);
  add_decompression(app, o);
  add_models(app, o);
  add_base(app, o);
  add_work(app, o);
  add_console(app, o, true);
  app.set_version_flag("-V,--version", "gramzip " GRAMZIP_VERSION, "print the version");
  return parse_and_run(app, o, argc, argv, overview(), [&] {
    if (compress + decompress + test + list + bench > 1)
      throw CliError("-z, -d, -t, -l and -b exclude each other; give one");
    if (list) return run_list(o);
    if (bench) return run_bench(o);
    if (o.files.empty() && isatty(STDIN_FILENO) != 0)
      throw CliError("no file and no pipe; see gramzip --help");
    if (test) return run_test(o);
    return decompress ? run_decompress(o) : run_compress(o);
  });
}

// Descriptors 0 to 2 exist, so that no file of ours takes their place. What was closed cannot be
// used.
void hold_standard_descriptors() {
  for (const int want : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    if (fcntl(want, F_GETFD) == 0 || errno != EBADF) continue;
    if (::open("/dev/null", want == STDIN_FILENO ? O_WRONLY : O_RDONLY) < 0) _exit(kError);
  }
}

int run(int argc, char** argv) {
  const std::string first = argc > 1 ? argv[1] : "";
  for (const Command& c : kCommands)
    if (!first.empty() && (first == c.name || first == c.alias))
      return run_command(c, argc - 1, argv + 1);
  return run_short_form(argc, argv);
}
}  // namespace
}  // namespace gramzip::cli

int main(int argc, char** argv) {
  using namespace gramzip::cli;
  hold_standard_descriptors();
  install_signal_handlers();
  try {
    const int code = run(argc, argv);
    flush_stdout();
    return code;
  } catch (const BrokenPipe&) {
    return kError;
  } catch (const std::exception& e) {
    Console().error(describe("", e));
    return kError;
  }
}
