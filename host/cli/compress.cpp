// SPDX-License-Identifier: Apache-2.0
// gramzip compress: each file to its own FILE.grz, or all to one archive with -o or -c. The index
// of a checkpoint takes the files that it names with it.
#include <unistd.h>

#include <algorithm>
#include <set>

#include "host/cli/bases.h"
#include "host/cli/inputs.h"
#include "host/cli/models.h"
#include "host/cli/options.h"
#include "host/cli/output.h"
#include "host/cli/report.h"

namespace gramzip::cli {
namespace {
using nlohmann::ordered_json;

struct Taken {
  std::string path;
  struct stat status;
};

class Compression {
 public:
  Compression(Options& o, Backend* backend, std::span<const ModelPtr> models)
      : o_(o), backend_(backend), models_(models), bases_(o, backend, models) {}

  // One archive of `inputs` at `output`.
  ordered_json run(const std::vector<Input>& inputs, const std::string& output,
                   bool to_file_beside) {
    const std::string label =
        inputs.size() == 1 ? title(inputs[0].path) : std::to_string(inputs.size()) + " files";
    std::unique_ptr<FileSource> source = open(inputs[0], to_file_beside);
    OutputOptions options;
    options.force = o_.force;
    if (inputs.size() == 1 && source->regular()) {
      options.mode = source->status().st_mode & 0777;
      if (to_file_beside) options.modified = source->status().st_mtim;
    }
    if (output != "-") refuse_same(inputs, output);
    Output out(output, options);
    CountingSink counted(out);

    Stopwatch watch;
    ProgressBar bar(o_.console, label, total(inputs));
    CompressOptions c;
    c.threads = o_.threads;
    c.mode = o_.mode;
    c.backend = backend_;
    c.level = o_.level;
    c.models = models_;
    c.lines_aligned = o_.lines_aligned;
    c.fast = o_.fast;
    c.base = bases_.given();
    c.across_members = inputs.size() > 1 && any_checkpoint(inputs);
    c.progress = [&](uint64_t content) { bar.update(content, counted.count()); };
    size_t at = 0;
    std::unique_ptr<FileRandomSource> random;
    std::vector<Taken> taken;
    c.warn = [&](const std::string& text) {
      o_.console.warning(title(inputs[at - 1].path) + ": " + text);
    };
    const auto next = [&](MemberInput& m) {
      if (at == inputs.size()) return false;
      if (at > 0) source = open(inputs[at], false);
      const struct stat& s = source->status();
      m.name = inputs.size() > 1 || source->regular() ? inputs[at].name : "";
      m.mode = source->regular() ? s.st_mode & 07777 : 0644;
      m.source = source.get();
      random.reset();
      // Also a file that is standard input is read from its start only as a stream.
      if (source->regular() && inputs[at].path != "-")
        random = std::make_unique<FileRandomSource>(inputs[at].path);
      m.random = random.get();
      taken.push_back({inputs[at].path, s});
      ++at;
      return true;
    };
    const ArchiveSummary summary = compress(next, counted, c);
    out.commit();
    bar.clear();
    const double seconds = watch.seconds();
    report_line(o_.console, summary_line(label, title(output), summary, true, seconds));
    if (o_.remove_source) remove(taken, out);
    return summary_json(label, output, summary, seconds);
  }

 private:
  static std::string title(const std::string& path) {
    return path == "-" ? "standard input" : shown(path);
  }

  std::unique_ptr<FileSource> open(const Input& input, bool regular_only) const {
    auto source = std::make_unique<FileSource>(input.path);
    if (regular_only && !source->regular())
      throw CliError(title(input.path) + ": not a regular file; -c or -o OUT takes it");
    if (!o_.force && source->starts_as_archive())
      throw CliError(title(input.path) + ": already a gramzip archive; -f compresses it once more");
    return source;
  }

  void refuse_same(const std::vector<Input>& inputs, const std::string& output) const {
    for (const Input& i : inputs) {
      struct stat s {};
      if (i.path != "-" && stat(i.path.c_str(), &s) == 0 && S_ISREG(s.st_mode) &&
          same_file(output, s))
        throw CliError(title(i.path) + ": is the output itself; choose another with -o");
    }
  }

  // A look at each file's first bytes; of the first checkpoint also what describes its tensors.
  bool any_checkpoint(const std::vector<Input>& inputs) const {
    if (o_.mode == ContentMode::text || o_.mode == ContentMode::bytes) return false;
    return std::any_of(inputs.begin(), inputs.end(), [](const Input& i) {
      struct stat s {};
      if (i.path == "-" || stat(i.path.c_str(), &s) != 0 || !S_ISREG(s.st_mode)) return false;
      try {
        FileRandomSource file(i.path);
        return read_checkpoint(file).has_value();
      } catch (const std::exception&) {
        return false;  // said when its turn comes
      }
    });
  }

  static uint64_t total(const std::vector<Input>& inputs) {
    uint64_t sum = 0;
    for (const Input& i : inputs) {
      struct stat s {};
      const bool ok = i.path == "-" ? fstat(STDIN_FILENO, &s) == 0 : stat(i.path.c_str(), &s) == 0;
      if (!ok || !S_ISREG(s.st_mode)) return 0;
      sum += static_cast<uint64_t>(s.st_size);
    }
    return sum;
  }

  void remove(const std::vector<Taken>& taken, const Output& out) const {
    for (const Taken& t : taken) {
      if (!S_ISREG(t.status.st_mode) || t.path == "-") continue;
      if (!out.is_file()) {
        o_.console.note(shown(t.path) + ": kept, since the output is no file");
      } else if (!unchanged(t.path, t.status)) {
        o_.console.warning(shown(t.path) + ": has changed meanwhile; kept");
      } else if (unlink(t.path.c_str()) != 0) {
        o_.console.warning(shown(t.path) + ": could not be removed: " + std::strerror(errno));
      }
    }
  }

  Options& o_;
  Backend* backend_;
  std::span<const ModelPtr> models_;
  Bases bases_;
};

// Names in one archive, and what must not be in it.
void prepare_joined(std::vector<Input>& inputs, const Options& o, Console& console) {
  struct stat s {};
  std::erase_if(inputs, [&](const Input& i) {
    const bool is_output = i.from_folder && stat(i.path.c_str(), &s) == 0 && same_file(o.output, s);
    if (is_output) console.note(shown(i.path) + ": is the output, skipped");
    return is_output;
  });
  if (inputs.size() == 1 && !inputs[0].from_folder) {
    inputs[0].name = base_name(inputs[0].path);
    return;
  }
  std::set<std::string> names;
  for (Input& i : inputs) {
    if (i.path == "-")
      throw CliError("standard input: can only be compressed alone; give files or -");
    i.name = member_name(i.path);
    if (!names.insert(i.name).second)
      throw CliError(shown(i.path) +
                     ": another input would have the same name in the archive; "
                     "rename one or compress it apart");
    if (!o.force && is_archive_file(i.path))
      throw CliError(shown(i.path) + ": already a gramzip archive; -f compresses it once more");
  }
}
}  // namespace

int run_compress(Options& o) {
  if (o.files.empty()) o.files.push_back("-");
  if (o.to_stdout && !o.output.empty()) throw CliError("-c and -o exclude each other; give one");
  const bool piped = o.files == std::vector<std::string>{"-"} && o.output.empty();
  if (o.to_stdout || piped) o.output = "-";
  if (o.output == "-" && isatty(STDOUT_FILENO) != 0 && !o.force)
    throw CliError("standard output: binary data and a terminal; use -o FILE, a pipe, or -f");

  const std::unique_ptr<Backend> backend = make_backend(o);
  const std::vector<ModelPtr> models = load_models(o.model_files);
  Compression job(o, backend.get(), models);
  std::vector<Input> inputs = collect_inputs(o.files, o.recursive, o.console);
  std::vector<std::vector<Input>> groups;
  if (o.mode == ContentMode::automatic || o.mode == ContentMode::weights) {
    groups = group_shards(inputs);
  } else {
    for (const Input& i : inputs) groups.push_back({i});
  }
  ordered_json json = {{"command", "compress"}, {"files", ordered_json::array()}};
  bool failed = false;
  const auto guarded = [&](const std::string& what, const auto& work) {
    try {
      json["files"].push_back(work());
    } catch (const std::exception& e) {
      failed = true;
      const std::string message = describe(what, e);
      o.console.error(message);
      json["files"].push_back({{"input", what}, {"error", message}});
    }
  };
  if (!o.output.empty()) {
    inputs = join_groups(groups);
    prepare_joined(inputs, o, o.console);
    if (inputs.empty()) throw CliError("no files found; name at least one");
    const std::string what = inputs.size() == 1 ? inputs[0].path : o.output;
    guarded(what == "-" && inputs.size() == 1 ? "standard input" : shown(what),
            [&] { return job.run(inputs, o.output, false); });
  } else {
    for (std::vector<Input>& group : groups) {
      const Input& i = group[0];
      // Also under -f: a second run over a folder does not compress the first one's outputs.
      if (i.from_folder && is_archive_file(i.path)) {
        o.console.note(shown(i.path) + ": already a gramzip archive, skipped");
        continue;
      }
      for (Input& member : group) member.name = base_name(member.path);
      guarded(shown(i.path), [&] {
        if (i.path == "-")
          throw CliError("standard input: can only be compressed alone or with -o");
        return job.run(group, i.path + ".grz", true);
      });
    }
  }
  if (o.console.json) print_json(json, o.output == "-");
  return exit_code(o, failed);
}
}  // namespace gramzip::cli
