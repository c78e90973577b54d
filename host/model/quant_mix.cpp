// SPDX-License-Identifier: Apache-2.0
#include "host/model/quant_mix.h"

#include <algorithm>
#include <cmath>

namespace gramzip::quant {
namespace {
constexpr double kNearly = 0.2;     // of a bin's width
constexpr size_t kMostJoints = 96;  // where two divisions are joined

// A division and what its first bins cost.
struct Side {
  const Bins* bins;
  std::vector<double> bits{0}, error{0};

  size_t begin(size_t i) const { return bins->begin[i]; }
  size_t size() const { return bins->size(); }
};
// Boundary i of the one is boundary j of the other; 0 and size() are none.
struct Joint {
  size_t i, j;
};
struct Cost {
  double bits = 0, error = 0;
};

class Mixer {
 public:
  Mixer(const Cells& c, const Price& price, const Bins& a, const Bins& b) : c_(c), price_(price) {
    count_.assign(1, 0);
    for (const double n : c.count) count_.push_back(count_.back() + n);
    side_[0] = side(a), side_[1] = side(b);
    find_joints();
  }

  Mixtures best(const Measure& cost, const Measure& excess) {
    // The outer division, and the stretch of the other one: from joint `low` to joint `high`, or to
    // the ends of the line.
    struct Choice {
      int outer = -1;
      size_t low = 0, high = 0;
      Cost cost;
      double rank = 0;
    } fitting, exceeding;
    const size_t none = joints_.size();
    for (int outer = 0; outer < 2; ++outer)
      for (size_t low = 0; low <= none; ++low)
        for (size_t high = low == none ? 0 : low + 1; high <= none; ++high) {
          if (low == none && high == none) continue;
          Cost sum;
          if (!total(outer, low, high, sum)) continue;
          const double over = excess(sum.bits, sum.error);
          const bool fits = over <= 0;
          const double rank = fits ? cost(sum.bits, sum.error) : over;
          Choice& choice = fits ? fitting : exceeding;
          if (choice.outer < 0 || rank < choice.rank) choice = {outer, low, high, sum, rank};
        }
    Mixtures result;
    for (const auto& [choice, list] :
         {std::pair{&fitting, &result.fitting}, std::pair{&exceeding, &result.exceeding}})
      if (choice->outer >= 0)
        list->push_back({bins(choice->outer, choice->low, choice->high), choice->cost.bits,
                         choice->cost.error});
    return result;
  }

 private:
  Cost bin(size_t begin, size_t end) const {
    const double level = level_of(c_, begin, end);
    Cost sum;
    for (size_t i = begin; i < end; ++i) {
      const double off = c_.mean[i] - level;
      sum.error += c_.spread[i] + c_.count[i] * off * off;
    }
    sum.bits = price_.bits(count_[end] - count_[begin]);
    return sum;
  }
  double kept_bits(size_t begin, size_t end) const {
    const double n = count_[begin] + (count_.back() - count_[end]);
    return price_.bits(n) + n * price_.escape_bits;
  }
  Side side(const Bins& bins) const {
    Side s{&bins};
    for (size_t i = 0; i < bins.size(); ++i) {
      const Cost one = bin(bins.begin[i], bins.begin[i + 1]);
      s.bits.push_back(s.bits.back() + one.bits);
      s.error.push_back(s.error.back() + one.error);
    }
    return s;
  }
  void find_joints() {
    struct Near {
      double gap;
      Joint joint;
    };
    std::vector<Near> near;
    const Side &a = side_[0], &b = side_[1];
    for (size_t i = 1, j = 1; i < a.size(); ++i) {
      const double x = c_.mean[a.begin(i)];
      const auto gap = [&](size_t k) { return std::fabs(c_.mean[b.begin(k)] - x); };
      while (j + 1 < b.size() && gap(j + 1) <= gap(j)) ++j;
      if (j >= b.size()) break;
      const double width =
          std::min(x - c_.mean[a.begin(i - 1)], c_.mean[b.begin(j)] - c_.mean[b.begin(j - 1)]);
      if (gap(j) <= width * kNearly) near.push_back({gap(j) / width, {i, j}});
    }
    std::stable_sort(near.begin(), near.end(),
                     [](const Near& x, const Near& y) { return x.gap < y.gap; });
    if (near.size() > kMostJoints) near.resize(kMostJoints);
    for (const Near& n : near) joints_.push_back(n.joint);
    std::sort(joints_.begin(), joints_.end(),
              [](const Joint& x, const Joint& y) { return x.i < y.i; });
    // From the one to the other: a bin ends where those of the other begin.
    for (const Joint& k : joints_) {
      bridge_[0].push_back(bin(a.begin(k.i - 1), b.begin(k.j)));
      bridge_[1].push_back(bin(b.begin(k.j - 1), a.begin(k.i)));
    }
  }
  size_t boundary(int side, size_t joint) const {
    return side == 0 ? joints_[joint].i : joints_[joint].j;
  }
  bool total(int outer, size_t low, size_t high, Cost& sum) const {
    const int inner = 1 - outer;
    const Side &o = side_[outer], &n = side_[inner];
    const bool has_low = low < joints_.size(), has_high = high < joints_.size();
    const size_t from = has_low ? boundary(inner, low) : 0;
    const size_t to = has_high ? boundary(inner, high) - 1 : n.size();
    if (from > to) return false;
    sum.bits = n.bits[to] - n.bits[from];
    sum.error = n.error[to] - n.error[from];
    size_t first = n.begin(0), last = n.begin(n.size());
    if (has_low) {
      const size_t end = boundary(outer, low) - 1;
      sum.bits += o.bits[end] + bridge_[outer][low].bits;
      sum.error += o.error[end] + bridge_[outer][low].error;
      first = o.begin(0);
    }
    if (has_high) {
      const size_t begin = boundary(outer, high);
      sum.bits += o.bits.back() - o.bits[begin] + bridge_[inner][high].bits;
      sum.error += o.error.back() - o.error[begin] + bridge_[inner][high].error;
      last = o.begin(o.size());
    }
    sum.bits += kept_bits(first, last);
    return true;
  }
  Bins bins(int outer, size_t low, size_t high) const {
    const int inner = 1 - outer;
    const std::vector<size_t>&o = side_[outer].bins->begin, &n = side_[inner].bins->begin;
    const auto at = [](const std::vector<size_t>& v, size_t i) {
      return v.begin() + static_cast<ptrdiff_t>(i);
    };
    const bool has_low = low < joints_.size(), has_high = high < joints_.size();
    Bins mixed;
    mixed.begin.clear();
    if (has_low) mixed.begin.assign(o.begin(), at(o, boundary(outer, low)));
    mixed.begin.insert(mixed.begin.end(), at(n, has_low ? boundary(inner, low) : 0),
                       has_high ? at(n, boundary(inner, high)) : n.end());
    if (has_high) mixed.begin.insert(mixed.begin.end(), at(o, boundary(outer, high)), o.end());
    return mixed;
  }

  const Cells& c_;
  const Price price_;
  std::vector<double> count_;  // of weights before a cell
  Side side_[2];
  std::vector<Joint> joints_;
  std::vector<Cost> bridge_[2];  // by the division that they come from
};
}  // namespace

Mixtures mix_bins(const Cells& c, const Price& price, const Bins& a, const Bins& b,
                  const Measure& cost, const Measure& excess) {
  if (a.size() < 2 || b.size() < 2) return {};
  return Mixer(c, price, a, b).best(cost, excess);
}
}  // namespace gramzip::quant
