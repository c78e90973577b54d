// SPDX-License-Identifier: Apache-2.0
// Serial in, parallel work, serial out in the same order, with a bounded number of items in flight.
#pragma once
#include <tbb/global_control.h>
#include <tbb/parallel_pipeline.h>
#include <tbb/task_arena.h>

#include <algorithm>
#include <exception>
#include <memory>
#include <vector>

#include "host/base/thread_order.h"
#include "host/base/workers.h"

namespace gramzip {
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
  using SlotPtr = Slot*;
  const int t = resolve_threads(threads);
  const auto tokens = static_cast<size_t>(t) + 2;
  // A ring owns the slots: tbb forgets what is in flight when a filter throws. At most `tokens` are
  // alive and they end in order, so a slot is free when its turn comes again.
  std::vector<Slot> ring(tokens);
  size_t produced = 0;
  bool ended = false;
  static char started;  // a place that filters reach without their closures, which are new
  const auto first = [&](tbb::flow_control& fc) -> SlotPtr {
    see_order(&started);
    const Turn producer(&produced);
    const SlotPtr slot = &ring[produced++ % tokens];
    const Turn of_slot(slot);
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
    see_order(&started);
    const Turn of_slot(slot);
    try {
      if (!slot->error) work(*slot->item);
    } catch (...) {
      slot->error = std::current_exception();
    }
    return slot;
  };
  const auto last = [&](SlotPtr slot) {
    see_order(&started);
    const Turn consumer(&ring), of_slot(slot);
    if (slot->error) std::rethrow_exception(slot->error);
    consume(*slot->item);
    slot->item.reset();
  };
  // More threads than cores are the caller's choice; without this tbb warns of them.
  using Control = tbb::global_control;
  constexpr auto kMost = Control::max_allowed_parallelism;
  const Control allowed(kMost,
                        std::max<size_t>(static_cast<size_t>(t), Control::active_value(kMost)));
  tbb::task_arena arena(t);
  // The caller's turns at all places, before the pipeline and after it, also after an exception.
  const auto callers_turns = [&] {
    for (Slot& slot : ring) const Turn of_slot(&slot);
    const Turn producer(&produced), consumer(&ring);
  };
  struct AtEnd {
    const decltype(callers_turns)& turns;
    ~AtEnd() { turns(); }
  } const at_end{callers_turns};
  callers_turns();
  arena.execute([&] {
    using tbb::filter_mode;
    const auto filters = tbb::make_filter<void, SlotPtr>(filter_mode::serial_in_order, first) &
                         tbb::make_filter<SlotPtr, SlotPtr>(filter_mode::parallel, middle) &
                         tbb::make_filter<SlotPtr, void>(filter_mode::serial_in_order, last);
    tell_order(&started);
    tbb::parallel_pipeline(tokens, filters);
  });
}
}  // namespace gramzip
