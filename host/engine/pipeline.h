// SPDX-License-Identifier: Apache-2.0
// Serial in, parallel work, serial out in the same order, with a bounded number of items in flight.
#pragma once
#include <tbb/parallel_pipeline.h>
#include <tbb/task_arena.h>

#include <algorithm>
#include <exception>
#include <memory>
#include <thread>

namespace gramzip {
inline int resolve_threads(int threads) {
  if (threads > 0) return threads;
  return std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
}

// produce() returns a unique_ptr<Item>, null at the end; work(Item&) runs on any thread;
// consume(Item&) sees items in the order of production. An exception waits for its turn: what is
// thrown belongs to the first item in order that failed, at any number of threads, and all items
// before it are consumed.
template <class Item, class Produce, class Work, class Consume>
void run_pipeline(int threads, Produce produce, Work work, Consume consume) {
  struct Slot {
    std::unique_ptr<Item> item;
    std::exception_ptr error;
  };
  using SlotPtr = std::shared_ptr<Slot>;
  bool ended = false;
  const auto first = [&](tbb::flow_control& fc) -> SlotPtr {
    auto slot = std::make_shared<Slot>();
    try {
      if (!ended) slot->item = produce();
    } catch (...) {
      slot->error = std::current_exception();
    }
    if (ended || (!slot->item && !slot->error)) {
      fc.stop();
      return nullptr;
    }
    ended = slot->error != nullptr;
    return slot;
  };
  const auto middle = [&](SlotPtr slot) {
    try {
      if (!slot->error) work(*slot->item);
    } catch (...) {
      slot->error = std::current_exception();
    }
    return slot;
  };
  const auto last = [&](SlotPtr slot) {
    if (slot->error) std::rethrow_exception(slot->error);
    consume(*slot->item);
  };
  const int t = resolve_threads(threads);
  tbb::task_arena arena(t);
  arena.execute([&] {
    using tbb::filter_mode;
    tbb::parallel_pipeline(static_cast<size_t>(t) + 2,
                           tbb::make_filter<void, SlotPtr>(filter_mode::serial_in_order, first) &
                               tbb::make_filter<SlotPtr, SlotPtr>(filter_mode::parallel, middle) &
                               tbb::make_filter<SlotPtr, void>(filter_mode::serial_in_order, last));
  });
}
}  // namespace gramzip
