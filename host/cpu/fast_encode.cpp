// SPDX-License-Identifier: Apache-2.0
// The layout of a block of fast floats. The loops over lanes are in fast_encode_loops.inl and
// fast_encode_avx512.cpp.
#include "host/cpu/fast_encode.h"

#include <algorithm>
#include <cstring>

#include "gramzip/core/bitpack.h"
#include "host/base/cpu_features.h"

namespace gramzip::cpu {
FastWriter fast_writer() {
#if defined(GRAMZIP_HAVE_VBMI)
  if (cpu_features().avx512_vbmi) return write_fast_avx512;
#endif
#if defined(GRAMZIP_HAVE_AVX2)
  if (cpu_features().avx2_bmi2) return write_fast_avx2;
#endif
  return write_fast_baseline;
}

FastCodes::FastCodes(const CodeBook& book) : first(static_cast<uint8_t>(book.lone)) {
  uint8_t shortest = book.used > 1 ? kFastCodeLimit + 1 : 0;
  for (uint32_t e = 0; book.used > 1 && e < 256; ++e) {
    if (book.lengths[e] == 0 || book.lengths[e] >= shortest) continue;
    shortest = book.lengths[e];
    first = static_cast<uint8_t>(e);
  }
  for (uint32_t e = 0; e < 256; ++e) {
    const bool coded = book.lengths[e] > 0 || (book.used == 1 && e == book.lone);
    bits[e] = coded ? static_cast<uint8_t>(huffman::code_bits(book.codes[e])) : kException;
    length[e] = coded ? book.lengths[e] : shortest;
    both[e] = static_cast<uint16_t>(bits[e] | (length[e] << 8));
  }
}

void FastWords::begin(uint32_t n) {
  // Vectors are stored whole, 16 words.
  const size_t room = fast::most_words(n) + 16;
  if (words.size() < room) {
    words.resize(room);
    full.resize(room);
    place.resize(room);
  }
  exceptions.clear();
}

void FastStep::load(const FastBlockInput& in, uint32_t step) {
  const auto n = static_cast<uint32_t>(in.exponents.size());
  const uint32_t begin = step * fast::kStep;
  codes = &in.codes[in.class_ids[begin / kRunElements]];
  exponents = in.exponents.data() + begin;
  if (n - begin >= fast::kStep) return;
  std::memset(part, codes->first, sizeof(part));
  std::memcpy(part, exponents, n - begin);
  exponents = part;
}

void list_exceptions(const FastCodes& codes, const uint8_t* exponents, uint32_t first,
                     uint32_t count, std::vector<uint32_t>& exceptions) {
  for (uint32_t k = 0; k < count; ++k)
    if ((codes.bits[exponents[k]] & FastCodes::kException) != 0)
      exceptions.push_back(fast::pack_exception({first + k, exponents[k]}));
}

uint32_t FastEncoder::encode(const FastBlockInput& in, const Split& split, uint32_t size,
                             uint8_t* out) {
  const auto table_count = static_cast<uint32_t>(in.codes.size());
  const BlockPlan plan = plan_block(size, split, table_count);
  words_.begin(plan.n);
  uint32_t words = writer_(in, words_);
  while (words > 0 && words_.words[words - 1] == 0) --words;
  const auto exceptions = static_cast<uint32_t>(words_.exceptions.size());
  const uint64_t coded = plan.lanes_at + 4 + 4 * (uint64_t{exceptions} + words);
  if (coded >= size) return 0;

  std::memcpy(out, in.raw_plane.data(), plan.raw_bytes);
  std::memset(out + plan.raw_bytes, 0, plan.lanes_at - plan.raw_bytes);
  const uint32_t id_bits = class_id_bits(table_count);
  for (size_t r = 0; id_bits > 0 && r < in.class_ids.size(); ++r)
    or_bits(out + plan.ids_at, r * id_bits, id_bits, in.class_ids[r]);
  uint8_t* to = out + plan.lanes_at;
  const auto put = [&to](uint32_t w) {
    store_le<uint32_t>(to, w);
    to += 4;
  };
  put(exceptions);
  for (const uint32_t e : words_.exceptions) put(e);
  for (uint32_t w = 0; w < words; ++w) put(words_.words[w]);
  return static_cast<uint32_t>(coded);
}
}  // namespace gramzip::cpu
