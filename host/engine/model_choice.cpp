// SPDX-License-Identifier: Apache-2.0
#include "host/engine/model_choice.h"

#include <algorithm>

#include "host/engine/text_policy.h"
#include "host/engine/train_plan.h"
#include "host/frame/model_wire.h"

namespace gramzip {
namespace {
using Text = std::vector<std::span<const uint8_t>>;

// Pieces at equal distances over the window, each within a segment; a small window whole.
Text sample_of(std::span<const std::span<const uint8_t>> text) {
  const uint64_t total = total_bytes(text);
  if (total <= kSamplePieces * kSamplePieceBytes) return {text.begin(), text.end()};
  Text sample;
  size_t segment = 0;
  uint64_t begin = 0;  // of the segment
  for (size_t i = 0; i < kSamplePieces; ++i) {
    const uint64_t at = total / kSamplePieces * i;
    while (at >= begin + text[segment].size()) begin += text[segment++].size();
    const auto rest = text[segment].subspan(static_cast<size_t>(at - begin));
    sample.push_back(rest.first(std::min(rest.size(), kSamplePieceBytes)));
  }
  return sample;
}
}  // namespace

ModelChoice::ModelChoice(const CompressOptions& options, Backend& backend)
    : options_(options), backend_(backend) {
  for (const ModelPtr& m : options.models)
    given_.push_back(std::make_shared<const WindowModel>(WindowModel{m, nullptr}));
}

uint64_t ModelChoice::coded_bytes(const model::TextModel& model, const Text& sample) const {
  std::vector<SegmentInput> in;
  for (const auto piece : sample)
    in.push_back({ElementType::text, piece, &model, static_cast<uint8_t>(options_.level)});
  std::vector<EncodedSegment> out(in.size());
  backend_.encode(in, out);
  uint64_t sum = 0;
  for (const EncodedSegment& s : out) sum += s.data.size();
  return sum;
}

std::shared_ptr<const WindowModel> ModelChoice::best_given(const Text& sample) {
  if (given_.size() == 1) return given_[0];
  std::shared_ptr<const WindowModel> best;
  uint64_t least = 0;
  for (const auto& m : given_) {
    const uint64_t coded = coded_bytes(*m->model, sample);
    if (best && coded >= least) continue;
    best = m;
    least = coded;
  }
  return best;
}

std::shared_ptr<const WindowModel> ModelChoice::choose(
    std::span<const std::span<const uint8_t>> text, bool last) {
  const uint64_t total = total_bytes(text);
  const Text sample = sample_of(text);
  if (!given_.empty()) return best_given(sample);
  if (total < kLeastTrainingBytes) return nullptr;

  const uint64_t content = total_bytes(sample);
  const Known* best = nullptr;
  uint64_t least = 0;
  for (const Known& k : recent_) {
    const uint64_t coded = coded_bytes(*k.model->model, sample);
    if (best != nullptr && coded >= least) continue;
    best = &k;
    least = coded;
  }
  if (best != nullptr &&
      least * best->content * kServesOf <= best->coded * content * (kServesOf + 1))
    return best->model;

  TrainOptions t;
  t.effort = static_cast<uint8_t>(options_.level);
  t.threads = options_.threads;
  t.sample_bytes = options_.sample_bytes;
  model::NgramModel trained = options_.train(text, t);
  auto bytes = std::make_shared<const std::vector<uint8_t>>(frame::store_model(trained));
  auto model = std::make_shared<const model::TextModel>(std::move(trained));
  // Only comparison with other models asks what it makes of the sample.
  const uint64_t coded = last && best == nullptr ? 0 : coded_bytes(*model, sample);
  // The sample stands for the window; a new model also costs its bytes.
  if (best != nullptr && least * total <= coded * total + bytes->size() * content)
    return best->model;
  auto chosen = std::make_shared<const WindowModel>(WindowModel{std::move(model), bytes});
  recent_.push_front({chosen, coded, content});
  if (recent_.size() > kRecentModels) recent_.pop_back();
  return chosen;
}
}  // namespace gramzip
