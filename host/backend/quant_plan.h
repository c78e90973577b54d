// SPDX-License-Identifier: Apache-2.0
// What an encoder of codec quantized decides about a segment, alike on every backend: which levels
// stay, classes, phrases, codes and the coder. Between the steps a backend passes over elements.
#pragma once
#include <algorithm>
#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "host/backend/backend.h"
#include "host/model/phrase_choice.h"
#include "host/model/quant_codes.h"

namespace gramzip {
class QuantPlan {
 public:
  // in.levels is set; header: make_quantized_header().
  QuantPlan(const SegmentInput& in, const SegmentHeader& header);

  // 1. is_coded(b): block b is neither constant nor a repeat.
  template <class IsCoded>
  void find_runs(const IsCoded& is_coded);
  // 2. counts: of each level; which are 0 is what counts. Others than these levels are left out.
  quant::LevelRange keep_used(std::span<const uint32_t> counts);
  // 3. Only if by_codes(). Along a trellis, numbers of levels have become symbols before.
  // run(r): the numbers of run r, whichever are sampled.
  template <class Run>
  model::RunClasses train_classes(const Run& run);
  // 4. class_ids: of each run of the segment. Others than these levels are left out.
  quant::LevelRange choose_phrases(std::span<const uint8_t> class_ids);
  std::vector<uint16_t> phrase_base() const;  // parse_lane()'s
  // 5. counts: of each symbol in each class, [class][alphabet()].
  void choose_codes(std::span<const uint32_t> counts);
  // 6. The head and the tables, which a segment of none but plain blocks has too.
  void finish(bool any_coded, EncodedSegment& out);

  const quant::Table& table() const { return table_; }
  const std::vector<uint32_t>& runs() const { return runs_; }  // that are to be coded
  uint32_t elements() const { return n_; }
  uint32_t run_size(uint32_t r) const { return std::min(kRunElements, n_ - r * kRunElements); }
  // False: digits, or nothing at all.
  bool by_codes() const {
    return !runs_.empty() && table_.levels.coder != quant::CoderChoice::horner;
  }
  uint32_t trellis() const { return table_.levels.trellis; }  // log2 of states, 0: none
  uint32_t quantizers() const { return trellis() != 0 ? 2 : 1; }
  uint32_t classes() const { return classes_; }
  uint32_t alphabet() const { return alphabet_; }  // of all quantizers of a class
  std::array<uint32_t, 2> escapes() const {        // the symbols that are one
    if (trellis() == 0) return {table_.escape(), table_.escape()};
    return {alphabet_ / 2 - 1, alphabet_ - 1};
  }
  quant::Coder coder() const { return coder_; }  // behind choose_codes()
  const quant::SegmentCodes& codes() const { return codes_; }
  // The numbers of the runs that train_classes() takes.
  std::vector<uint32_t> sampled() const {
    const std::vector<uint16_t> nothing(kRunElements);
    return sample([&](uint32_t r) { return std::span(nothing).first(run_size(r)); }).numbers;
  }

 private:
  template <class Run>
  quant::LevelSample sample(const Run& run) const {
    const uint32_t levels = table_.count() / quantizers();
    quant::LevelSample s = quant::sample_levels(levels, runs_, run);
    s.quantizers = quantizers();
    return s;
  }
  void keep(quant::LevelRange range);
  bool horner_is_less(uint32_t escapes) const;

  uint32_t element_, n_, blocks_, block_elements_;
  quant::Table table_;
  std::vector<uint32_t> runs_;
  quant::LevelSample sample_;
  uint32_t classes_ = 1, alphabet_ = 0;
  quant::Coder coder_ = quant::Coder::horner;
  quant::SegmentCodes codes_;
};

template <class IsCoded>
void QuantPlan::find_runs(const IsCoded& is_coded) {
  const uint32_t per_block = block_elements_ / kRunElements;
  const auto all = static_cast<uint32_t>(ceil_div(n_, kRunElements));
  for (uint32_t b = 0; b < blocks_; ++b)
    for (uint32_t r = b * per_block; is_coded(b) && r < std::min(all, (b + 1) * per_block); ++r)
      runs_.push_back(r);
}

template <class Run>
model::RunClasses QuantPlan::train_classes(const Run& run) {
  sample_ = sample(run);
  model::RunClasses trained = quant::train_level_classes(sample_);
  classes_ = trained.classes;
  return trained;
}
}  // namespace gramzip
