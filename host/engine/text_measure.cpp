// SPDX-License-Identifier: Apache-2.0
#include "host/engine/text_measure.h"

#include "host/engine/pipeline.h"
#include "host/frame/segment_meta.h"

namespace gramzip {
uint64_t coded_text_bytes(Backend& backend, const model::TextModel& model,
                          std::span<const std::span<const uint8_t>> pieces, int level,
                          int threads) {
  struct Item {
    std::span<const uint8_t> piece;
    uint64_t bytes = 0;
  };
  size_t at = 0;
  uint64_t sum = 0;
  run_pipeline<Item>(
      threads,
      [&]() -> std::unique_ptr<Item> {
        if (at == pieces.size()) return nullptr;
        return std::make_unique<Item>(Item{pieces[at++]});
      },
      [&](Item& item) {
        const SegmentInput in{ElementType::text, item.piece, &model, static_cast<uint8_t>(level)};
        EncodedSegment out;
        backend.encode({&in, 1}, {&out, 1});
        item.bytes = frame::segment_section_bytes(out);
      },
      [&](Item& item) { sum += item.bytes; });
  return sum;
}
}  // namespace gramzip
