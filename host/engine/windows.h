// SPDX-License-Identifier: Apache-2.0
// Segments in order, each with the model of its window. A window begins with a segment of text and
// ends before the segment of floats, or the one that would make it larger than the level's window.
#pragma once
#include <deque>
#include <memory>
#include <optional>

#include "host/engine/buffer_pool.h"
#include "host/engine/model_choice.h"
#include "host/engine/splitter.h"

namespace gramzip {
struct Part {
  Chunk chunk;
  std::shared_ptr<const WindowModel> model;  // null: none for this window
  bool window_end = true;
};

class Windows {
 public:
  // The arguments must outlive it. Content comes from `contents`.
  Windows(Splitter& splitter, const CompressOptions& options, Backend& backend,
          BufferPool& contents)
      : splitter_(splitter), options_(options), choice_(options, backend), contents_(contents) {}
  // False when there are no more. May read and train for a whole window.
  bool next(Part& part);
  // A call of next() now gives the rest of a window that has been read.
  bool ready() const { return !window_.empty(); }

 private:
  std::optional<Chunk> read();
  void gather(Chunk first);

  Splitter& splitter_;
  const CompressOptions& options_;
  ModelChoice choice_;
  BufferPool& contents_;
  std::deque<Part> window_;
  std::optional<Chunk> ahead_;
};
}  // namespace gramzip
