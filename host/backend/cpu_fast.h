// SPDX-License-Identifier: Apache-2.0
// What a segment of fast floats is coded with, for every backend alike (docs/format.md, 13).
#pragma once
#include <span>
#include <vector>

#include "host/backend/backend.h"
#include "host/model/fast_classes.h"

namespace gramzip::cpu {
// Exponents and raw planes of the blocks of mode raw: those that are to be coded.
struct FastSplit {
  std::span<const uint8_t> all_exponents() const {
    return std::span(exponents).first(run_begin.back());
  }

  std::vector<uint8_t> exponents;  // and room behind them
  std::vector<uint8_t> raw_planes;
  std::vector<uint32_t> run_begin;               // and the end
  std::vector<uint32_t> first_run, exponent_at;  // of each block
  std::vector<size_t> raw_at;
};
enum class RawPlanes { wanted, unwanted };
void split_fast(std::span<const uint8_t> content, const SegmentHeader& header,
                std::span<const BlockRecord> records, RawPlanes raw_planes, FastSplit& to);
// The tables of a segment and what its header says of them.
void store_fast_tables(std::span<const CodeBook> books, EncodedSegment& out);
}  // namespace gramzip::cpu
