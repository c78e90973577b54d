// SPDX-License-Identifier: Apache-2.0
#include "host/engine/plan_runs.h"

#include <algorithm>
#include <vector>

#include "host/engine/twins.h"

namespace gramzip {
namespace {
// A section takes some 300 bytes; coded by another type's rules, weights lose about a fifth.
constexpr uint64_t kGapWithin = 1024;    // a gap up to this and the tensor behind it: one run
constexpr uint64_t kGapBeside = 256;     // a gap up to this joins a run beside it
constexpr uint64_t kLeastRun = 1024;     // a shorter run joins plain neighbours
constexpr uint64_t kLeastBeside = 4096;  // the same beside a gap

struct Piece {
  uint64_t begin, end;
  ElementType type = ElementType::bytes;
  bool automatic = false;
  bool own = false;  // a tensor that shares with no other
  uint16_t period = 0;
  uint32_t twins = 0;
  std::optional<uint64_t> base_at = {};
  std::shared_ptr<const quant::Levels> levels = nullptr;

  uint64_t bytes() const { return end - begin; }
  // Of what its length, and all that joins it, must be a multiple.
  uint64_t unit() const { return period > 0 ? period : element_info(type).bytes; }
  bool shared() const { return !automatic && !own; }
};

// What `next` has in the base goes on from what `p` has there.
bool base_goes_on(const Piece& p, const Piece& next) {
  if (!p.base_at || !next.base_at) return p.base_at.has_value() == next.base_at.has_value();
  return *next.base_at - *p.base_at == next.begin - p.begin;
}

// Appends a tensor, to the run at hand if it can share it, over a small gap if there is one.
void append(std::vector<Piece>& pieces, Piece t, std::optional<uint64_t> base_start) {
  const uint64_t at = pieces.empty() ? 0 : pieces.back().end, gap = t.begin - at;
  if (!pieces.empty() && !t.own) {
    Piece& p = pieces.back();
    if (p.shared() && p.type == t.type && p.period == t.period && gap % p.unit() == 0 &&
        gap <= std::min(kGapWithin, t.bytes()) && base_goes_on(p, t)) {
      p.end = t.end;
      return;
    }
  }
  if (gap > 0) {
    Piece g{at, t.begin};
    g.automatic = true;
    if (base_start) g.base_at = *base_start + at;
    pieces.push_back(g);
  }
  pieces.push_back(t);
}

// Small gaps join a run of small tensors before or behind them, where its elements stay in step.
void absorb_gaps(std::vector<Piece>& pieces) {
  std::vector<Piece> out;
  for (size_t i = 0; i < pieces.size(); ++i) {
    Piece& g = pieces[i];
    if (g.automatic && g.bytes() <= kGapBeside) {
      const auto fits = [&g](const Piece& p) {
        return p.shared() && p.bytes() >= kLeastBeside && g.bytes() % p.unit() == 0;
      };
      if (!out.empty() && fits(out.back())) {
        out.back().end = g.end;
        continue;
      }
      if (i + 1 < pieces.size() && fits(pieces[i + 1]) && !pieces[i + 1].base_at) {
        pieces[i + 1].begin = g.begin;
        continue;
      }
    }
    out.push_back(g);
  }
  pieces = std::move(out);
}

// Short runs beside plain bytes or beside each other become plain, and plain neighbours one run.
void join_short(std::vector<Piece>& pieces) {
  std::vector<bool> plain(pieces.size());
  for (size_t i = 0; i < pieces.size(); ++i) {
    const auto beside = [&](const auto& is) {
      return (i > 0 && is(pieces[i - 1])) || (i + 1 < pieces.size() && is(pieces[i + 1]));
    };
    const auto is_short = [](const Piece& p) { return p.shared() && p.bytes() < kLeastRun; };
    const auto is_gap = [](const Piece& p) { return p.automatic; };
    plain[i] = is_gap(pieces[i]) || (is_short(pieces[i]) && beside(is_short)) ||
               (pieces[i].shared() && pieces[i].bytes() < kLeastBeside && beside(is_gap));
  }
  std::vector<Piece> out;
  for (size_t i = 0; i < pieces.size(); ++i) {
    Piece p = pieces[i];
    if (plain[i]) {
      p.automatic = true;
      p.type = ElementType::bytes;
      p.period = 0;
      if (!out.empty() && out.back().automatic) {
        if (!base_goes_on(out.back(), p)) out.back().base_at.reset();
        out.back().end = p.end;
        continue;
      }
    }
    out.push_back(p);
  }
  pieces = std::move(out);
}
}  // namespace

std::deque<Run> plan_runs(const Checkpoint& checkpoint, uint64_t text_header,
                          std::span<const uint32_t> twins,
                          const std::function<std::optional<uint64_t>(const Tensor&)>& base_of,
                          std::optional<uint64_t> base_start,
                          const QuantizedTensors* quantized) {
  std::vector<Piece> pieces;
  if (text_header > 0) {
    Piece p{0, text_header, ElementType::text};
    p.own = true;
    p.base_at = base_start;
    pieces.push_back(p);
  }
  for (size_t i = 0; i < checkpoint.tensors.size(); ++i) {
    const Tensor& t = checkpoint.tensors[i];
    if (t.begin == t.end) continue;
    Piece p{t.begin, t.end, t.type};
    p.twins = twins.empty() ? 0 : twins[i];
    if (quantized != nullptr)
      if (const auto q = quantized->find(t.begin); q != quantized->end()) p.levels = q->second;
    p.own = p.twins != 0 || p.bytes() >= kOwnSegment || p.levels;
    p.period = t.period;
    if (p.bytes() % p.unit() != 0) p.type = ElementType::bytes, p.period = 0;
    p.base_at = base_of(t);
    append(pieces, p, base_start);
  }
  absorb_gaps(pieces);
  join_short(pieces);

  std::deque<Run> runs;
  for (const Piece& p : pieces)
    runs.push_back({p.bytes(), p.type, p.automatic, p.period, p.twins, p.base_at, p.levels});
  std::optional<uint64_t> rest = base_start;
  if (rest && !pieces.empty()) *rest += pieces.back().end;
  // What follows a safetensors file's tensors should not be there; other formats end with tables.
  const bool after_all = checkpoint.kind == MemberKind::safetensors;
  runs.push_back({kToTheEnd, ElementType::bytes, !after_all, 0, 0, rest});
  return runs;
}
}  // namespace gramzip
