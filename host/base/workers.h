// SPDX-License-Identifier: Apache-2.0
// Loops over numbered pieces of work on a fixed number of threads. What a piece is never depends on
// the threads, so results that add up are the same at any number of them.
#pragma once
#include <tbb/global_control.h>
#include <tbb/parallel_for.h>
#include <tbb/task_arena.h>

#include <algorithm>
#include <cstddef>
#include <thread>

#include "host/base/thread_order.h"

namespace gramzip {
inline int resolve_threads(int threads) {
  if (threads > 0) return threads;
  return std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
}

// f(i) for i from 0 to count - 1, in any order, on the threads of the arena at hand.
template <class F>
void parallel_loop(size_t count, F&& f) {
  static char begun;  // a place that tasks reach without their closure, which is new
  char ended;
  const auto task = [&](size_t i) {
    see_order(&begun);
    f(i);
    tell_order(&ended);
  };
  tell_order(&begun);
  tbb::parallel_for(size_t{0}, count, task, tbb::simple_partitioner());
  see_order(&ended);
}

class Workers {
 public:
  explicit Workers(int threads)
      : size_(static_cast<size_t>(resolve_threads(threads))),
        allowed_(kMost, std::max(size_, tbb::global_control::active_value(kMost))),
        arena_(static_cast<int>(size_)) {}

  size_t size() const { return size_; }

  // f(piece, slot) for pieces 0 to count - 1, in any order. A slot, below size(), is one thread's
  // while it works, for sums and working memory.
  template <class F>
  void run(size_t count, F&& f) {
    arena_.execute([&] {
      parallel_loop(count, [&](size_t piece) {
        f(piece, static_cast<size_t>(tbb::this_task_arena::current_thread_index()));
      });
    });
  }

 private:
  // More threads than cores are the caller's choice; without this tbb warns of them.
  static constexpr auto kMost = tbb::global_control::max_allowed_parallelism;
  size_t size_;
  tbb::global_control allowed_;
  tbb::task_arena arena_;
};
}  // namespace gramzip
