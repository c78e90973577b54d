// SPDX-License-Identifier: Apache-2.0
// gramzip decompress and cat. An archive of one member gives the file it is named after; one of
// several gives its members below the current folder; -c gives the content as one stream.
#include <unistd.h>

#include <cstring>
#include <set>

#include "host/cli/bases.h"
#include "host/cli/dtype_out.h"
#include "host/cli/members_out.h"
#include "host/cli/models.h"
#include "host/cli/options.h"
#include "host/cli/report.h"

namespace gramzip::cli {
namespace {
using nlohmann::ordered_json;

// What the index of a file says, if it can be read: nothing else depends on it.
struct Outline {
  uint64_t members = 1, content_bytes = 0;
  bool separate = false;  // several members, each with a name of its own
  std::string first_name;
};

Outline outline_of(const std::string& path) {
  Outline out;
  try {
    const ArchiveReader reader(std::make_shared<FileRandomSource>(path));
    out.members = reader.members().size();
    out.content_bytes = reader.content_bytes();
    std::set<std::string> names;
    for (const Member& m : reader.members()) names.insert(m.name);
    out.separate = out.members > 1 && names.size() == out.members && names.count("") == 0;
    if (out.members > 0) out.first_name = reader.members()[0].name;
  } catch (const std::exception&) {
    // Reading front to back tells what is wrong, and where.
  }
  return out;
}

bool names_folder(const std::string& output) {
  struct stat s {};
  return output.ends_with('/') || (stat(output.c_str(), &s) == 0 && S_ISDIR(s.st_mode));
}

class Decompression {
 public:
  Decompression(Options& o, Backend* backend, std::span<const ModelPtr> models)
      : o_(o),
        dtype_(parse_dtype(o.dtype)),
        backend_(backend),
        models_(models),
        bases_(o, backend, models) {}

  ordered_json run(const std::string& path) {
    FileSource source(path);
    Outline outline;
    random_.reset();
    if (source.regular() && path != "-") {
      outline = outline_of(path);
      random_ = std::make_unique<FileRandomSource>(path);
    }
    title_ = path == "-" ? "standard input" : shown(path);
    ProgressBar bar(o_.console, title_, outline.content_bytes);
    bar_ = &bar;
    ordered_json result;
    if (o_.to_stdout || (path == "-" && o_.output.empty())) {
      result = to_output(source, "-", {}, true);
    } else if (!o_.output.empty()) {
      result = names_folder(o_.output) ? to_folder(source, o_.output)
                                       : to_output(source, o_.output, {}, false);
    } else if (outline.separate) {
      result = to_folder(source, ".");
    } else {
      OutputOptions options;
      options.modified = source.status().st_mtim;
      result = to_output(source, target(path, outline), options, outline.members > 1);
    }
    if (o_.remove_source) remove(path, source, result["output"] == "-");
    return result;
  }

 private:
  std::string target(const std::string& path, const Outline& outline) const {
    if (o_.stored_name && !outline.first_name.empty())
      return folder_of(path) + "/" + base_name(outline.first_name);
    const std::string name = base_name(path);
    if (!name.ends_with(".grz") || name.size() <= 4)
      throw CliError(shown(path) + ": the name does not end in .grz; -o OUT names the output");
    return path.substr(0, path.size() - 4);
  }

  ArchiveSummary decode(FileSource& source, MemberSink& out) {
    DecompressOptions d;
    d.threads = o_.threads;
    d.backend = backend_;
    d.models = models_;
    d.max_output = o_.max_output;
    d.archive = random_.get();
    d.find_base = [&](const frame::ContentId& id) { return bases_.find(id); };
    d.progress = [&](uint64_t content) { bar_->update(content, 0); };
    if (!dtype_) return decompress(source, out, d);
    // The limit is one of what is written.
    d.max_output = UINT64_MAX;
    DtypeMembers converted(out, o_.console, *dtype_, o_.strict, o_.max_output);
    const ArchiveSummary s = decompress(source, converted, d);
    converted.finish();
    return s;
  }

  ordered_json to_output(FileSource& source, const std::string& path, OutputOptions options,
                         bool join) {
    Stopwatch watch;
    options.force = o_.force;
    if (path != "-" && source.regular() && same_file(path, source.status()))
      throw CliError(shown(path) + ": is the archive itself; choose another output with -o");
    Output out(path, options);
    const mode_t archive_mode = source.regular() ? source.status().st_mode & 0777 : 0666;
    JoinedMembers members(
        out, [&](const Member& m) { out.set_mode(m.name.empty() ? archive_mode : m.mode & 0777); },
        [&](const Member&) {
          if (!join)
            throw CliError(title_ +
                           ": holds several members; -o DIR/ writes them below a folder, "
                           "-c one after another");
        });
    ArchiveSummary s;
    try {
      s = decode(source, members);
    } catch (const Error&) {
      out.flush_pipe();
      throw;
    }
    out.commit();
    return report(path, s, watch.seconds());
  }

  ordered_json to_folder(FileSource& source, const std::string& folder) {
    Stopwatch watch;
    FolderMembers members(folder, o_.force);
    const ArchiveSummary s = decode(source, members);
    members.finish();
    return report(folder, s, watch.seconds());
  }

  ordered_json report(const std::string& output, const ArchiveSummary& s, double seconds) {
    bar_->clear();
    if (output != "-" || o_.console.verbose())
      report_line(o_.console,
                  summary_line(title_, output == "-" ? "" : shown(output), s, false, seconds));
    return summary_json(title_, output, s, seconds);
  }

  void remove(const std::string& path, const FileSource& source, bool to_stdout) const {
    if (!source.regular() || path == "-") return;
    if (to_stdout || o_.output.starts_with("/dev/")) {
      o_.console.note(shown(path) + ": kept, since the output is no file");
    } else if (!unchanged(path, source.status())) {
      o_.console.warning(shown(path) + ": has changed meanwhile; kept");
    } else if (unlink(path.c_str()) != 0) {
      o_.console.warning(shown(path) + ": could not be removed: " + std::strerror(errno));
    }
  }

  Options& o_;
  std::optional<ElementType> dtype_;
  Backend* backend_;
  std::span<const ModelPtr> models_;
  Bases bases_;
  std::unique_ptr<FileRandomSource> random_;  // the archive, if it can be read anywhere
  std::string title_;
  ProgressBar* bar_ = nullptr;
};
}  // namespace

int run_decompress(Options& o) {
  if (o.strict && o.dtype.empty()) throw CliError("--strict goes with --dtype");
  if (o.to_stdout && !o.output.empty()) throw CliError("-c and -o exclude each other; give one");
  if (o.output == "-") {
    o.to_stdout = true;
    o.output.clear();
  }
  if (o.files.size() > 1 && !o.output.empty() && !names_folder(o.output))
    throw CliError("-o " + shown(o.output) +
                   ": one file for several archives; -o DIR/ takes a folder, -c joins them");
  const std::unique_ptr<Backend> backend = make_backend(o);
  const std::vector<ModelPtr> models = load_models(o.model_files);
  Decompression job(o, backend.get(), models);
  ordered_json json = {{"command", "decompress"}, {"files", ordered_json::array()}};
  bool stdout_data = o.to_stdout;
  const int code = for_each_file(o, [&](const std::string& path) {
    if (path == "-" && o.output.empty()) stdout_data = true;
    try {
      json["files"].push_back(job.run(path));
    } catch (const std::exception& e) {
      const std::string title = path == "-" ? "standard input" : shown(path);
      json["files"].push_back({{"input", title}, {"error", describe(title, e)}});
      throw;
    }
  });
  if (o.console.json) print_json(json, stdout_data);
  return code;
}

int run_cat(Options& o) {
  o.to_stdout = true;
  return run_decompress(o);
}
}  // namespace gramzip::cli
