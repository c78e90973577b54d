// SPDX-License-Identifier: Apache-2.0
// The bytes of a model (docs/format.md, 10).
#pragma once
#include <span>
#include <string>
#include <vector>

#include "host/frame/context_stream.h"
#include "host/model/ngram_model.h"

namespace gramzip::frame {
inline constexpr uint32_t kModelHeaderBytes = 64;
inline constexpr size_t kMaxModelBytes = size_t{4} << 20;
inline constexpr uint8_t kModelMagic[4] = {0x47, 0x52, 0x4D, 0x01};

// The canonical bytes of a model that holds what the format asks; sets its id. Throws Error(limit)
// if they are more than kMaxModelBytes.
std::vector<uint8_t> store_model(model::NgramModel& m);
// Reads and checks everything. Throws Error(corrupt); `where` begins its message.
model::NgramModel load_model(std::span<const uint8_t> bytes, const std::string& where);

// What both directions share: streams and contexts.
enum ModelStream : uint32_t {
  kChildren,
  kParts,
  kPartCode,
  kPopularity,
  kGlobal,
  kClass,
  kGap,
  kLength,
  kDistance
};
inline constexpr StreamShape kModelStreams[] = {{6, 16},  {5, 4},   {4, 32}, {5, 160}, {5, 32},
                                                {7, 256}, {5, 256}, {4, 96}, {4, 64}};
inline constexpr uint32_t kModelStreamCount = 9;

// Context of the number of children of symbol a.
inline uint32_t children_context(uint32_t before, uint32_t a) {
  return (before < 7 ? before : 7) + (a > 255 ? 8 : 0);
}
// Contexts of popularities and classes by symbol.
uint32_t popularity_kind(const model::NgramModel& m, uint32_t symbol);
uint32_t class_context(const model::NgramModel& m, uint32_t symbol);
// Symbols of popularity above 0, by popularity, then number.
std::vector<uint16_t> rank_symbols(const model::NgramModel& m);

// Contexts of the gaps and lengths of one class, as they go.
class ClassContexts {
 public:
  uint32_t gap_context() const {
    const uint32_t u = density_ / 4, z = text::floor_log2(static_cast<uint32_t>(rank_ + 2));
    return 16 * (u < 15 ? u : 15) + (z < 15 ? z : 15);
  }
  void gap(uint32_t bucket, uint32_t rank) {
    density_ = (3 * density_ + 4 * bucket + 2) / 4;
    rank_ = static_cast<int32_t>(rank);
  }
  uint32_t length_context(uint32_t popularity) const {
    const Lengths& l = by_popularity_[popularity];
    return l.number == 0 ? popularity : 28 + (4 * l.sum + l.number / 2) / l.number;
  }
  void length(uint32_t popularity, uint32_t bits) {
    Lengths& l = by_popularity_[popularity];
    if (l.number == 16) {
      l.sum -= (l.sum + 8) / 16;
      --l.number;
    }
    l.sum += bits;
    ++l.number;
  }
  int32_t rank_before() const { return rank_; }

 private:
  struct Lengths {
    uint32_t sum = 0, number = 0;
  };
  int32_t rank_ = -1;
  uint32_t density_ = 0;
  std::array<Lengths, 21> by_popularity_{};
};
}  // namespace gramzip::frame
