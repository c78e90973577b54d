// SPDX-License-Identifier: Apache-2.0
// Decode machines of text models in device memory: uploaded once a model, the last few kept. Part
// of the CUDA backend: CUDA headers are allowed here.
#pragma once
#include <memory>

#include "host/backend/device_buffer.h"
#include "host/model/text_model.h"
#include "kernels/text_decode.h"

namespace gramzip {
class MachineCache {
 public:
  // As many as an archive may refer to at once; a machine has at most 17 MiB.
  static constexpr size_t kKept = 8;

  // Machines asked for from now on stay until the next call.
  void begin_batch() { ++batch_; }
  kernels::TextMachine get(const model::TextModel& m, cudaStream_t stream) {
    for (const auto& slot : slots_)
      if (slot->id == m.id()) {
        slot->batch = batch_;
        return slot->machine();
      }
    drop_oldest();
    auto slot = std::make_unique<Slot>();
    slot->id = m.id();
    slot->batch = batch_;
    slot->start = m.machine().start;
    slot->entries.upload(m.machine().entries, stream);
    slot->pool.upload(m.machine().pool, stream);
    slots_.push_back(std::move(slot));
    return slots_.back()->machine();
  }

 private:
  struct Slot {
    Hash128 id;
    uint64_t batch;
    DeviceBuffer<text::Entry> entries;
    DeviceBuffer<uint8_t> pool;
    text::TableRef start;
    kernels::TextMachine machine() const { return {entries.get(), pool.get(), start}; }
  };
  void drop_oldest() {
    if (slots_.size() < kKept) return;
    size_t oldest = 0;
    for (size_t i = 1; i < slots_.size(); ++i)
      if (slots_[i]->batch < slots_[oldest]->batch) oldest = i;
    if (slots_[oldest]->batch < batch_)
      slots_.erase(slots_.begin() + static_cast<ptrdiff_t>(oldest));
  }

  uint64_t batch_ = 0;
  std::vector<std::unique_ptr<Slot>> slots_;
};
}  // namespace gramzip
