// SPDX-License-Identifier: Apache-2.0
// Tables of text models in device memory: uploaded once a model, the last few kept. Part of the
// CUDA backend: CUDA headers are allowed here.
#pragma once
#include <memory>

#include "host/backend/device_buffer.h"
#include "host/model/text_model.h"
#include "kernels/common/text_input.h"
#include "kernels/text_decode.h"

namespace gramzip {
// For decoding: at most 17 MiB.
struct UploadedMachine {
  DeviceBuffer<text::Entry> entries;
  DeviceBuffer<uint8_t> pool;
  kernels::TextMachine view;

  UploadedMachine(const model::TextModel& m, cudaStream_t stream) {
    const model::DecodeMachine& machine = m.machine();
    view = {entries.upload(machine.entries, stream), pool.upload(machine.pool, stream),
            machine.start};
  }
};

// For encoding: 5 bytes a class and symbol, 8 a cell of the trie.
struct UploadedCodes {
  DeviceBuffer<text::SymbolCost> costs;
  DeviceBuffer<uint8_t> class_of;
  DeviceBuffer<uint32_t> pair_root, codes, escapes, global;
  DeviceBuffer<TrieCell> cells;
  kernels::TextCodes view;

  UploadedCodes(const model::TextModel& m, cudaStream_t stream) {
    const model::TextEncodeTables& t = m.encoder();
    const model::Trie& trie = t.cost_tables.trie();
    view.costs = t.costs();
    view.costs.symbol = costs.upload(
        std::span(view.costs.symbol, size_t{view.costs.classes} * view.costs.symbols), stream);
    view.costs.class_of = class_of.upload(t.class_of, stream);
    view.costs.trie = {pair_root.upload(trie.pair_root(), stream),
                       cells.upload(trie.cells(), stream)};
    view.codes = codes.upload(t.codes, stream);
    view.escapes = escapes.upload(t.escapes, stream);
    view.global = global.upload(t.global, stream);
    for (uint32_t k = 0; k < text::kLengthClasses; ++k)
      std::copy(t.distance[k].begin(), t.distance[k].end(), view.distance[k]);
  }
};

template <class Uploaded>
class ModelCache {
 public:
  // As many as an archive may refer to at once.
  static constexpr size_t kKept = 8;

  // Tables asked for from now on stay until the next call.
  void begin_batch() { ++batch_; }
  const auto& get(const model::TextModel& m, cudaStream_t stream) {
    for (Slot& slot : slots_)
      if (slot.id == m.id()) {
        slot.batch = batch_;
        return slot.tables->view;
      }
    drop_oldest();
    slots_.push_back({m.id(), batch_, std::make_unique<Uploaded>(m, stream)});
    return slots_.back().tables->view;
  }

 private:
  struct Slot {
    Hash128 id;
    uint64_t batch;
    std::unique_ptr<Uploaded> tables;
  };
  void drop_oldest() {
    if (slots_.size() < kKept) return;
    size_t oldest = 0;
    for (size_t i = 1; i < slots_.size(); ++i)
      if (slots_[i].batch < slots_[oldest].batch) oldest = i;
    if (slots_[oldest].batch < batch_)
      slots_.erase(slots_.begin() + static_cast<ptrdiff_t>(oldest));
  }

  uint64_t batch_ = 0;
  std::vector<Slot> slots_;
};
}  // namespace gramzip
