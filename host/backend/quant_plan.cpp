// SPDX-License-Identifier: Apache-2.0
#include "host/backend/quant_plan.h"

#include "gramzip/core/quant.h"

namespace gramzip {
using quant::Coder;
using quant::CoderChoice;
using quant::LevelRange;

QuantPlan::QuantPlan(const SegmentInput& in, const SegmentHeader& header)
    : element_(element_info(in.type).bytes),
      n_(header.decoded_bytes / element_),
      blocks_(header.blocks),
      block_elements_((1u << header.block_log2) / element_),
      table_(quant::make_table(*in.levels, in.first_element, n_)) {}

void QuantPlan::keep(LevelRange range) {
  if (range.end - range.begin < table_.count()) quant::keep_levels(table_, range.begin, range.end);
}

LevelRange QuantPlan::keep_used(std::span<const uint32_t> counts) {
  const LevelRange range = quant::used_levels(counts, trellis() != 0);
  keep(range);
  return range;
}

LevelRange QuantPlan::choose_phrases(std::span<const uint8_t> class_ids) {
  LevelRange range{0, table_.count()};
  if (trellis() != 0) {
    alphabet_ = 2 * table_.alphabet();
    return range;
  }
  std::vector<uint8_t> of_sample;
  for (const uint32_t r : sample_.numbers)
    of_sample.push_back(classes_ > 1 ? class_ids[r] : uint8_t{0});
  quant::PhraseChoice choice = quant::choose_phrases(sample_, of_sample, classes_, 8 * element_,
                                                     table_.levels.coder == CoderChoice::zero_runs);
  range = {choice.begin, choice.end};
  keep(range);
  table_.expansions = std::move(choice.expansions);
  alphabet_ = table_.alphabet();
  return range;
}

std::vector<uint16_t> QuantPlan::phrase_base() const {
  if (trellis() != 0) return std::vector<uint16_t>(alphabet_, 0);
  return quant::make_phrase_base(table_.count(), table_.expansions);
}

bool QuantPlan::horner_is_less(uint32_t escapes) const {
  if (table_.count() < 2) return false;
  uint64_t horner = uint64_t{escapes} * (4 + element_);
  for (const uint32_t r : runs_) {
    const uint32_t begin = r * kRunElements;
    if (begin % block_elements_ != 0) continue;
    const uint32_t n = std::min(block_elements_, n_ - begin);
    horner += quant::plan_horner(n, element_, table_.count(), 0).bytes;
  }
  return horner < codes_.bits / 8 + uint64_t{escapes} * element_ + 2 * table_.expansions.size();
}

void QuantPlan::choose_codes(std::span<const uint32_t> counts) {
  codes_ = quant::choose_codes(counts, alphabet_ / quantizers(), quantizers(),
                               static_cast<uint32_t>(runs_.size()));
  coder_ = trellis() != 0 ? Coder::trellis : Coder::huffman;
  if (coder_ == Coder::trellis || table_.levels.coder != CoderChoice::automatic) return;
  uint32_t escapes = 0;
  for (uint32_t c = 0; c < classes_; ++c) escapes += counts[c * alphabet_ + table_.escape()];
  if (!horner_is_less(escapes)) return;
  coder_ = Coder::horner;
  table_.expansions.clear();
  codes_ = {};
}

void QuantPlan::finish(bool any_coded, EncodedSegment& out) {
  if (!any_coded) {
    coder_ = Coder::huffman;
    table_.expansions.clear();
    table_.levels.trellis = 0;
    codes_.books.clear();
  }
  out.tables.clear();
  quant::store_quant_table(table_, out.tables);
  quant::store_codes(codes_.books, out.tables);
  SegmentHeader& h = out.header;
  h.coder = static_cast<uint8_t>(coder_);
  h.tables = static_cast<uint8_t>(codes_.books.size());
  h.run_log2 = codes_.books.size() > 1 ? 8 : 0;
  h.table_bytes = static_cast<uint32_t>(out.tables.size());
}
}  // namespace gramzip
