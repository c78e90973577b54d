// SPDX-License-Identifier: Apache-2.0
#include "host/cpu/fast_encode.h"

#include <algorithm>
#include <cstring>

#include "gramzip/core/bitpack.h"

namespace gramzip::cpu {
FastCodes::FastCodes(const CodeBook& book) : bits{}, length{}, exception{}, first_length(0) {
  uint8_t shortest = kFastCodeLimit;
  for (const uint8_t l : book.lengths)
    if (l > 0) shortest = std::min(shortest, l);
  first_length = book.used > 1 ? shortest : 0;
  for (uint32_t e = 0; e < 256; ++e) {
    const bool coded = book.lengths[e] > 0 || (book.used == 1 && e == book.lone);
    bits[e] = static_cast<uint8_t>(huffman::code_bits(book.codes[e]));
    length[e] = coded ? book.lengths[e] : first_length;
    exception[e] = coded ? 0 : 1;
  }
}

// Each lane fills the word that it got first of those that are not full; the word that it will
// need then has its place already, because a decoder takes it one word ahead.
uint32_t FastEncoder::write_words(const FastBlockInput& in) {
  const auto n = static_cast<uint32_t>(in.exponents.size());
  const size_t room = fast::most_words(n) + 1;
  if (words_.size() < room) words_.resize(room);
  exceptions_.clear();
  uint32_t* const words = words_.data();
  std::fill_n(words, fast::kFirstWords + 1, 0);
  uint64_t bits[kLanes] = {};
  uint32_t held[kLanes] = {}, filling[kLanes], ahead[kLanes];
  for (uint32_t l = 0; l < kLanes; ++l) {
    filling[l] = l;
    ahead[l] = kLanes + l;
  }
  uint32_t next = fast::kFirstWords;
  const auto put = [&](uint32_t l, uint64_t code, uint32_t length) {
    const uint64_t all = bits[l] | (code << held[l]);
    const uint32_t sum = held[l] + length;
    words[filling[l]] = static_cast<uint32_t>(all);
    const bool full = sum >= 32;
    bits[l] = full ? all >> 32 : all;
    held[l] = sum & 31;
    filling[l] = full ? ahead[l] : filling[l];
    ahead[l] = full ? next : ahead[l];
    next += full ? 1 : 0;
    words[next] = 0;
  };
  const uint32_t whole = n / fast::kStep;
  for (uint32_t step = 0; step < fast::steps_of(n); ++step) {
    const FastCodes& c = in.codes[in.class_ids[step * fast::kStep / kRunElements]];
    const uint32_t begin = step * fast::kStep;
    for (uint32_t l = 0; l < kLanes; ++l) {
      const uint32_t at = begin + l * fast::kGroup;
      const uint8_t* e = in.exponents.data() + at;
      const uint32_t there = step < whole ? fast::kGroup
                             : n > at     ? std::min(n - at, fast::kGroup)
                                          : 0;
      uint64_t code = 0;
      uint32_t length = 0, exceptions = 0;
      if (there == fast::kGroup) {
        const uint32_t l0 = c.length[e[0]], l1 = l0 + c.length[e[1]], l2 = l1 + c.length[e[2]];
        length = l2 + c.length[e[3]];
        code = c.bits[e[0]] | uint64_t{c.bits[e[1]]} << l0 | uint64_t{c.bits[e[2]]} << l1 |
               uint64_t{c.bits[e[3]]} << l2;
        exceptions = c.exception[e[0]] | c.exception[e[1]] | c.exception[e[2]] | c.exception[e[3]];
      } else {
        for (uint32_t k = 0; k < there; ++k) {
          code |= uint64_t{c.bits[e[k]]} << length;
          length += c.length[e[k]];
          exceptions |= c.exception[e[k]];
        }
        length += (fast::kGroup - there) * c.first_length;
      }
      if (exceptions != 0)
        for (uint32_t k = 0; k < there; ++k)
          if (c.exception[e[k]] != 0) exceptions_.push_back(fast::pack_exception({at + k, e[k]}));
      put(l, code, length);
    }
  }
  for (uint32_t l = 0; l < kLanes; ++l) words[filling[l]] = static_cast<uint32_t>(bits[l]);
  while (next > 0 && words[next - 1] == 0) --next;
  return next;
}

uint32_t FastEncoder::encode(const FastBlockInput& in, const Split& split, uint32_t size,
                             uint8_t* out) {
  const auto table_count = static_cast<uint32_t>(in.codes.size());
  const BlockPlan plan = plan_block(size, split, table_count);
  const uint32_t words = write_words(in);
  const auto exceptions = static_cast<uint32_t>(exceptions_.size());
  const uint64_t coded = plan.lanes_at + 4 + 4 * (uint64_t{exceptions} + words);
  if (coded >= size) return 0;

  std::memcpy(out, in.raw_plane.data(), plan.raw_bytes);
  std::memset(out + plan.raw_bytes, 0, plan.lanes_at - plan.raw_bytes);
  const uint32_t id_bits = class_id_bits(table_count);
  for (size_t r = 0; id_bits > 0 && r < in.class_ids.size(); ++r)
    or_bits(out + plan.ids_at, r * id_bits, id_bits, in.class_ids[r]);
  uint8_t* to = out + plan.lanes_at;
  store_le<uint32_t>(to, exceptions);
  to += 4;
  for (const uint32_t e : exceptions_) {
    store_le<uint32_t>(to, e);
    to += 4;
  }
  for (uint32_t w = 0; w < words; ++w) store_le<uint32_t>(to + size_t{4} * w, words_[w]);
  return static_cast<uint32_t>(coded);
}
}  // namespace gramzip::cpu
