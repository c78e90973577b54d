// SPDX-License-Identifier: Apache-2.0
// Lanes of fast floats without vectors: exponents first, then they join the raw plane. Compiled
// once per instruction set with GRAMZIP_FAST_LOOPS as the function's name.
#include <algorithm>
#include <cstring>

#include "host/cpu/fast_decode.h"
#include "host/cpu/join.inl"

namespace gramzip::cpu {
namespace {
struct FastLanes {
  uint64_t bits[kLanes];
  uint32_t left[kLanes];
};

// One step of all lanes. words: as many as the lanes may take, 32. Returns how many they took.
inline uint32_t fast_step(FastLanes& lanes, const uint16_t* symbol, const uint8_t* words,
                          uint8_t* exponents) {
  constexpr uint32_t kMask = fast::kEntries - 1;
  const uint8_t* next = words;
  for (uint32_t l = 0; l < kLanes; ++l) {
    uint64_t bits = lanes.bits[l];
    uint32_t left = lanes.left[l];
    const uint32_t a = symbol[bits & kMask];
    bits >>= a & 63;  // the length; the exponent is above
    const uint32_t b = symbol[bits & kMask];
    bits >>= b & 63;
    const uint32_t c = symbol[bits & kMask];
    bits >>= c & 63;
    const uint32_t d = symbol[bits & kMask];
    bits >>= d & 63;
    left -= (a + b + c + d) & 63;
    store_le<uint32_t>(exponents + fast::kGroup * l,
                       (a >> 8) | (b & 0xff00) | ((c & 0xff00) << 8) | ((d & 0xff00) << 16));
    const uint32_t takes = fast::takes_word(left) ? 1 : 0;
    bits |= (uint64_t{load_le<uint32_t>(next)} & (uint64_t{0} - takes)) << (left & 63);
    lanes.left[l] = left + 32 * takes;
    lanes.bits[l] = bits;
    next += size_t{4} * takes;
  }
  return static_cast<uint32_t>(next - words) / 4;
}

BlockStatus decode_exponents(const FastJob& job, uint8_t* exponents) {
  const uint32_t steps = fast::steps_of(job.n);
  FastLanes lanes;
  uint8_t words[4 * (fast::kFirstWords + kLanes)] = {};
  uint32_t at = std::min(job.word_count, fast::kFirstWords);  // words taken
  if (at > 0) std::memcpy(words, job.words, size_t{4} * at);
  for (uint32_t l = 0; l < kLanes; ++l) {
    lanes.bits[l] = load_le<uint32_t>(words + 4 * l) |
                    (uint64_t{load_le<uint32_t>(words + 4 * (kLanes + l))} << 32);
    lanes.left[l] = 64;
  }
  uint32_t step = 0;
  const auto table = [&] {
    return job.tables[job.class_ids[step * fast::kStep / kRunElements]].symbol;
  };
  for (; step < steps && job.word_count - at >= kLanes; ++step)
    at += fast_step(lanes, table(), job.words + size_t{4} * at, exponents + step * fast::kStep);
  // Fewer words than a step may take: the last ones, with zeros behind.
  const uint32_t rest = job.word_count - at;
  std::memset(words, 0, sizeof(words));
  if (rest > 0 && step < steps) std::memcpy(words, job.words + size_t{4} * at, size_t{4} * rest);
  uint32_t taken = 0;
  for (; step < steps; ++step)
    taken = std::min(rest, taken + fast_step(lanes, table(), words + size_t{4} * taken,
                                             exponents + step * fast::kStep));
  uint64_t behind = rest - taken;
  for (uint32_t l = 0; l < kLanes; ++l) behind |= lanes.bits[l];
  return behind == 0 ? BlockStatus::ok : BlockStatus::bad_stream;
}
}  // namespace

void GRAMZIP_FAST_LOOPS(const FastJob* jobs, uint32_t count, std::vector<uint8_t>& exponents,
                        BlockStatus* status) {
  for (uint32_t i = 0; i < count; ++i) {
    const FastJob& job = jobs[i];
    const size_t room = size_t{fast::steps_of(job.n)} * fast::kStep;
    if (exponents.size() < room) exponents.resize(room);
    status[i] = decode_exponents(job, exponents.data());
    join(job.split, job.raw_plane, exponents.data(), job.n, job.out);
  }
}
}  // namespace gramzip::cpu
