// SPDX-License-Identifier: Apache-2.0
#include "host/engine/quantize.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "host/engine/fixed_scale.h"
#include "host/engine/quant_measure.h"
#include "host/engine/quant_pruning.h"
#include "host/engine/quant_targets.h"
#include "host/engine/quantize_note.h"
#include "host/engine/quantize_options.h"
#include "host/engine/quantized_source.h"
#include "host/engine/segment_share.h"
#include "host/frame/sections.h"

namespace gramzip {
namespace {
const std::string kBlankNote = "{}";

uint64_t note_section_bytes(size_t note_bytes) { return frame::model_section_bytes(note_bytes); }

class NoSink final : public Sink {
 public:
  void write(std::span<const uint8_t>) override {}
};

class Quantization {
 public:
  Quantization(std::span<const QuantizeInput> inputs, const QuantizeOptions& options)
      : inputs_(inputs), o_(options), workers_(options.threads) {
    if (o_.backend == nullptr) own_ = make_cpu_backend();
  }

  QuantizeResult run(Sink& out) {
    result_.patches.resize(inputs_.size());
    plan();
    prune();
    refuse_nonfinite();
    look_at_rest();
    QuantMeasure measure(backend(), workers_);
    QuantWeights weights(jobs_, may_use_trellis(o_));
    QuantTargets targets(o_, jobs_, references_, weights, measure, workers_);
    look_at_kept(measure);
    QuantRest rest{weights_, rest_bytes_, 0, {}};
    for (const ErrorFigures& f : kept_) rest.kept_signal += f.signal;
    rest.note_bytes = [&] {
      return note_section_bytes(quantize_note(o_, report(targets), targets.lambda()).size());
    };
    for (int attempt = 0; attempt < 4; ++attempt) {
      targets.find(rest);
      if (!patch_checksums()) break;
      look_at_rest();
      if (!o_.target_bpw || in_window(rest_bytes_ + targets.section_bytes() + rest.note_bytes()))
        break;
      rest.rest_bytes = rest_bytes_;
    }
    result_.lambda = targets.lambda();
    result_.passes = targets.passes();
    result_.report = report(targets);
    result_.note = quantize_note(o_, result_.report, result_.lambda);
    result_.archive = write(out, false, true);
    result_.report.archive_bytes = result_.archive.archive_bytes;
    result_.weights = weights_;
    check_size();
    return std::move(result_);
  }

 private:
  Backend& backend() { return o_.backend != nullptr ? *o_.backend : *own_; }

  void plan() {
    for (const QuantizeInput& in : inputs_) {
      try {
        checkpoints_.push_back(read_checkpoint(*in.file));
      } catch (const Error& e) {
        throw Error(e.code(), inputs_.size() > 1 ? in.name + ": " + e.what() : e.what());
      }
    }
    if (std::none_of(checkpoints_.begin(), checkpoints_.end(),
                     [](const auto& c) { return c.has_value(); }))
      fail(ErrorCode::invalid_argument, "not a file of tensors that gramzip knows");
    planned_ = plan_tensors(checkpoints_, o_);
    const bool only_set = o_.quantize && quant::has_target(o_.method.method) && !o_.target_bpw &&
                          !o_.target_sqnr && !o_.max_error;
    for (PlannedTensor& t : planned_) {
      if (only_set && t.kept.empty() && !t.own_rate) t.kept = "no rate";
      if (t.weights) weights_ += t.elements;
    }
    std::map<std::string, size_t> rules;
    for (const PlannedTensor& t : planned_) {
      job_of_.push_back(jobs_.size());
      if (t.kept.empty()) {
        jobs_.emplace_back(t, *inputs_[t.input].file);
      } else {
        ++rules[t.kept];
      }
    }
    if (!jobs_.empty()) return;
    std::string why;
    for (const auto& [rule, n] : rules)
      why.append(why.empty() ? "" : ", ").append(rule).append(": ").append(std::to_string(n));
    fail(ErrorCode::invalid_argument, "no tensor is left to quantize" +
                                          (why.empty() ? std::string() : " (kept: " + why + ")") +
                                          "; --keep none turns the default rules off");
  }

  void prune() {
    const bool constrained =
        o_.quantize && (o_.mean_constrained || o_.method.method == quant::Method::mean_constrained);
    for (QuantJob& job : jobs_) {
      job.constrained = constrained;
      job.by_rows = constrained || o_.prune != PruneKind::none;
      job.cut_pieces();
    }
    decide_pruning(jobs_, o_, workers_);
  }

  void refuse_nonfinite() {
    if (!o_.strict) return;
    std::vector<uint64_t> counts(jobs_.size(), 0);
    workers_.run(jobs_.size(), [&](size_t i, size_t) {
      const QuantJob& job = jobs_[i];
      const FloatLayout layout = float_layout(job.type());
      std::vector<uint8_t> piece;
      for (size_t p = 0; p < job.pieces(); ++p) {
        job.read_piece(p, piece);
        for (uint64_t e = 0; e < piece.size() / job.element_bytes(); ++e)
          if (!is_finite(layout, load_element(piece.data(), e, job.element_bytes()))) ++counts[i];
      }
    });
    for (size_t i = 0; i < jobs_.size(); ++i)
      if (counts[i] > 0)
        fail(ErrorCode::invalid_argument,
             "tensor '" + jobs_[i].plan().tensor.name + "': " + std::to_string(counts[i]) +
                 (counts[i] == 1 ? " weight is" : " weights are") + " NaN or infinite");
  }

  // The archive; blank: its quantized weights are 0. Records what its segments take.
  ArchiveSummary write(Sink& out, bool blank, bool final) {
    std::vector<QuantizedTensors> levels(inputs_.size());
    std::vector<std::vector<const QuantJob*>> jobs(inputs_.size());
    for (const QuantJob& job : jobs_) {
      jobs[job.plan().input].push_back(&job);
      if (!o_.quantize) continue;
      auto& at = levels[job.plan().input][job.plan().tensor.begin];
      if (blank) {
        auto zero = std::make_shared<quant::Levels>();
        zero->type = job.type();
        zero->corrections = {0};
        at = std::move(zero);
      } else {
        at = std::shared_ptr<const quant::Levels>(job.quantizer, &job.quantizer->levels);
      }
    }
    starts_.clear(), written_.clear();
    uint64_t start = 0;
    size_t at = 0;
    std::optional<QuantizedSource> source;
    CompressOptions c;
    c.threads = o_.threads;
    c.backend = &backend();
    c.across_members = inputs_.size() > 1;
    if (final) c.progress = o_.progress;
    c.warn = o_.warn;
    c.note = [&] { return final ? result_.note : kBlankNote; };
    c.written = [&](const CompressOptions::Written& w) { written_.push_back(w); };
    return compress(
        [&](MemberInput& m) {
          if (at == inputs_.size()) return false;
          const QuantizeInput& in = inputs_[at];
          source.emplace(*in.file, jobs[at], result_.patches[at], blank && o_.quantize);
          m.name = in.name;
          m.mode = in.mode;
          m.source = &*source;
          m.random = in.file;
          m.quantized = &levels[at];
          starts_.push_back(start);
          start += in.file->size();
          ++at;
          return true;
        },
        out, c);
  }

  // Sets the checksums that zip archives have of what changes. False if there are none.
  bool patch_checksums() {
    bool any = false;
    for (size_t i = 0; i < inputs_.size(); ++i) {
      if (!checkpoints_[i] || checkpoints_[i]->kind != MemberKind::zip) continue;
      std::vector<const QuantJob*> jobs;
      for (const QuantJob& job : jobs_)
        if (job.plan().input == i) jobs.push_back(&job);
      QuantizedSource changed(*inputs_[i].file, jobs);
      workers_.run(1, [&](size_t, size_t) {
        result_.patches[i] =
            zip::changed_checksums(*inputs_[i].file, changed, [&](uint64_t begin, uint64_t end) {
              return std::any_of(jobs.begin(), jobs.end(), [&](const QuantJob* job) {
                const Tensor& t = job->plan().tensor;
                return t.begin < end && t.end > begin;
              });
            });
      });
      any = true;
    }
    return any;
  }

  bool in_window(uint64_t archive_bytes) const {
    const double bpw = 8 * static_cast<double>(archive_bytes) / static_cast<double>(weights_);
    return bpw <= *o_.target_bpw && bpw >= *o_.target_bpw - kRateWindow;
  }

  // All but the weights to be quantized: what it takes, and which of their segments stand for
  // earlier ones.
  void look_at_rest() {
    NoSink nowhere;
    const ArchiveSummary s = write(nowhere, true, false);
    rest_bytes_ = s.archive_bytes - note_section_bytes(kBlankNote.size());
    shares_ = written_;
    references_.resize(jobs_.size());
    reference_bytes_.assign(jobs_.size(), 0);
    for (size_t i = 0; i < jobs_.size(); ++i) {
      if (!o_.quantize) continue;
      references_[i].clear();
      const uint64_t begin = place(jobs_[i].plan()).first, end = begin + jobs_[i].bytes();
      for (const CompressOptions::Written& w : written_) {
        if (w.content_offset < begin || w.content_offset >= end) continue;
        references_[i].push_back(w.reference);
        if (w.reference) {
          reference_bytes_[i] += w.section_bytes;
        } else {
          rest_bytes_ -= w.section_bytes;
        }
      }
    }
  }

  std::pair<uint64_t, uint64_t> place(const PlannedTensor& t) const {
    return {starts_[t.input] + t.tensor.begin, starts_[t.input] + t.tensor.end};
  }

  // Figures of tensors of weights that are kept.
  void look_at_kept(QuantMeasure& measure) {
    kept_.resize(planned_.size());
    workers_.run(planned_.size(), [&](size_t i, size_t) {
      const PlannedTensor& t = planned_[i];
      if (t.weights && !t.kept.empty())
        kept_[i] = measure.unchanged(QuantJob(t, *inputs_[t.input].file));
    });
  }

  ErrorReport report(const QuantTargets& targets) const {
    ErrorReport r;
    r.command = "quantize";
    r.original = inputs_.front().name;
    r.target = target_text(o_);
    for (size_t i = 0; i < planned_.size(); ++i) {
      const PlannedTensor& t = planned_[i];
      TensorError e;
      e.name = t.tensor.name;
      e.dtype = t.tensor.dtype;
      e.shape = t.tensor.shape;
      e.elements = 1;
      for (const uint64_t d : t.tensor.shape) e.elements *= d;
      e.original_bytes = t.tensor.end - t.tensor.begin;
      e.kept_by = t.kept;
      e.exact = !t.weights;
      const auto [begin, end] = place(t);
      if (t.kept.empty()) {
        const size_t job = job_of_[i];
        const Measured& m = targets.measured()[job];
        e.figures = m.figures;
        e.method = method_text(o_, jobs_[job]);
        e.parameters = quantizer_text(jobs_[job]);
        e.stored_bytes = jobs_[job].quantizer ? m.section_bytes + reference_bytes_[job]
                                              : segment_share(shares_, begin, end);
      } else {
        e.figures = kept_[i];
        e.method = "lossless";
        e.stored_bytes = segment_share(shares_, begin, end);
      }
      r.tensors.push_back(std::move(e));
    }
    r.add_up();
    return r;
  }

  // The search counted on this size.
  void check_size() {
    if (!o_.target_bpw || in_window(result_.archive.archive_bytes)) return;
    const double bpw = result_.bits_per_weight();
    char text[80];
    std::snprintf(text, sizeof text, "the file has %.4f bits per weight", bpw);
    if (bpw > *o_.target_bpw || weights_ >= 1u << 16)
      fail(ErrorCode::internal, std::string(text) + ", not what was asked for");
    if (o_.warn) o_.warn(std::string(text) + ": so few weights allow no finer steps");
  }

  const std::span<const QuantizeInput> inputs_;
  const QuantizeOptions& o_;
  Workers workers_;
  std::unique_ptr<Backend> own_;
  std::vector<std::optional<Checkpoint>> checkpoints_;
  std::vector<PlannedTensor> planned_;
  std::vector<size_t> job_of_;      // of planned tensors that are not kept
  std::vector<ErrorFigures> kept_;  // of the others, if they are weights
  std::vector<QuantJob> jobs_;
  uint64_t weights_ = 0;
  std::vector<uint64_t> starts_;  // of inputs, in the content
  std::vector<CompressOptions::Written> written_, shares_;
  std::vector<std::vector<bool>> references_;  // of jobs, by segment
  std::vector<uint64_t> reference_bytes_;
  uint64_t rest_bytes_ = 0;  // without note and quantized segments
  QuantizeResult result_;
};
}  // namespace

QuantizeResult quantize(std::span<const QuantizeInput> inputs, Sink& out,
                        const QuantizeOptions& options) {
  check_options(options);
  return Quantization(inputs, options).run(out);
}
}  // namespace gramzip
