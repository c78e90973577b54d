// SPDX-License-Identifier: Apache-2.0
// Stack, memo and tuples of a pickle's scanner, each of bounded size.
#pragma once
#include <deque>
#include <span>
#include <unordered_map>

#include "host/formats/byte_window.h"
#include "host/formats/pickle_names.h"

namespace gramzip::torch {
// Every call that returns bool does nothing and says false if there is too little on the stack or a
// bound is reached.
class Stack {
 public:
  static constexpr size_t kMaxDepth = 1u << 17, kMaxMemo = 1u << 20, kMaxArena = 1u << 18;

  size_t size() const { return slots_.size(); }
  const Value& top(size_t below) const { return slots_[slots_.size() - 1 - below].value; }
  bool push(const Value& v) {
    if (slots_.size() == kMaxDepth) return false;
    slots_.push_back({v, static_cast<uint32_t>(arena_.size())});
    return true;
  }
  bool pop(size_t n) {
    if (n > slots_.size()) return false;
    slots_.resize(slots_.size() - n);
    while (!marks_.empty() && marks_.back() > slots_.size()) marks_.pop_back();
    arena_.resize(slots_.empty() ? 0 : slots_.back().arena_end);
    return true;
  }
  bool mark() {
    if (marks_.size() == kMaxDepth) return false;
    marks_.push_back(static_cast<uint32_t>(slots_.size()));
    return true;
  }
  // How many values stand above the last mark, which is taken away.
  bool since_mark(size_t& n) {
    if (marks_.empty()) return false;
    n = slots_.size() - marks_.back();
    marks_.pop_back();
    return true;
  }
  // The top n become a tuple. Tuples live as long as their slot: values that reach the arena later
  // belong to slots above.
  bool tuple(size_t n) {
    if (n > slots_.size()) return false;
    const Value v{Kind::tuple, static_cast<uint32_t>(n), arena_.size()};
    const bool fits = arena_.size() + n <= kMaxArena;
    for (size_t i = n; fits && i-- > 0;) arena_.push_back(top(i));
    slots_.resize(slots_.size() - n);
    while (!marks_.empty() && marks_.back() > slots_.size()) marks_.pop_back();
    return push(fits ? v : Value());
  }
  std::span<const Value> items(const Value& tuple) const {
    if (tuple.kind != Kind::tuple || tuple.at > arena_.size() || tuple.n > arena_.size() - tuple.at)
      return {};
    return std::span(arena_).subspan(tuple.at, tuple.n);
  }

  size_t memo_size() const { return memo_.size(); }
  const Value& memo(size_t i) const { return memo_[i]; }
  // Remembers the top; of a tuple, whose slot it may outlive, only that there was one.
  bool memoize(size_t i) {
    if (slots_.empty() || i >= kMaxMemo) return false;
    if (i >= memo_.size()) memo_.resize(i + 1);
    memo_[i] = top(0).kind == Kind::tuple ? Value() : top(0);
    return true;
  }

 private:
  struct Slot {
    Value value;
    uint32_t arena_end;  // behind all tuples at or below this slot
  };
  std::vector<Slot> slots_;
  std::vector<uint32_t> marks_;
  std::vector<Value> arena_;
  std::deque<Value> memo_;
};
}  // namespace gramzip::torch
