// SPDX-License-Identifier: Apache-2.0
// A tensor that is changed: how any part of it comes about from its file. All that decides it is
// fixed before, so that parts can be made by any thread in any order.
#pragma once
#include <memory>
#include <span>
#include <vector>

#include "host/cpu/prune.h"
#include "host/engine/quantize_plan.h"
#include "host/model/quantizer.h"

namespace gramzip {
// What becomes 0 in a tensor.
struct TensorPruning {
  PruneKind kind = PruneKind::none;
  uint32_t below = 0;          // edge: bits of |x| as F32; below it all are pruned
  std::vector<uint64_t> ties;  // edge: of each piece, how many equal to it are
  std::vector<bool> rows;      // node
};

class QuantJob {
 public:
  QuantJob(const PlannedTensor& plan, RandomSource& file);

  const PlannedTensor& plan() const { return *plan_; }
  ElementType type() const { return plan_->tensor.type; }
  uint32_t element_bytes() const { return element_info(type()).bytes; }
  uint64_t bytes() const { return plan_->tensor.end - plan_->tensor.begin; }

  TensorPruning pruning;
  std::shared_ptr<const quant::Quantizer> quantizer;  // null: its weights are pruned only
  bool constrained = false;                           // rows keep their means
  bool by_rows = true;                                // pruned or constrained

  // Pieces: of kPieceElements, unless `by_rows`; then whole rows, or equal parts of rows that are
  // longer than kPieceElements unless `constrained`, when they are whole ones.
  static constexpr uint64_t kPieceElements = 1u << 16;
  void cut_pieces();
  size_t pieces() const { return pieces_; }
  uint64_t piece_begin(size_t i) const;  // element
  uint64_t piece_end(size_t i) const { return piece_begin(i + 1); }

  // The file's bytes from byte `at` of the tensor on.
  void read(uint64_t at, std::span<uint8_t> out) const;
  // Piece i as it is in the file, and then: pruned; in its last form. In place.
  void read_piece(size_t i, std::vector<uint8_t>& out) const;
  void prune_piece(size_t i, std::span<uint8_t> elements) const;
  void quantize_piece(size_t i, std::span<uint8_t> pruned) const;
  // Bytes [at, at + out.size()) of the changed tensor, or of the pruned one.
  void make(uint64_t at, std::span<uint8_t> out, bool pruned_only = false) const;

 private:
  size_t piece_of(uint64_t element) const;

  const PlannedTensor* plan_;
  RandomSource* file_;
  size_t pieces_ = 0;
  uint64_t row_pieces_ = 1;  // pieces of a row, if it is longer than one
  uint64_t piece_ = 1;       // elements of a piece that is not the last, of its row
};
}  // namespace gramzip
