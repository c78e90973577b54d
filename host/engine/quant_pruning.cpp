// SPDX-License-Identifier: Apache-2.0
#include "host/engine/quant_pruning.h"

#include <algorithm>
#include <numeric>

namespace gramzip {
namespace {
using Select = cpu::MagnitudeSelect;

uint64_t share_of(uint64_t n, double share) {
  return std::min(n, static_cast<uint64_t>(static_cast<double>(n) * share + 0.5));
}

template <class F>
void each_piece(const QuantJob& job, F&& f) {
  std::vector<uint8_t> piece;
  for (size_t i = 0; i < job.pieces(); ++i) {
    job.read_piece(i, piece);
    f(i, std::span<uint8_t>(piece));
  }
}

// Of each piece how many of the weights that equal the cut are pruned: the first ones in order.
void share_ties(std::span<QuantJob* const> jobs, const Select::Cut& cut) {
  uint64_t left = cut.ties;
  for (QuantJob* job : jobs) {
    job->pruning.kind = PruneKind::edge;
    job->pruning.below = cut.below;
    job->pruning.ties.clear();
    if (left == 0) continue;
    job->pruning.ties.assign(job->pieces(), 0);
    each_piece(*job, [&](size_t i, std::span<uint8_t> elements) {
      if (left == 0) return;
      Select::Cut all{cut.below, left};
      cpu::prune_edges(job->type(), all, elements);
      job->pruning.ties[i] = left - all.ties;
      left = all.ties;
    });
  }
}

void prune_edges(std::span<QuantJob* const> jobs, double sparsity) {
  Select select;
  uint64_t weights = 0;
  for (QuantJob* job : jobs) {
    weights += job->plan().elements;
    each_piece(*job, [&](size_t, std::span<uint8_t> e) { select.count_high(job->type(), e); });
  }
  select.choose(share_of(weights, sparsity));
  for (QuantJob* job : jobs)
    each_piece(*job, [&](size_t, std::span<uint8_t> e) { select.count_low(job->type(), e); });
  share_ties(jobs, select.cut());
}

// Squared norms of the rows; a row of several pieces is summed piece by piece.
std::vector<double> norms_of(const QuantJob& job) {
  const uint64_t columns = job.plan().columns;
  std::vector<double> norms(static_cast<size_t>(job.plan().elements / columns), 0);
  each_piece(job, [&](size_t i, std::span<uint8_t> e) {
    const uint64_t n = e.size() / job.element_bytes();
    const std::vector<double> part = cpu::row_norms(job.type(), e, std::min(n, columns));
    for (size_t r = 0; r < part.size(); ++r)
      norms[static_cast<size_t>(job.piece_begin(i) / columns) + r] += part[r];
  });
  return norms;
}

// Rows in order of their mean square; of equal ones the first. As many as come nearest to the share
// of all weights.
void prune_rows(std::span<QuantJob* const> jobs, std::span<std::vector<double>> norms,
                double sparsity) {
  struct Row {
    double mean_square;
    size_t job, row;
  };
  std::vector<Row> rows;
  uint64_t weights = 0;
  for (size_t j = 0; j < jobs.size(); ++j) {
    const auto columns = static_cast<double>(jobs[j]->plan().columns);
    weights += jobs[j]->plan().elements;
    for (size_t r = 0; r < norms[j].size(); ++r) rows.push_back({norms[j][r] / columns, j, r});
    jobs[j]->pruning.kind = PruneKind::node;
    jobs[j]->pruning.rows.assign(norms[j].size(), false);
  }
  std::stable_sort(rows.begin(), rows.end(),
                   [](const Row& a, const Row& b) { return a.mean_square < b.mean_square; });
  const uint64_t want = share_of(weights, sparsity);
  uint64_t pruned = 0;
  for (const Row& row : rows) {
    const uint64_t columns = jobs[row.job]->plan().columns;
    // Nearer without it.
    if (pruned + columns > want && pruned + columns - want > want - pruned) break;
    jobs[row.job]->pruning.rows[row.row] = true;
    pruned += columns;
    if (pruned >= want) break;
  }
}
}  // namespace

void decide_pruning(std::span<QuantJob> jobs, const QuantizeOptions& options, Workers& workers) {
  if (options.prune == PruneKind::none || jobs.empty()) return;
  if (options.prune == PruneKind::two_of_four) {
    for (QuantJob& job : jobs) job.pruning.kind = options.prune;
    return;
  }
  std::vector<QuantJob*> all;
  for (QuantJob& job : jobs) all.push_back(&job);
  const bool edges = options.prune == PruneKind::edge;
  std::vector<std::vector<double>> norms(jobs.size());
  if (!edges) workers.run(jobs.size(), [&](size_t i, size_t) { norms[i] = norms_of(jobs[i]); });
  if (options.prune_global) {
    if (edges) {
      prune_edges(all, options.sparsity);
    } else {
      prune_rows(all, norms, options.sparsity);
    }
    return;
  }
  workers.run(jobs.size(), [&](size_t i, size_t) {
    const std::span<QuantJob* const> one(&all[i], 1);
    if (edges) {
      prune_edges(one, options.sparsity);
    } else {
      prune_rows(one, std::span(norms).subspan(i, 1), options.sparsity);
    }
  });
}
}  // namespace gramzip
