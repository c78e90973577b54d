// SPDX-License-Identifier: Apache-2.0
#include "tests/registry/text_segments.h"

#include <algorithm>

#include "gramzip/core/plan.h"
#include "host/base/checksum.h"

namespace gramzip::test {
namespace {
using Rng = std::mt19937_64;

struct BitString {
  std::vector<uint32_t> words;
  uint32_t bits = 0;
  void put(uint32_t v, uint32_t n) {
    for (uint32_t i = 0; i < n; ++i, ++bits) {
      if (bits % 32 == 0) words.push_back(0);
      words.back() |= ((v >> i) & 1u) << (bits % 32);
    }
  }
  void put(BitCode c) { put(c.bits, c.length); }
};

// Draws tokens lane by lane, which decode to whatever they decode to.
class TokenWriter {
 public:
  TokenWriter(const model::NgramModel& m, Rng& g, TokenStyle style)
      : m_(m),
        codes_(m),
        g_(g),
        match_share_(style.match_eighths < 0 ? below(8)
                                             : static_cast<uint32_t>(style.match_eighths)),
        far_(below(3) == 0),
        short_near_(style.short_near) {}

  BitString lane(std::vector<uint8_t>& content, uint32_t count) {
    BitString out;
    uint32_t previous = text::kFirstContext;
    text::Repeats repeats;
    const size_t end = content.size() + count;
    while (content.size() < end) {
      const auto room = static_cast<uint32_t>(end - content.size());
      if (below(8) < match_share_ && room >= 2 && match(out, content, room, repeats, previous))
        continue;
      uint32_t symbol = below(256);
      if (!m_.strings.empty() && below(8) > 0)
        symbol = text::kByteSymbols + below(static_cast<uint32_t>(m_.strings.size()));
      if (symbol >= 256 && (m_.strings[symbol - 256].size() > room || !codable(previous, symbol)))
        symbol = below(256);
      put(out, symbol, previous);
      if (symbol < 256)
        content.push_back(static_cast<uint8_t>(symbol));
      else
        content.insert(content.end(), m_.strings[symbol - 256].begin(),
                       m_.strings[symbol - 256].end());
    }
    return out;
  }

 private:
  uint32_t below(uint32_t n) { return static_cast<uint32_t>(g_() % n); }
  bool codable(uint32_t previous, uint32_t symbol) const {
    return codes_.classes[m_.class_of[previous]][symbol].length > 0 ||
           codes_.global[symbol].length > 0;
  }
  void put(BitString& out, uint32_t symbol, uint32_t& previous) {
    const auto& codes = codes_.classes[m_.class_of[previous]];
    if (codes[symbol].length > 0) {
      out.put(codes[symbol]);
    } else {
      out.put(codes.back());
      out.put(codes_.global[symbol]);
    }
    previous = symbol;
  }
  bool match(BitString& out, std::vector<uint8_t>& content, uint32_t room, text::Repeats& repeats,
             uint32_t& previous) {
    uint32_t length = 2 + (below(6) == 0 ? below(600) : below(12));
    if (below(40) == 0) length = 2 + below(8192);
    if (short_near_) length = 2 + below(2);
    length = std::min(length, room);
    const auto before = static_cast<uint32_t>(content.size());
    if (before == 0) return false;
    uint32_t kind = below(text::kRepeats + 1);
    uint32_t distance = 1 + below(far_ || below(4) == 0 ? before : std::min(before, 40u));
    if (short_near_) distance = 1 + below(std::min(before, 3u));
    if (kind > 0 && (repeats.d[kind - 1] == 0 || repeats.d[kind - 1] > before)) kind = 0;
    const uint32_t bucket = text::length_bucket(length);
    const auto& distance_codes = codes_.distances[text::length_class(bucket)];
    if (kind == 0 && distance_codes[text::bucket_of(distance)].length == 0) return false;
    const uint32_t symbol = text::match_symbol(m_.strings_end(), kind, bucket);
    if (!codable(previous, symbol)) return false;

    put(out, symbol, previous);
    const text::Bucket b = text::bucket(bucket);
    out.put(length - text::kMinMatch - b.base, b.raw_bits);
    if (kind == 0) {
      const text::Bucket d = text::bucket(text::bucket_of(distance));
      out.put(distance_codes[text::bucket_of(distance)]);
      out.put(distance - d.base, d.raw_bits);
      repeats.push(distance);
    } else {
      distance = repeats.take(kind - 1);
    }
    for (uint32_t i = 0; i < length; ++i) content.push_back(content[content.size() - distance]);
    return true;
  }

  const model::NgramModel& m_;
  ModelCodes codes_;
  Rng& g_;
  uint32_t match_share_;
  bool far_, short_near_;
};

// lane header | rows | tails
std::vector<uint8_t> lay_out(const std::vector<BitString>& lanes) {
  uint32_t least = UINT32_MAX, most = 0, total = 0;
  for (const BitString& lane : lanes) {
    const auto words = static_cast<uint32_t>(lane.words.size());
    least = std::min(least, words);
    most = std::max(most, words);
    total += words;
  }
  const LanePlan plan = plan_lanes(least, most, total);
  std::vector<uint8_t> block(lane_header_bytes(plan.head.extra_bits), 0);
  store_le<uint32_t>(block.data(), pack_lane_head(plan.head));
  for (uint32_t k = 0; k < plan.head.extra_bits; ++k) {
    uint32_t word = 0;
    for (uint32_t l = 0; l < kLanes; ++l)
      word |= (static_cast<uint32_t>(lanes[l].words.size() - least) >> k & 1u) << l;
    store_le<uint32_t>(block.data() + 4 + 4 * k, word);
  }
  const auto put = [&](uint32_t word) {
    block.resize(block.size() + 4);
    store_le<uint32_t>(block.data() + block.size() - 4, word);
  };
  for (uint32_t r = 0; r < least; ++r)
    for (const BitString& lane : lanes) put(lane.words[r]);
  for (const BitString& lane : lanes)
    for (size_t r = least; r < lane.words.size(); ++r) put(lane.words[r]);
  return block;
}
}  // namespace

TextSegment random_text_segment(std::shared_ptr<const model::TextModel> model, uint64_t seed,
                                size_t bytes, uint32_t block_log2, TokenStyle style) {
  Rng g(seed);
  TextSegment s;
  SegmentHeader& h = s.coded.header;
  h = make_text_header(static_cast<uint32_t>(bytes), model->id().low, model->id().high);
  h.block_log2 = static_cast<uint8_t>(block_log2);
  h.blocks = static_cast<uint32_t>(ceil_div(bytes, size_t{1} << block_log2));
  TokenWriter writer(model->model(), g, style);
  for (uint32_t b = 0; b < h.blocks; ++b) {
    const uint32_t begin = h.block_begin(b), size = h.block_bytes(b), kind = g() % 16;
    const uint32_t source = b > 0 ? static_cast<uint32_t>(g() % b) : 0;
    BlockMode mode = BlockMode::raw;
    std::vector<uint8_t> payload;
    if (kind == 0) {
      for (uint32_t i = 0; i < size; ++i) s.content.push_back(static_cast<uint8_t>(g() % 4 + 'a'));
    } else if (kind == 1) {
      mode = BlockMode::constant;
      payload = {static_cast<uint8_t>(g())};
      s.content.resize(begin + size, payload[0]);
    } else if (kind <= 3 && b > 0 && s.coded.records[source].mode != BlockMode::repeat &&
               h.block_bytes(source) == size) {
      mode = BlockMode::repeat;
      payload.resize(4);
      store_le<uint32_t>(payload.data(), source);
      for (uint32_t i = 0; i < size; ++i) s.content.push_back(s.content[h.block_begin(source) + i]);
    } else {
      std::vector<BitString> lanes;
      for (uint32_t l = 0; l < kLanes; ++l)
        lanes.push_back(writer.lane(s.content, lane_count(size, l, false)));
      payload = lay_out(lanes);
      if (payload.size() < size) mode = BlockMode::coded;
    }
    if (mode == BlockMode::raw) payload.assign(s.content.begin() + begin, s.content.end());
    s.coded.records.push_back({mode, static_cast<uint32_t>(payload.size()), hash64(payload),
                               hash64({s.content.data() + begin, size})});
    payload.resize(round_up(payload.size(), kBlockAlign), 0);
    s.coded.data.insert(s.coded.data.end(), payload.begin(), payload.end());
  }
  s.model = std::move(model);
  return s;
}
}  // namespace gramzip::test
