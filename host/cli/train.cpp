// SPDX-License-Identifier: Apache-2.0
// gramzip train: a model of texts, for use with -D.
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "host/cli/models.h"
#include "host/cli/output.h"
#include "host/engine/text_measure.h"
#include "host/frame/model_file.h"

namespace gramzip::cli {
namespace {
using nlohmann::ordered_json;

// More text teaches the trainer nothing: it parses 64 MiB at most.
constexpr uint64_t kMostText = 256u << 20;
constexpr uint64_t kFullTraining = 64u << 20;
constexpr uint64_t kMeasured = 16u << 20;

model::NgramModel trained(const Options& o, const TextSample& text, uint64_t sample_bytes) {
  TrainOptions t;
  t.effort = static_cast<uint8_t>(o.level);
  t.entries = o.entries;
  t.classes = o.classes;
  t.threads = o.threads;
  t.sample_bytes = sample_bytes;
  t.general = true;
  return train_model(text.spans(), t);
}

// Coded sizes with the model of the sample and with one of all text, on the same pieces.
ordered_json loss_of(const Options& o, const TextSample& text, const model::TextModel& of_sample,
                     Backend& backend) {
  model::NgramModel full = trained(o, text, kFullTraining);
  frame::store_model_file(full);
  const model::TextModel of_all(std::move(full));
  const TextSample measured = text.total_bytes <= kMeasured || text.total_bytes != text.bytes
                                  ? TextSample{}
                                  : read_text(o.files, kMeasured);
  const auto pieces = measured.pieces.empty() ? text.spans() : measured.spans();
  const uint64_t a = coded_text_bytes(backend, of_sample, pieces, o.level, o.threads);
  const uint64_t b = coded_text_bytes(backend, of_all, pieces, o.level, o.threads);
  uint64_t bytes = 0;
  for (const auto p : pieces) bytes += p.size();
  return {{"measured_bytes", bytes},
          {"coded_with_sample_model", a},
          {"coded_with_full_model", b},
          {"loss_percent", 100 * (static_cast<double>(a) / static_cast<double>(b) - 1)}};
}
}  // namespace

int run_train(Options& o) {
  if (o.output.empty())
    throw CliError("train needs -o MODEL.grm to write to; see gramzip train --help");
  if (o.files.empty()) throw CliError("train needs a text file; see gramzip train --help");
  const std::unique_ptr<Backend> chosen = make_backend(o);
  const std::unique_ptr<Backend> cpu = chosen ? nullptr : make_cpu_backend();
  Backend& backend = chosen ? *chosen : *cpu;

  Stopwatch watch;
  const TextSample text = read_text(o.files, kMostText);
  if (text.bytes == 0) throw CliError("train: the files are empty; there is nothing to learn from");
  OutputOptions options;
  options.force = o.force;
  Output out(o.output, options);
  model::NgramModel m = trained(o, text, o.sample_bytes);
  const std::vector<uint8_t> file = frame::store_model_file(m);
  out.write(file);
  out.commit();
  const double seconds = watch.seconds();

  ordered_json j = {{"command", "train"},
                    {"model", o.output},
                    {"hash", m.id.hex()},
                    {"model_bytes", file.size()},
                    {"strings", m.strings.size()},
                    {"classes", m.codes.size()},
                    {"files", o.files.size()},
                    {"text_bytes", text.total_bytes},
                    {"read_bytes", text.bytes},
                    {"sample_bytes", o.sample_bytes},
                    {"level", o.level},
                    {"seconds", seconds}};
  const std::string title = o.output == "-" ? "standard output" : shown(o.output);
  const bool to_stderr = o.output == "-";
  const auto say = [&](const std::string& line) {
    if (o.console.json || o.console.verbosity == 0) return;
    if (to_stderr) {
      o.console.note(line);
    } else {
      print(line + "\n");
    }
  };
  say(fmt::format(
      "{}: {} strings, {} classes, {}, from {} of text{}, {:.1f} s, {}", title, m.strings.size(),
      m.codes.size(), size_text(file.size()), size_text(text.total_bytes),
      text.bytes < text.total_bytes ? ", of which " + size_text(text.bytes) + " was read" : "",
      seconds, m.id.hex()));
  if (o.sample_bytes > 0) {
    const ordered_json loss = loss_of(o, text, model::TextModel(std::move(m)), backend);
    say(fmt::format(
        "{}: {:.2f} % larger than with a model of {}: {} against {} bytes for {} of the files, the "
        "models not counted",
        title, loss["loss_percent"].get<double>(),
        text.bytes <= kFullTraining ? "all text" : size_text(kFullTraining) + " of the text",
        loss["coded_with_sample_model"].get<uint64_t>(),
        loss["coded_with_full_model"].get<uint64_t>(),
        size_text(loss["measured_bytes"].get<uint64_t>())));
    j["loss"] = loss;
  }
  if (o.console.json) print_json(j, to_stderr);
  return exit_code(o, false);
}
}  // namespace gramzip::cli
