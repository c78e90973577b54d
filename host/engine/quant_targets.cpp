// SPDX-License-Identifier: Apache-2.0
#include "host/engine/quant_targets.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "host/engine/fixed_scale.h"
#include "host/engine/plan_runs.h"

namespace gramzip {
namespace {
constexpr double kSqnrWindow = 0.05;   // dB above it
constexpr double kSegmentBytes = 700;  // headers, levels and code tables of a segment, about

[[noreturn]] void refuse(const char* format, double asked, double possible) {
  char text[200];
  std::snprintf(text, sizeof text, format, asked, possible);
  fail(ErrorCode::invalid_argument, text);
}
double up(double x) { return std::ceil(x * 100) / 100; }
double down(double x) { return std::floor(x * 100) / 100; }

SearchGoal rate_goal(double rate, double weights) {
  const double most = rate * weights / 8;
  return {(rate - kRateWindow) * weights / 8, most, (rate - 0.4 * kRateWindow) * weights / 8, true};
}
}  // namespace

QuantTargets::QuantTargets(const QuantizeOptions& options, std::span<QuantJob> jobs,
                           const std::vector<std::vector<bool>>& references, QuantWeights& weights,
                           QuantMeasure& measure, Workers& workers)
    : o_(options),
      jobs_(jobs),
      references_(references),
      weights_(weights),
      measure_(measure),
      workers_(workers),
      estimates_(jobs.size()),
      kinds_(jobs.size(), LevelKind::either),
      measured_(jobs.size()) {}

void QuantTargets::measure(const Jobs& which, bool with_references) {
  std::vector<const QuantJob*> jobs;
  std::vector<const std::vector<bool>*> references;
  for (const size_t i : which) {
    jobs.push_back(&jobs_[i]);
    references.push_back(with_references ? &references_[i] : nullptr);
  }
  std::vector<Measured> m = measure_.run(jobs, references);
  for (size_t k = 0; k < which.size(); ++k) measured_[which[k]] = m[k];
}

template <class Design>
void QuantTargets::design_all(const Design& design) {
  workers_.run(jobs_.size(), [&](size_t i, size_t) {
    quant::Design d = design(i);
    d.quantizer.levels.coder = o_.coder;
    estimates_[i] = d.estimate;
    jobs_[i].quantizer = std::make_shared<const quant::Quantizer>(std::move(d.quantizer));
  });
}

void QuantTargets::design_at(const Jobs& jobs, double x) {
  if (designed_ == &jobs && designed_at_ == x) return;
  designed_ = &jobs, designed_at_ = x;
  workers_.run(jobs.size(), [&](size_t k, size_t) {
    quant::Design d = weights_.uniform(jobs[k], slope_at(x), kinds_[jobs[k]]);
    d.quantizer.levels.coder = o_.coder;
    estimates_[jobs[k]] = d.estimate;
    jobs_[jobs[k]].quantizer = std::make_shared<const quant::Quantizer>(std::move(d.quantizer));
  });
}

void QuantTargets::decide_kinds(const Jobs& jobs) {
  constexpr double kFar = 1;  // of x: a bit's worth
  constexpr int kMostDecisions = 2;
  const double x = designed_at_, slope = slope_at(x);
  const bool decided = decisions_ > 0 && decided_ == &jobs;
  if (!weights_.may_use_trellis() ||
      (decided && (decisions_ == kMostDecisions || std::abs(x - decided_at_) < kFar)))
    return;
  decisions_ = decided ? decisions_ + 1 : 1;
  decided_ = &jobs, decided_at_ = x;
  std::vector<double> cost[2];
  for (const LevelKind kind : {LevelKind::scalar, LevelKind::trellis}) {
    for (const size_t i : jobs) kinds_[i] = kind;
    designed_ = nullptr;
    design_at(jobs, x);
    measure(jobs, false);
    for (const size_t i : jobs)
      cost[kind == LevelKind::trellis].push_back(
          measured_[i].figures.noise + slope * 8 * static_cast<double>(measured_[i].section_bytes));
    ++passes_;
  }
  for (size_t k = 0; k < jobs.size(); ++k)
    kinds_[jobs[k]] = cost[1][k] < cost[0][k] ? LevelKind::trellis : LevelKind::scalar;
  designed_ = nullptr;
  design_at(jobs, x);
}

void QuantTargets::look_between(const Jobs& jobs, double low, double high) {
  design_at(jobs, low);
  at_low_ = estimates_;
  design_at(jobs, high);
  at_high_ = estimates_;
}

void QuantTargets::design_between(const Jobs& jobs, double part, bool bits) {
  designed_ = nullptr;
  workers_.run(jobs.size(), [&](size_t k, size_t) {
    const size_t i = jobs[k];
    const auto mix = [&](double a, double b) { return a + part * (b - a); };
    quant::Design d =
        bits
            ? weights_.of_bits(i, mix(at_high_[i].limited_bits, at_low_[i].limited_bits), kinds_[i])
            : weights_.of_error(i, mix(at_high_[i].squared_error, at_low_[i].squared_error),
                                kinds_[i]);
    d.quantizer.levels.coder = o_.coder;
    estimates_[i] = d.estimate;
    jobs_[i].quantizer = std::make_shared<const quant::Quantizer>(std::move(d.quantizer));
  });
}

double QuantTargets::estimated_bytes(const Jobs& jobs) const {
  double bytes = 0;
  for (const size_t i : jobs) {
    const std::vector<bool>& references = references_[i];
    const auto n = static_cast<double>(references.size());
    const auto own =
        n - static_cast<double>(std::count(references.begin(), references.end(), true));
    bytes += (estimates_[i].limited_bits / 8 + n * kSegmentBytes) * (n > 0 ? own / n : 1);
  }
  return bytes;
}

// Where some 4 bits a weight are to be expected.
double QuantTargets::first_place(const Jobs& jobs) {
  std::vector<std::pair<double, double>> sums(jobs_.size());
  workers_.run(jobs.size(), [&](size_t k, size_t) {
    const auto d = weights_.of(jobs[k]);
    sums[jobs[k]] = {d->sum_of_squares, static_cast<double>(d->count)};
  });
  double squares = 0, count = 0;
  for (const size_t i : jobs) squares += sums[i].first, count += sums[i].second;
  const double slope = count > 0 ? squares / count / 128 : 0;
  return std::isfinite(slope) && slope > 0 ? slope_place(slope) : 0;
}

void QuantTargets::check_max_error() const {
  for (size_t i = 0; i < jobs_.size(); ++i)
    if (measured_[i].figures.max_error > *o_.max_error)
      fail(ErrorCode::internal, "tensor '" + jobs_[i].plan().tensor.name + "': an error of " +
                                    std::to_string(measured_[i].figures.max_error));
}

uint64_t QuantTargets::section_bytes() const {
  uint64_t bytes = 0;
  for (const Measured& m : measured_) bytes += m.section_bytes;
  return bytes;
}

void QuantTargets::say(const char* format, double figure) const {
  if (!o_.note) return;
  char text[120];
  std::snprintf(text, sizeof text, format, figure);
  o_.note(text);
}

// The goal by slopes, or between two of them. estimate() and measure() are of the quantizers at
// hand.
SearchResult QuantTargets::search(const Jobs& jobs, const SearchGoal& goal, bool bits,
                                  const std::function<double()>& estimate,
                                  const std::function<double()>& measure_all) {
  const double start = first_place(jobs);
  SearchResult r;
  for (const bool stop_at_jump : {true, false}) {
    SearchGoal slopes = goal;
    slopes.stop_at_jump = stop_at_jump;
    r = search_slope(
        slopes, start,
        [&](double x) {
          design_at(jobs, x);
          return estimate();
        },
        [&](double x) {
          design_at(jobs, x);
          decide_kinds(jobs);
          lambda_ = slope_at(x);
          return measure_all();
        });
    passes_ += r.passes;
    if (r.met) return r;
    if (!r.between) break;
    lambda_ = slope_at(r.high);
    look_between(jobs, r.low, r.high);
    constexpr double kWhole = 8;
    const auto part = [](double x) { return std::clamp(x / kWhole, 0.0, 1.0); };
    const SearchGoal same = {goal.least, goal.most, goal.aim, !goal.falls};
    SearchResult mixed = search_slope(
        same, kWhole / 2,
        [&](double x) {
          design_between(jobs, part(x), bits);
          return estimate();
        },
        [&](double x) {
          design_between(jobs, part(x), bits);
          return measure_all();
        });
    passes_ += mixed.passes;
    if (mixed.met) return mixed;
  }
  design_at(jobs, r.x);
  lambda_ = slope_at(r.x);
  measure_all();
  return r;
}

// A tensor's segments at its own rate.
void QuantTargets::find_own(size_t job) {
  const Jobs one = {job};
  const PlannedTensor& plan = jobs_[job].plan();
  const auto n = static_cast<double>(plan.elements);
  const SearchGoal goal = rate_goal(*plan.own_rate, n);
  const double segments =
      static_cast<double>((jobs_[job].bytes() + kQuantizedSegment - 1) / kQuantizedSegment);
  const SearchResult r = search(
      one, goal, true, [&] { return estimates_[job].limited_bits / 8 + segments * kSegmentBytes; },
      [&] {
        measure(one, false);
        return static_cast<double>(measured_[job].section_bytes);
      });
  measure(one, true);
  designed_ = nullptr;
  const double rate = 8 * r.figure / n;
  if (r.figure > goal.most) {
    char text[100];
    std::snprintf(text, sizeof text, "' cannot have %.6g bits per weight; at least %.2f",
                  *plan.own_rate, up(rate));
    fail(ErrorCode::invalid_argument, "--set: tensor '" + plan.tensor.name + text);
  }
  if (r.met || !o_.warn) return;
  char text[100];
  std::snprintf(text, sizeof text, "' has %.3f bits per weight, not %.6g", rate, *plan.own_rate);
  o_.warn("tensor '" + plan.tensor.name + text);
}

void QuantTargets::find_size(const Jobs& jobs, const QuantRest& rest) {
  const auto n = static_cast<double>(rest.weights);
  const double asked = *o_.target_bpw;
  const SearchGoal goal = rate_goal(asked, n);
  auto note = static_cast<double>(rest.note_bytes());
  const auto others = static_cast<double>(rest.rest_bytes);
  const SearchResult r = search(
      jobs, goal, true, [&] { return others + note + estimated_bytes(jobs); },
      [&] {
        measure(jobs, true);
        uint64_t bytes = 0;
        for (const size_t i : jobs) bytes += measured_[i].section_bytes;
        note = static_cast<double>(rest.note_bytes());
        const double total = others + note + static_cast<double>(bytes);
        say("a pass over the weights: %.4f bits per weight", 8 * total / n);
        return total;
      });
  const double rate = 8 * r.figure / n;
  if (r.figure > goal.most)
    refuse("--target-bpw %.6g: the smallest this file can be is %.2f bits per weight", asked,
           up(rate));
  if (!r.met && r.beyond)
    refuse(
        "--target-bpw %.6g: the largest that quantizing makes of this file is %.2f bits per weight",
        asked, up(rate));
}

void QuantTargets::find_sqnr(const Jobs& jobs, const QuantRest& rest) {
  // What is certain: the signal, and the noise of pruning and of tensors with rates of their own.
  for (const size_t i : jobs) jobs_[i].quantizer = nullptr;
  designed_ = nullptr;
  measure(jobs, true);
  double signal = rest.kept_signal, pruned = 0, own = 0;
  std::vector<bool> searched(jobs_.size(), false);
  for (const size_t i : jobs) searched[i] = true;
  for (size_t i = 0; i < jobs_.size(); ++i) {
    const ErrorFigures& f = measured_[i].figures;
    signal += f.signal;
    (searched[i] ? pruned : own) += f.noise;
  }
  const double asked = *o_.target_sqnr;
  if (!(signal > 0) || !std::isfinite(signal))
    fail(ErrorCode::invalid_argument,
         "--target-sqnr: the weights have no power that a signal-to-noise ratio could be of");
  const auto noise_at = [&](double db) { return signal / power_of_ten(db / 10); };
  const SearchGoal goal = {noise_at(asked + kSqnrWindow), noise_at(asked),
                           noise_at(asked + 0.4 * kSqnrWindow), false};
  const auto unreachable = [&](double noise) {
    refuse("--target-sqnr %.6g: the highest possible is %.2f dB", asked,
           down(fixed_decibels(signal / noise)));
  };
  if (pruned + own > goal.most) unreachable(pruned + own);
  const double least = goal.least * 1e-9;  // figures are above 0
  const SearchResult r = search(
      jobs, goal, false,
      [&] {
        double noise = pruned + own;
        for (const size_t i : jobs) noise += estimates_[i].squared_error;
        return std::max(noise, least);
      },
      [&] {
        measure(jobs, true);
        double noise = own;
        for (const size_t i : jobs) noise += measured_[i].figures.noise;
        if (noise > 0) say("a pass over the weights: SQNR %.3f dB", fixed_decibels(signal / noise));
        return std::max(noise, least);
      });
  if (r.figure > goal.most) unreachable(r.figure);
  if (!r.met && r.beyond)
    refuse("--target-sqnr %.6g: the lowest possible is %.2f dB", asked,
           down(fixed_decibels(signal / r.figure)));
  if (r.met || !o_.warn) return;
  char text[100];
  std::snprintf(text, sizeof text, "the SQNR is %.3f dB: so few weights allow no finer steps",
                fixed_decibels(signal / r.figure));
  o_.warn(text);
}

void QuantTargets::find(const QuantRest& rest) {
  Jobs all, shared;
  for (size_t i = 0; i < jobs_.size(); ++i) {
    all.push_back(i);
    if (!jobs_[i].plan().own_rate) shared.push_back(i);
  }
  const bool targeted = o_.quantize && quant::has_target(o_.method.method);
  if (targeted && !o_.max_error) {
    for (const size_t i : all)
      if (jobs_[i].plan().own_rate) find_own(i);
    QuantRest with_own = rest;
    for (const size_t i : all)
      if (jobs_[i].plan().own_rate) with_own.rest_bytes += measured_[i].section_bytes;
    if (shared.empty()) return;
    if (o_.target_bpw) find_size(shared, with_own);
    if (o_.target_sqnr) find_sqnr(shared, with_own);
    return;
  }
  if (o_.quantize) {
    design_all([&](size_t i) {
      return o_.max_error ? weights_.within(i, *o_.max_error) : weights_.classic(i, o_);
    });
  }
  measure(all, true);
  ++passes_;
  if (o_.max_error) check_max_error();
}
}  // namespace gramzip
