// SPDX-License-Identifier: Apache-2.0
// The decoder's state machine of a model (core/text.h): built once a model by the host, walked by
// the CPU and by the kernels.
#pragma once
#include <vector>

#include "host/model/ngram_model.h"

namespace gramzip::model {
struct DecodeMachine {
  std::vector<text::Entry> entries;  // every table begins at a multiple of 16 entries
  text::TableRef start = 0;          // the table of a lane's first symbol
  std::vector<uint8_t> pool;         // the 256 bytes, then the strings; 64 bytes may be read behind
};
inline constexpr uint32_t kPoolSlack = 64;

// Entries that docs/format.md, 10 counts for a model, at first tables of 2^bits entries (8 there).
uint64_t machine_entries(const NgramModel& m, uint32_t bits = 8);
// bits: of the first table of each code, 8 to 11; taken lower where the tables would be more than
// text::kMaxMachineEntries. The model holds what docs/format.md, 10 asks of it.
DecodeMachine make_machine(const NgramModel& m, uint32_t bits);
}  // namespace gramzip::model
