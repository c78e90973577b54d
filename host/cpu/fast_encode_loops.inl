// SPDX-License-Identifier: Apache-2.0
// The words of a block of fast floats without vectors, compiled once per instruction set with
// GRAMZIP_FAST_WRITER as the function's name.
#include "host/cpu/fast_encode.h"

namespace gramzip::cpu {
// Each lane fills one word, and the word behind it has its place already, because a decoder takes
// it one word ahead.
uint32_t GRAMZIP_FAST_WRITER(const FastBlockInput& in, FastWords& to) {
  uint32_t* const words = to.words.data();
  uint64_t bits[kLanes] = {};
  uint32_t held[kLanes] = {}, filling[kLanes], ahead[kLanes];
  for (uint32_t l = 0; l < kLanes; ++l) {
    filling[l] = l;
    ahead[l] = kLanes + l;
  }
  uint32_t next = fast::kFirstWords;
  const uint32_t steps = fast::steps_of(static_cast<uint32_t>(in.exponents.size()));
  FastStep s;
  for (uint32_t step = 0; step < steps; ++step) {
    s.load(in, step);
    const uint16_t* both = s.codes->both;
    constexpr uint32_t kBits = FastCodes::kException - 1;
    for (uint32_t l = 0; l < kLanes; ++l) {
      const uint8_t* e = s.exponents + l * fast::kGroup;
      const uint32_t a = both[e[0]], b = both[e[1]], c = both[e[2]], d = both[e[3]];
      if (((a | b | c | d) & FastCodes::kException) != 0)
        list_exceptions(*s.codes, e, step * fast::kStep + l * fast::kGroup, fast::kGroup,
                        to.exceptions);
      const uint32_t to_b = a >> 8, to_c = to_b + (b >> 8), to_d = to_c + (c >> 8);
      const uint32_t code =
          (a & kBits) | (b & kBits) << to_b | (c & kBits) << to_c | (d & kBits) << to_d;
      const uint64_t all = bits[l] | uint64_t{code} << held[l];
      const uint32_t sum = held[l] + to_d + (d >> 8), full = sum >> 5;
      words[filling[l]] = static_cast<uint32_t>(all);
      bits[l] = all >> (32 * full);
      held[l] = sum & 31;
      filling[l] = full != 0 ? ahead[l] : filling[l];
      ahead[l] = full != 0 ? next : ahead[l];
      next += full;
    }
  }
  for (uint32_t l = 0; l < kLanes; ++l) {
    words[filling[l]] = static_cast<uint32_t>(bits[l]);
    words[ahead[l]] = 0;
  }
  return next;
}
}  // namespace gramzip::cpu
