// SPDX-License-Identifier: Apache-2.0
#include "host/engine/quant_job.h"

#include <algorithm>
#include <cstring>
#include <optional>

#include "gramzip/core/float_bits.h"
#include "host/cpu/quantize.h"

namespace gramzip {
namespace {
// A row whose mean is kept is in memory as a whole.
constexpr uint64_t kMostRow = 1u << 24;

// The quantizer without levels that no weight becomes: a rounding that is moved to one of them
// would cost many bits. Elements and their places are the same.
quant::Quantizer without_empty(const quant::Quantizer& q) {
  const quant::Levels& levels = q.levels;
  if (levels.scale_type != quant::ScaleType::none) return q;
  quant::Quantizer out;
  out.levels.type = levels.type;
  out.levels.uniform = false;
  out.lowest = q.lowest, out.highest = q.highest;
  for (uint32_t i = 0; i < levels.count(); ++i) {
    const bool empty = i > 0 && i + 1 < levels.count() && q.thresholds[i - 1] == q.thresholds[i];
    if (empty) continue;
    if (i > 0) out.thresholds.push_back(q.thresholds[i - 1]);
    out.levels.listed.push_back(element_value(levels.type, levels.element(i, 0)));
  }
  return out;
}

// The tables of the quantizer that this thread used last: a piece costs less than they do.
class LastPrepared {
 public:
  const cpu::PreparedQuantizer& of(const std::shared_ptr<const quant::Quantizer>& q) {
    if (q != quantizer_) {
      prepared_.emplace(*q);
      quantizer_ = q;
    }
    return *prepared_;
  }

 private:
  std::shared_ptr<const quant::Quantizer> quantizer_;
  std::optional<cpu::PreparedQuantizer> prepared_;
};
}  // namespace

QuantJob::QuantJob(const PlannedTensor& plan, RandomSource& file) : plan_(&plan), file_(&file) {
  cut_pieces();
}

void QuantJob::cut_pieces() {
  const uint64_t columns = plan_->columns, elements = plan_->elements;
  if (constrained && columns > kMostRow)
    fail(ErrorCode::limit, "tensor '" + plan_->tensor.name + "': rows of " +
                               std::to_string(columns) +
                               " weights; means are kept of rows of at most 16777216");
  row_pieces_ = 1;
  if (!by_rows) {
    piece_ = kPieceElements;
    pieces_ = static_cast<size_t>((elements + piece_ - 1) / piece_);
    return;
  }
  if (columns > kPieceElements && !constrained) {
    piece_ = kPieceElements;
    row_pieces_ = (columns + piece_ - 1) / piece_;
    pieces_ = static_cast<size_t>(row_pieces_ * (elements / columns));
  } else {
    piece_ = std::max<uint64_t>(1, kPieceElements / columns) * columns;
    pieces_ = static_cast<size_t>((elements + piece_ - 1) / piece_);
  }
}

uint64_t QuantJob::piece_begin(size_t i) const {
  if (row_pieces_ == 1) return std::min<uint64_t>(i * piece_, plan_->elements);
  return i / row_pieces_ * plan_->columns + i % row_pieces_ * piece_;
}

size_t QuantJob::piece_of(uint64_t element) const {
  if (row_pieces_ == 1) return static_cast<size_t>(element / piece_);
  return static_cast<size_t>(element / plan_->columns * row_pieces_ +
                             element % plan_->columns / piece_);
}

void QuantJob::read(uint64_t at, std::span<uint8_t> out) const {
  if (file_->read_at(plan_->tensor.begin + at, out.data(), out.size()) != out.size())
    fail(ErrorCode::truncated, "tensor '" + plan_->tensor.name + "': the file ends within it");
}

void QuantJob::read_piece(size_t i, std::vector<uint8_t>& out) const {
  const uint64_t size = element_bytes();
  out.resize(static_cast<size_t>((piece_end(i) - piece_begin(i)) * size));
  read(piece_begin(i) * size, out);
}

void QuantJob::prune_piece(size_t i, std::span<uint8_t> elements) const {
  switch (pruning.kind) {
    case PruneKind::none:
      return;
    case PruneKind::edge: {
      cpu::MagnitudeSelect::Cut cut{pruning.below, pruning.ties.empty() ? 0 : pruning.ties[i]};
      cpu::prune_edges(type(), cut, elements);
      return;
    }
    case PruneKind::two_of_four:
      cpu::prune_two_of_four(type(), elements,
                             std::min<uint64_t>(plan_->columns, elements.size() / element_bytes()));
      return;
    case PruneKind::node:
      break;
  }
  const uint64_t first = piece_begin(i);
  const uint32_t size = element_bytes();
  const FloatLayout layout = float_layout(type());
  const uint64_t n = elements.size() / size;
  for (uint64_t at = 0; at < n;) {
    const uint64_t row = (first + at) / plan_->columns;
    const uint64_t end = std::min(n, (row + 1) * plan_->columns - first);
    if (pruning.rows[static_cast<size_t>(row)])
      for (uint64_t e = at; e < end; ++e)
        if (is_finite(layout, load_element(elements.data(), e, size)))
          store_element(elements.data(), e, size, 0);
    at = end;
  }
}

void QuantJob::quantize_piece(size_t i, std::span<uint8_t> pruned) const {
  if (!quantizer) return;
  const uint64_t first = piece_begin(i);
  if (!constrained) {
    thread_local LastPrepared last;
    return last.of(quantizer).quantize(first, pruned);
  }
  thread_local std::vector<uint16_t> indexes;
  indexes.resize(pruned.size() / element_bytes());
  const quant::Quantizer q = without_empty(*quantizer);
  cpu::quantize_to_indexes(q, first, pruned, indexes);
  thread_local std::vector<uint16_t> nearest;
  nearest = indexes;
  cpu::constrain_means(q, first, static_cast<uint32_t>(plan_->columns), pruned, indexes);
  if (pruning.kind != PruneKind::none)  // what is 0 stays 0
    for (size_t e = 0; e < indexes.size(); ++e)
      if (load_element(pruned.data(), e, element_bytes()) == 0) indexes[e] = nearest[e];
  cpu::dequantize(q.levels, first, indexes, pruned);
}

void QuantJob::make(uint64_t at, std::span<uint8_t> out, bool pruned_only) const {
  thread_local std::vector<uint8_t> buffer;
  const uint64_t size = element_bytes(), end = at + out.size();
  for (uint64_t done = at; done < end;) {
    const size_t i = piece_of(done / size);
    const uint64_t from = piece_begin(i) * size, to = piece_end(i) * size;
    const uint64_t n = std::min(to, end) - done;
    uint8_t* const p = out.data() + (done - at);
    const auto finish = [&](std::span<uint8_t> piece) {
      prune_piece(i, piece);
      if (!pruned_only) quantize_piece(i, piece);
    };
    if (n == to - from) {  // the whole piece, in place
      const std::span<uint8_t> piece(p, static_cast<size_t>(n));
      read(from, piece);
      finish(piece);
    } else {
      read_piece(i, buffer);
      finish(buffer);
      std::memcpy(p, buffer.data() + (done - from), static_cast<size_t>(n));
    }
    done += n;
  }
}
}  // namespace gramzip
