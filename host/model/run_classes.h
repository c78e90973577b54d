// SPDX-License-Identifier: Apache-2.0
// Training of the classes of a segment of floats or planes: how many code tables, how wide the
// symbols are, and what a symbol costs in each class. Integers throughout; the same for every
// backend (docs/determinism.md, "Which table").
#pragma once
#include <cstdint>
#include <span>
#include <vector>

#include "gramzip/core/format.h"
#include "gramzip/core/run_classes.h"

namespace gramzip::model {
// Runs are numbered over the segment, block by block; a block's last run may be short.
struct Runs {
  uint32_t per_block;  // of a full block
  uint32_t count;
};
Runs count_runs(const SegmentHeader& header);

struct RunClasses {
  uint32_t symbol_bits = 0;      // S
  uint32_t zero_bits = 0;        // Z
  uint32_t classes = 1;          // 1 to kMaxTables
  std::vector<ClassCost> costs;  // [symbol][kMaxTables], if there are 2 classes or more
};

// content: the segment's, in its own order of bytes. header: codec, type, period and sizes count.
// records: blocks of mode raw count, that is those that are neither constant nor a repeat.
// exact: the exact values of codec exact_floats, else empty.
RunClasses train_run_classes(std::span<const uint8_t> content, const SegmentHeader& header,
                             std::span<const BlockRecord> records,
                             std::span<const uint64_t> exact = {});

struct RunSample;
// The same from a sample: symbol_bits, classes and costs.
RunClasses train_run_classes(const RunSample& sample);
}  // namespace gramzip::model
