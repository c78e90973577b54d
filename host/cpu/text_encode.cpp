// SPDX-License-Identifier: Apache-2.0
#include "host/cpu/text_encode.h"

#include "host/cpu/huffman_encode.h"
#include "host/cpu/lane_write.h"
#include "host/cpu/lane_writer.inl"

namespace gramzip::cpu {
namespace {
// A symbol takes an escape and a global code, then at most the raw bits of a length, a distance
// code and its raw bits: 34 and 44 bits, each with the 7 that a flush leaves.
constexpr uint32_t kMaxLengthRaw = 12, kMaxDistanceRaw = 22;
static_assert(7 + text::kClassCodeLimit + text::kGlobalCodeLimit < 64);
static_assert(7 + kMaxLengthRaw + text::kDistanceCodeLimit + kMaxDistanceRaw < 64);
// Bytes that a lane of n bytes takes at most: a byte 34 bits, a match of two or more 78.
size_t lane_bound(uint32_t n) { return size_t{n} * 5; }

Code unpack(uint32_t packed) { return {huffman::code_bits(packed), huffman::code_length(packed)}; }

// Returns the lane's words.
uint32_t encode_lane(const SegmentTokens& tokens, uint32_t lane, const model::TextEncodeTables& t,
                     uint8_t* to) {
  LaneWriter w{to};
  const uint16_t* symbol = tokens.symbols.data() + tokens.lane_symbols[lane];
  const uint16_t* end = tokens.symbols.data() + tokens.lane_symbols[lane + 1];
  const Match* match = tokens.matches.data() + tokens.lane_matches[lane];
  for (uint32_t previous = text::kFirstContext; symbol < end; previous = *symbol++) {
    const uint32_t s = *symbol, c = t.class_of[previous];
    const uint32_t code = t.codes[size_t{c} * t.symbols + s];
    if (code == 0) {
      w.put(unpack(t.escapes[c]));
      w.put(unpack(t.global[s]));
    } else {
      w.put(unpack(code));
    }
    w.flush();
    if (s < t.strings_end) continue;
    const uint32_t b = text::length_bucket(match->length);
    const text::Bucket length = text::bucket(b);
    w.put({match->length - text::kMinMatch - length.base, length.raw_bits});
    if (s < t.strings_end + text::kLengthBuckets) {
      const uint32_t d = text::bucket_of(match->distance);
      const text::Bucket distance = text::bucket(d);
      w.put(unpack(t.distance[text::length_class(b)][d]));
      w.put({match->distance - distance.base, distance.raw_bits});
    }
    w.flush();
    ++match;
  }
  return w.finish(to);
}
}  // namespace

uint32_t TextEncoder::encode(const SegmentTokens& tokens, uint32_t block, uint32_t content_bytes,
                             const model::TextEncodeTables& tables, uint8_t* out) {
  // An odd number of cache lines apart, so that the lanes do not share sets of the cache.
  const size_t stride = ((lane_bound(lane_piece(content_bytes)) + 16 + 63) / 64 | 1) * 64;
  if (lane_bytes_.size() < stride * kLanes) lane_bytes_.resize(stride * kLanes);
  LaneWords words{};
  for (uint32_t l = 0; l < kLanes; ++l)
    words[l] = encode_lane(tokens, block * kLanes + l, tables, lane_bytes_.data() + l * stride);
  const LanePlan plan = plan_lanes(words);
  const uint32_t coded = lane_header_bytes(plan.head.extra_bits) + 4 * plan.total_words;
  if (coded >= content_bytes) return 0;
  write_lanes({lane_bytes_.data(), stride, words.data()}, plan.head, encode_loops().lanes_to_rows,
              out);
  return coded;
}
}  // namespace gramzip::cpu
