// SPDX-License-Identifier: Apache-2.0
// The quantizers of all tensors: those of a classic method, of a bound of errors, or of the slope
// at which an archive has the size, or the weights the SQNR, that was asked for.
#pragma once
#include <functional>
#include <span>
#include <vector>

#include "host/engine/quant_measure.h"
#include "host/engine/quant_weights.h"
#include "host/engine/quantize_search.h"

namespace gramzip {
inline constexpr double kRateWindow = 0.01;  // bits per weight below the target

// What does not depend on the quantizers.
struct QuantRest {
  uint64_t weights = 0;     // of all tensors of floats
  uint64_t rest_bytes = 0;  // of the archive without the note and what is searched for
  double kept_signal = 0;   // sum of squares in tensors that are not quantized
  // Bytes that the note would take, from what was measured last.
  std::function<uint64_t()> note_bytes;
};

class QuantTargets {
 public:
  // All must outlive it. references: of each job, by segment.
  QuantTargets(const QuantizeOptions& options, std::span<QuantJob> jobs,
               const std::vector<std::vector<bool>>& references, QuantWeights& weights,
               QuantMeasure& measure, Workers& workers);
  // Sets the jobs' quantizers. Throws Error(invalid_argument) for what cannot be met, with what
  // can.
  void find(const QuantRest& rest);

  // Of each job, as its quantizer makes it.
  const std::vector<Measured>& measured() const { return measured_; }
  uint64_t section_bytes() const;            // of all jobs
  double lambda() const { return lambda_; }  // 0: none was searched for
  int passes() const { return passes_; }

 private:
  using Jobs = std::vector<size_t>;
  void measure(const Jobs& jobs, bool with_references);
  template <class Design>
  void design_all(const Design& design);
  // Of each of the jobs: the kind of levels that costs less as it is coded, at the slope of the
  // quantizers at hand; once, and again if the search goes far from there. Classes and phrases
  // shorten one kind more than the other, which estimates do not know; and with one kind bits
  // follow the slope without a jump.
  void decide_kinds(const Jobs& jobs);
  // Quantizers at x; their bits or squared errors as estimated.
  void design_at(const Jobs& jobs, double x);
  // From the quantizers at x = low and at x = high those in between, for targets that no slope
  // meets. part: 0 at high to 1 at low, of bits or of squared errors.
  void look_between(const Jobs& jobs, double low, double high);
  void design_between(const Jobs& jobs, double part, bool bits);
  double estimated_bytes(const Jobs& jobs) const;
  double first_place(const Jobs& jobs);
  void check_max_error() const;
  SearchResult search(const Jobs& jobs, const SearchGoal& goal, bool bits,
                      const std::function<double()>& estimate,
                      const std::function<double()>& measure_all);
  void find_own(size_t job);
  void find_size(const Jobs& jobs, const QuantRest& rest);
  void find_sqnr(const Jobs& jobs, const QuantRest& rest);
  void say(const char* format, double figure) const;

  const QuantizeOptions& o_;
  const std::span<QuantJob> jobs_;
  const std::vector<std::vector<bool>>& references_;
  QuantWeights& weights_;
  QuantMeasure& measure_;
  Workers& workers_;
  std::vector<quant::Estimate> estimates_;  // of jobs
  std::vector<LevelKind> kinds_;            // of jobs
  const Jobs* decided_ = nullptr;           // whose kinds were decided last, and at which place
  double decided_at_ = 0;
  int decisions_ = 0;
  double designed_at_ = 0;  // the place of the jobs' quantizers
  const Jobs* designed_ = nullptr;
  std::vector<quant::Estimate> at_low_, at_high_;
  std::vector<Measured> measured_;
  double lambda_ = 0;
  int passes_ = 0;
};
}  // namespace gramzip
