// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstring>
#include <utility>

#include "host/base/error.h"
#include "host/frame/model_wire.h"
#include "host/model/code_lengths.h"

namespace gramzip::frame {
using model::NgramModel;

uint32_t popularity_kind(const NgramModel& m, uint32_t symbol) {
  if (symbol < text::kByteSymbols) return 0;
  if (symbol >= m.strings_end()) return 4;
  const size_t bytes = m.strings[symbol - text::kByteSymbols].size();
  return bytes <= 3 ? 1 : bytes <= 7 ? 2 : 3;
}
uint32_t class_context(const NgramModel& m, uint32_t symbol) {
  if (symbol < text::kByteSymbols) return symbol;
  if (symbol >= m.strings_end()) return (symbol - m.strings_end()) / text::kLengthBuckets + 1;
  return static_cast<uint8_t>(m.strings[symbol - text::kByteSymbols].back());
}
std::vector<uint16_t> rank_symbols(const NgramModel& m) {
  std::vector<uint16_t> by_rank;
  for (uint32_t p = 1; p <= 20; ++p)
    for (uint32_t s = 0; s < m.symbols(); ++s)
      if (m.popularity[s] == p) by_rank.push_back(static_cast<uint16_t>(s));
  return by_rank;
}

namespace {
void put_strings(BodyWriter& w, const NgramModel& m) {
  const auto n = static_cast<uint32_t>(m.strings.size());
  if (n == 0) return;
  std::vector<uint32_t> children(m.strings_end(), 0), uses(m.strings_end(), 0);
  for (const auto& parts : m.parts) {
    ++children[parts[0]];
    for (size_t k = 1; k < parts.size(); ++k) ++uses[parts[k]];
  }
  uint32_t before = 0, done = 0;
  for (uint32_t a = 0; done < n; ++a) {
    const uint32_t bucket = text::bucket_of(children[a]);
    const text::Bucket b = text::bucket(bucket);
    w.value(kChildren, children_context(before, a), bucket);
    w.raw(b.raw_bits, children[a] - b.base);
    before = bucket;
    done += children[a];
  }
  // Two symbols with a code at least.
  for (uint32_t s = 0, used = 0; s < uses.size() && used < 2; ++s) {
    used = 0;
    for (const uint32_t u : uses) used += u > 0 ? 1 : 0;
    if (used < 2 && uses[s] == 0) uses[s] = 1;
  }
  const CodeBook book = make_code_book(uses, 15);
  before = 0;
  for (uint32_t s = 0; s < uses.size(); ++s) {
    w.value(kPartCode, before + (s > 255 ? 16 : 0), book.lengths[s]);
    before = book.lengths[s];
  }
  before = 0;
  for (const auto& parts : m.parts) {
    const auto extra = static_cast<uint32_t>(parts.size()) - 2;
    w.value(kParts, before < 3 ? before : 3, extra);
    before = extra;
    for (size_t k = 1; k < parts.size(); ++k)
      w.raw(huffman::code_length(book.codes[parts[k]]), huffman::code_bits(book.codes[parts[k]]));
  }
}

void put_symbols(BodyWriter& w, const NgramModel& m) {
  uint32_t before = 0;
  for (uint32_t s = 0; s < m.symbols(); ++s) {
    w.value(kPopularity, 32 * popularity_kind(m, s) + before, m.popularity[s]);
    before = m.popularity[s];
  }
  for (uint32_t s = 0; s < m.symbols(); ++s) {
    const bool rare_byte = m.popularity[s] == 0 && s < text::kByteSymbols;
    w.value(kGlobal, rare_byte ? 21 : m.popularity[s], m.global_lengths[s]);
  }
  if (m.codes.size() > 1)
    for (uint32_t s = 0; s < m.symbols(); ++s)
      if (m.popularity[s] > 0) w.value(kClass, class_context(m, s), m.class_of[s]);
}

void put_class(BodyWriter& w, const NgramModel& m, const model::ClassCode& code,
               const std::vector<uint32_t>& rank_of, const std::vector<uint16_t>& by_rank) {
  w.raw(16, static_cast<uint32_t>(code.symbols.size()));
  w.raw(4, code.escape - 1u);
  std::vector<std::pair<uint32_t, uint8_t>> ranked;
  for (size_t i = 0; i < code.symbols.size(); ++i)
    ranked.emplace_back(rank_of[code.symbols[i]], code.lengths[i]);
  std::sort(ranked.begin(), ranked.end());
  ClassContexts c;
  for (const auto& [rank, length] : ranked) {
    const auto gap = static_cast<uint32_t>(static_cast<int32_t>(rank) - c.rank_before() - 1);
    const uint32_t bucket = text::floor_log2(gap + 1), popularity = m.popularity[by_rank[rank]];
    w.value(kGap, c.gap_context(), bucket);
    w.raw(bucket, gap + 1 - (1u << bucket));
    c.gap(bucket, rank);
    w.value(kLength, c.length_context(popularity), length - 1u);
    c.length(popularity, length);
  }
}
}  // namespace

std::vector<uint8_t> store_model(NgramModel& m) {
  BodyWriter w(kModelStreams);
  put_strings(w, m);
  put_symbols(w, m);
  const std::vector<uint16_t> by_rank = rank_symbols(m);
  std::vector<uint32_t> rank_of(m.symbols(), 0);
  for (uint32_t r = 0; r < by_rank.size(); ++r) rank_of[by_rank[r]] = r;
  for (const model::ClassCode& code : m.codes) put_class(w, m, code, rank_of, by_rank);
  for (uint32_t k = 0; k < text::kLengthClasses; ++k) {
    uint32_t before = 0;
    for (const uint8_t l : m.distance_lengths[k]) {
      w.value(kDistance, 16 * k + before, l);
      before = l;
    }
  }
  std::vector<uint8_t> streams, body;
  const uint32_t body_bits = w.finish(streams, body);
  std::vector<uint8_t> bytes(kModelHeaderBytes, 0);
  std::memcpy(bytes.data(), kModelMagic, sizeof kModelMagic);
  store_le<uint32_t>(bytes.data() + 4, static_cast<uint32_t>(m.strings.size()));
  store_le<uint16_t>(bytes.data() + 8, static_cast<uint16_t>(m.codes.size()));
  store_le<uint32_t>(bytes.data() + 12, static_cast<uint32_t>(streams.size()));
  store_le<uint64_t>(bytes.data() + 16, m.trained_symbols);
  store_le<uint32_t>(bytes.data() + 24, body_bits);
  for (const auto* part : {&streams, &body}) bytes.insert(bytes.end(), part->begin(), part->end());
  if (bytes.size() > kMaxModelBytes)
    fail(ErrorCode::limit, "model: it takes " + std::to_string(bytes.size()) +
                               " bytes, more than 4 MiB; train it with fewer entries or classes");
  m.id = hash128(bytes);
  return bytes;
}
}  // namespace gramzip::frame
