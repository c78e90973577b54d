// SPDX-License-Identifier: Apache-2.0
// Segments of a decoding batch as the kernels see them: what does not depend on where content goes.
// Part of the CUDA backend.
#pragma once
#include <algorithm>
#include <vector>

#include "host/backend/backend.h"
#include "host/cpu/fast_tables.h"
#include "kernels/huffman_decode.h"

namespace gramzip {
struct DecodeBatch {
  std::vector<kernels::DeviceSegment> segments;
  std::vector<kernels::BlockState> states;       // all blocks of all segments
  std::vector<kernels::HashRange> coded_ranges;  // as states
  std::vector<kernels::DeviceTable> tables;
  std::vector<uint8_t> lengths, limits;
  std::vector<uint64_t> exact;         // values of all segments
  std::vector<uint16_t> contexts;      // as tables
  std::vector<uint16_t> fast_entries;  // of all tables up to the last of fast floats

  // data_at: where its data begins; needed(b): the hash of that block is looked at. Returns the
  // segment's place in `segments`, to which its numbers apply.
  template <class Needed>
  kernels::DeviceSegment& add_segment(const SegmentView& v, uint64_t data_at,
                                      const Needed& needed) {
    const SegmentHeader& h = v.header;
    segments.push_back({h, 0, data_at, static_cast<uint32_t>(states.size()),
                        static_cast<uint32_t>(tables.size()), static_cast<uint32_t>(exact.size())});
    exact.insert(exact.end(), v.exact.begin(), v.exact.end());
    for (uint32_t b = 0; b < h.blocks; ++b) {
      const BlockRecord& record = v.records[b];
      states.push_back({record.mode,
                        0,
                        record.coded_bytes,
                        v.offsets[b],
                        {},
                        record.coded_hash,
                        record.decoded_hash});
      coded_ranges.push_back({data_at + v.offsets[b], needed(b) ? record.coded_bytes : 0});
    }
    if (h.codec == Codec::fast_floats) {
      fast_entries.resize(tables.size() * fast::kEntries);
      for (const cpu::FastTable& t : cpu::make_fast_tables(v.tables))
        fast_entries.insert(fast_entries.end(), std::begin(t.symbol), std::end(t.symbol));
    }
    for (const CodeTable& t : v.tables) {
      tables.push_back({static_cast<uint32_t>(lengths.size()), t.first, t.count});
      lengths.insert(lengths.end(), t.lengths.begin(), t.lengths.end());
      limits.push_back(h.code_limit);
    }
    contexts.insert(contexts.end(), v.contexts.begin(), v.contexts.end());
    contexts.resize(tables.size(), 0);
    return segments.back();
  }
};
}  // namespace gramzip
