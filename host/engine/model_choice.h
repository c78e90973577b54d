// SPDX-License-Identifier: Apache-2.0
// Which model codes a window of text: an earlier one, a new one, or one of the caller's. Decided by
// coded sizes of a sample, which are the same on every backend and at every thread count.
#pragma once
#include <deque>
#include <memory>
#include <span>
#include <vector>

#include "host/engine/engine.h"

namespace gramzip {
// A model that a window may use.
struct WindowModel {
  ModelPtr model;
  // What its section holds; null for one of the caller's, which has none.
  std::shared_ptr<const std::vector<uint8_t>> bytes;
};

class ModelChoice {
 public:
  // options and backend must outlive it.
  ModelChoice(const CompressOptions& options, Backend& backend);
  // For the text segments of one window, in order. last: no window follows. Null: no model.
  std::shared_ptr<const WindowModel> choose(std::span<const std::span<const uint8_t>> text,
                                            bool last);

 private:
  using Text = std::vector<std::span<const uint8_t>>;
  struct Known {
    std::shared_ptr<const WindowModel> model;
    uint64_t coded, content;  // of the sample of its own window
  };
  uint64_t coded_bytes(const model::TextModel& model, const Text& sample) const;
  std::shared_ptr<const WindowModel> best_given(const Text& sample);

  const CompressOptions& options_;
  Backend& backend_;
  std::vector<std::shared_ptr<const WindowModel>> given_;
  std::deque<Known> recent_;  // newest first
};
}  // namespace gramzip
