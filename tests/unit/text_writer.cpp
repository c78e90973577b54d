// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/text_writer.h"

#include <algorithm>
#include <set>

namespace gramzip::test {
namespace {
uint32_t below(Random& random, uint64_t n) { return static_cast<uint32_t>(random() % n); }

// Bucket and raw bits of a value (docs/format.md, 9), found by search.
struct Place {
  uint32_t bucket, raw_bits, raw;
};
Place place(uint32_t x) {
  if (x < 8) return {x, 0, 0};
  uint32_t m = 3;
  while ((x >> (m + 1)) != 0) ++m;
  const uint32_t h = (x >> (m - 1)) & 1;
  return {8 + 2 * (m - 3) + h, m - 1, x & ((1u << (m - 1)) - 1)};
}
uint32_t lowest_of(uint32_t bucket) {
  if (bucket < 8) return bucket;
  const uint32_t m = 3 + (bucket - 8) / 2;
  return (1u << m) + ((bucket - 8) % 2 << (m - 1));
}
uint32_t distance_class(uint32_t b) { return b <= 7 ? 0 : b == 8 ? 1 : b <= 10 ? 2 : 3; }

void add(Codes::Table& t, uint32_t symbol, Code c) {
  if (c.length == 0) return;
  t.of[symbol] = c;
  t.back[{c.length, c.bits}] = symbol;
}

// Lengths of n codes with Kraft sum 1: a leaf is split until there are n of them. deep: how often
// out of 8 the deepest leaf is split.
std::vector<uint8_t> random_lengths(Random& random, uint32_t n, uint32_t limit, uint32_t deep) {
  std::vector<uint8_t> leaves{0};
  while (leaves.size() < n) {
    size_t i = below(random, leaves.size());
    if (below(random, 8) < deep)
      for (size_t k = 0; k < leaves.size(); ++k)
        if (leaves[k] < limit && (leaves[i] >= limit || leaves[k] > leaves[i])) i = k;
    if (leaves[i] >= limit) {
      // None is left to split only if all are at the limit.
      i = static_cast<size_t>(std::min_element(leaves.begin(), leaves.end()) - leaves.begin());
    }
    ++leaves[i];
    leaves.push_back(leaves[i]);
  }
  std::shuffle(leaves.begin(), leaves.end(), random);
  return leaves;
}
}  // namespace

std::vector<Code> canonical(const std::vector<uint8_t>& lengths) {
  std::vector<Code> codes(lengths.size());
  uint32_t next = 0;
  for (uint32_t l = 1; l <= 18; ++l) {
    next <<= 1;
    for (size_t s = 0; s < lengths.size(); ++s)
      if (lengths[s] == l) codes[s] = {next++, l};
  }
  return codes;
}

Codes::Codes(const model::NgramModel& m) : classes(m.codes.size()) {
  for (size_t c = 0; c < classes.size(); ++c) {
    std::vector<uint8_t> lengths = m.codes[c].lengths;
    lengths.push_back(m.codes[c].escape);
    const auto codes = canonical(lengths);
    for (size_t i = 0; i < m.codes[c].symbols.size(); ++i)
      add(classes[c], m.codes[c].symbols[i], codes[i]);
    add(classes[c], kEscape, codes.back());
  }
  const auto codes = canonical(m.global_lengths);
  for (uint32_t s = 0; s < codes.size(); ++s) add(global, s, codes[s]);
  for (size_t k = 0; k < distances.size(); ++k) {
    const std::vector<uint8_t> lengths(m.distance_lengths[k].begin(), m.distance_lengths[k].end());
    const auto d = canonical(lengths);
    for (uint32_t b = 0; b < d.size(); ++b) add(distances[k], b, d[b]);
  }
}

void BitString::bit(uint32_t b) {
  if (size % 32 == 0) words.push_back(0);
  words.back() |= b << (size % 32);
  ++size;
}
void BitString::code(Code c) {
  for (uint32_t i = c.length; i-- > 0;) bit((c.bits >> i) & 1);
}
void BitString::raw(uint64_t value, uint32_t bits) {
  for (uint32_t i = 0; i < bits; ++i) bit(static_cast<uint32_t>(value >> i) & 1);
}

bool LaneWriter::can(uint32_t s) const {
  return codes_.global.of.count(s) != 0 || codes_.classes[m_.class_of[before_]].of.count(s) != 0;
}
bool LaneWriter::can_distance(uint32_t length_bucket, uint32_t distance) const {
  return codes_.distances[distance_class(length_bucket)].of.count(place(distance).bucket) != 0;
}
void LaneWriter::symbol(uint32_t s, bool escape) {
  const Codes::Table& t = codes_.classes[m_.class_of[before_]];
  const auto found = t.of.find(s);
  if (found != t.of.end() && !(escape && codes_.global.of.count(s))) {
    bits.code(found->second);
  } else {
    bits.code(t.of.at(Codes::kEscape));
    bits.code(codes_.global.of.at(s));
  }
  before_ = s;
}
void LaneWriter::literal(uint32_t s, bool escape) {
  symbol(s, escape);
  const std::string bytes = s < 256 ? std::string(1, static_cast<char>(s)) : m_.strings[s - 256];
  segment_.insert(segment_.end(), bytes.begin(), bytes.end());
  size += static_cast<uint32_t>(bytes.size());
}
bool LaneWriter::match(uint32_t kind, uint32_t length, uint32_t distance) {
  const Place l = place(length - 2);
  symbol(m_.strings_end() + 28 * kind + l.bucket, false);
  bits.raw(l.raw, l.raw_bits);
  if (kind == 0) {
    const Place d = place(distance);
    bits.code(codes_.distances[distance_class(l.bucket)].of.at(d.bucket));
    bits.raw(d.raw, d.raw_bits);
    last = {distance, last[0], last[1], last[2]};
  } else {
    distance = last[kind - 1];
    for (uint32_t i = kind - 1; i > 0; --i) last[i] = last[i - 1];
    last[0] = distance;
  }
  if (distance == 0 || distance > segment_.size()) return false;
  for (uint32_t i = 0; i < length; ++i) segment_.push_back(segment_[segment_.size() - distance]);
  size += length;
  return true;
}

std::vector<uint8_t> make_block(const Lanes& lanes) {
  uint32_t rows = UINT32_MAX, most = 0;
  for (const auto& l : lanes) {
    rows = std::min(rows, static_cast<uint32_t>(l.size()));
    most = std::max(most, static_cast<uint32_t>(l.size()));
  }
  uint32_t k = 0;
  while (((most - rows) >> k) != 0) ++k;
  std::vector<uint8_t> out;
  const auto word = [&](uint32_t w) {
    for (int i = 0; i < 4; ++i) out.push_back(static_cast<uint8_t>(w >> (8 * i)));
  };
  word(rows | (k << 24));
  for (uint32_t b = 0; b < k; ++b) {
    uint32_t w = 0;
    for (uint32_t l = 0; l < 32; ++l)
      w |= ((static_cast<uint32_t>(lanes[l].size()) - rows) >> b & 1u) << l;
    word(w);
  }
  while (out.size() % 32 != 0) out.push_back(0);
  for (uint32_t r = 0; r < rows; ++r)
    for (const auto& l : lanes) word(l[r]);
  for (const auto& l : lanes)
    for (size_t r = rows; r < l.size(); ++r) word(l[r]);
  return out;
}

namespace {
// Reads one lane; throws nothing, answers false for whatever is an error.
class LaneReader {
 public:
  LaneReader(const model::NgramModel& m, const Codes& codes, const std::vector<uint32_t>& words)
      : m_(m), codes_(codes), words_(words) {}
  bool read(uint32_t bytes, std::vector<uint8_t>& segment) {
    const size_t end = segment.size() + bytes;
    uint32_t before = 10;
    while (segment.size() < end) {
      uint32_t s = code(codes_.classes[m_.class_of[before]]);
      if (s == Codes::kEscape) s = code(codes_.global);
      before = s;
      if (past_) return false;
      if (s < m_.strings_end()) {
        const std::string b = s < 256 ? std::string(1, static_cast<char>(s)) : m_.strings[s - 256];
        if (b.size() > end - segment.size()) return false;
        segment.insert(segment.end(), b.begin(), b.end());
        continue;
      }
      const uint32_t kind = (s - m_.strings_end()) / 28, bucket = (s - m_.strings_end()) % 28;
      const uint32_t length = value(bucket) + 2;
      uint32_t distance;
      if (kind == 0) {
        distance = value(code(codes_.distances[distance_class(bucket)]));
        last_ = {distance, last_[0], last_[1], last_[2]};
      } else {
        distance = last_[kind - 1];
        for (uint32_t i = kind - 1; i > 0; --i) last_[i] = last_[i - 1];
        last_[0] = distance;
      }
      if (past_ || distance == 0 || distance > segment.size() || length > end - segment.size())
        return false;
      for (uint32_t i = 0; i < length; ++i) segment.push_back(segment[segment.size() - distance]);
    }
    if ((at_ + 31) / 32 != words_.size()) return false;
    while (at_ % 32 != 0)
      if (bit() != 0) return false;
    return true;
  }

 private:
  uint32_t bit() {
    if (at_ / 32 >= words_.size()) {
      past_ = true;
      ++at_;
      return 0;
    }
    const uint32_t b = words_[at_ / 32] >> (at_ % 32) & 1;
    ++at_;
    return b;
  }
  uint32_t code(const Codes::Table& t) {
    uint32_t bits = 0;
    for (uint32_t l = 1; l <= 18; ++l) {
      bits = bits << 1 | bit();
      const auto found = t.back.find({l, bits});
      if (found != t.back.end()) return found->second;
    }
    past_ = true;  // not with a Kraft sum of 1
    return 0;
  }
  uint32_t value(uint32_t bucket) {
    const uint32_t low = lowest_of(bucket), n = place(low).raw_bits;
    uint32_t v = 0;
    for (uint32_t i = 0; i < n; ++i) v |= bit() << i;
    return low + v;
  }
  const model::NgramModel& m_;
  const Codes& codes_;
  const std::vector<uint32_t>& words_;
  size_t at_ = 0;
  bool past_ = false;
  std::array<uint32_t, 4> last_{};
};
}  // namespace

BlockStatus read_block(const model::NgramModel& m, const Codes& codes, const Lanes& lanes,
                       uint32_t bytes, std::vector<uint8_t>& segment) {
  const uint32_t piece = ((bytes + 31) / 32 + 15) / 16 * 16;
  for (uint32_t l = 0; l < 32; ++l) {
    const uint32_t begin = std::min(bytes, l * piece), end = std::min(bytes, (l + 1) * piece);
    if (!LaneReader(m, codes, lanes[l]).read(end - begin, segment)) return BlockStatus::bad_stream;
  }
  return BlockStatus::ok;
}

model::NgramModel random_model(Random& random, uint32_t strings, uint32_t classes) {
  model::NgramModel m;
  const uint32_t letters = 2 + below(random, 200);
  std::set<std::string> distinct;
  while (distinct.size() < strings) {
    std::string s(2 + below(random, 31), '\0');
    for (char& c : s) c = static_cast<char>('!' + below(random, letters));
    distinct.insert(s);
  }
  m.strings.assign(distinct.begin(), distinct.end());
  const uint32_t n = m.symbols();
  m.popularity.resize(n);
  for (auto& p : m.popularity) p = static_cast<uint8_t>(below(random, 21));
  m.class_of.resize(n);
  for (auto& c : m.class_of) c = static_cast<uint8_t>(below(random, classes));
  const auto coin = [&](uint32_t of_8) { return below(random, 8) < of_8; };
  const auto give = [&](const std::vector<uint32_t>& to, uint32_t limit, uint32_t extra) {
    return random_lengths(random, static_cast<uint32_t>(to.size()) + extra, limit,
                          below(random, 9));
  };
  const uint32_t density = below(random, 9);
  std::vector<uint32_t> chosen;
  for (uint32_t s = 0; s < n; ++s)
    if (s < 256 || coin(density)) chosen.push_back(s);
  m.global_lengths.assign(n, 0);
  auto lengths = give(chosen, 18, 0);
  for (size_t i = 0; i < chosen.size(); ++i) m.global_lengths[chosen[i]] = lengths[i];
  m.codes.resize(classes);
  for (auto& c : m.codes) {
    chosen.clear();
    const uint32_t rare = below(random, 9);
    for (uint32_t s = 0; s < n; ++s)
      if (coin(s < 256 ? rare / 4 : rare)) chosen.push_back(s);
    if (chosen.empty()) chosen.push_back(below(random, n));
    lengths = give(chosen, 16, 1);
    for (size_t i = 0; i < chosen.size(); ++i) {
      c.symbols.push_back(static_cast<uint16_t>(chosen[i]));
      c.lengths.push_back(lengths[i]);
    }
    c.escape = lengths.back();
  }
  for (auto& d : m.distance_lengths) {
    chosen.clear();
    const uint32_t rare = 1 + below(random, 8);
    for (uint32_t b = 1; b < 50; ++b)
      if (coin(rare)) chosen.push_back(b);
    while (chosen.size() < 2) chosen.assign({1 + below(random, 8), 9 + below(random, 8)});
    lengths = give(chosen, 10, 0);
    d.fill(0);
    for (size_t i = 0; i < chosen.size(); ++i) d[chosen[i]] = lengths[i];
  }
  return m;
}

BitString random_lane(Random& random, const model::NgramModel& m, const Codes& codes,
                      std::vector<uint8_t>& segment, uint32_t bytes) {
  LaneWriter w(m, codes, segment);
  const uint32_t v = m.strings_end(), longest = 1 + below(random, 13);  // match, as a power of 2
  while (w.size < bytes) {
    const uint32_t room = bytes - w.size, kind = below(random, 8);
    if (kind < 5 && room >= 2 && !segment.empty()) {
      // Short ones and long ones alike.
      const uint32_t length =
          2 + below(random, std::min(room - 1, 1u << (1 + below(random, longest))));
      const uint32_t symbol = v + 28 * kind + place(length - 2).bucket;
      if (w.can(symbol)) {
        if (kind > 0) {
          if (w.last[kind - 1] != 0) w.match(kind, length, 0);
          continue;
        }
        for (int tries = 0; tries < 8; ++tries) {
          const uint32_t d =
              1 +
              below(random, std::min<uint64_t>(segment.size(), uint64_t{1} << below(random, 25)));
          if (!w.can_distance(place(length - 2).bucket, d)) continue;
          w.match(0, length, d);
          break;
        }
        continue;
      }
    }
    if (kind < 7 && !m.strings.empty()) {
      const uint32_t i = below(random, m.strings.size());
      if (m.strings[i].size() <= room && w.can(256 + i)) {
        w.literal(256 + i, below(random, 16) == 0);
        continue;
      }
    }
    w.literal(below(random, 256), below(random, 16) == 0);
  }
  return w.bits;
}

Lanes random_block(Random& random, const model::NgramModel& m, const Codes& codes,
                   std::vector<uint8_t>& segment, uint32_t bytes) {
  const uint32_t piece = ((bytes + 31) / 32 + 15) / 16 * 16;
  Lanes lanes;
  for (uint32_t l = 0; l < 32; ++l) {
    const uint32_t begin = std::min(bytes, l * piece), end = std::min(bytes, (l + 1) * piece);
    lanes.push_back(random_lane(random, m, codes, segment, end - begin).words);
  }
  return lanes;
}
}  // namespace gramzip::test
