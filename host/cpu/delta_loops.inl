// SPDX-License-Identifier: Apache-2.0
// The loops of codec delta over elements, compiled once per instruction set with
// GRAMZIP_DELTA_LOOPS as the table's name.
#include <array>

#include "host/cpu/delta.h"
#include "host/cpu/delta_types.inl"
#include "host/cpu/inline_lanes.inl"
#include "host/cpu/transpose.inl"

namespace gramzip::cpu {
namespace {
// Raw bits of a W-bit difference, at most.
template <class E>
constexpr uint32_t kMostRawOf = E::arithmetic.bits - 3;

template <class E>
void split_all(const uint8_t* __restrict content, const uint8_t* __restrict base, uint32_t n,
               uint8_t* __restrict symbols, uint16_t* __restrict exponents) {
  for (uint32_t i = 0; i < n; ++i) {
    const auto x = E::load(base, i);
    symbols[i] = static_cast<uint8_t>(bucket_of(E::arithmetic.difference(x, E::load(content, i))));
    exponents[i] = static_cast<uint16_t>(E::arithmetic.exponent(x));
  }
}
void split(ElementType type, const uint8_t* content, const uint8_t* base, uint32_t n,
           uint8_t* symbols, uint16_t* exponents) {
  with_elements(type,
                [=](auto e) { split_all<decltype(e)>(content, base, n, symbols, exponents); });
}

template <class E>
void differences_of_all(const uint8_t* __restrict content, const uint8_t* __restrict base,
                        uint32_t n, uint8_t* __restrict differences) {
  for (uint32_t i = 0; i < n; ++i)
    E::store(differences, i, E::arithmetic.difference(E::load(base, i), E::load(content, i)));
}

void encode(ElementType type, const DeltaEncodeJob& job, uint32_t* words) {
  with_elements(type, [&](auto e) {
    using E = decltype(e);
    differences_of_all<E>(job.content, job.base, job.n, job.differences);
    const auto elements_at = [&](uint32_t run) {
      const DeltaCode* const* by_exponent = job.by_sum + job.class_ids[run];
      return [&job, by_exponent](uint32_t j) {
        const DeltaCode code = by_exponent[job.exponents[j]][job.symbols[j]];
        const uint64_t z = E::load(job.differences, j);
        const uint64_t raw = sizeof(typename E::Word) == 8
                                 ? low_bits(z, code.raw_bits)
                                 : static_cast<uint32_t>(z) & code.raw_mask;
        return InlineElement{{code.bits, code.length}, code.raw_bits, raw};
      };
    };
    encode_inline_lanes<kMostRawOf<E>>(job.n, elements_at, job.lanes, job.stride, words);
  });
}

// From differences to elements, in place.
template <class E>
void apply_all(const uint8_t* __restrict base, uint8_t* __restrict out, uint32_t n) {
  for (uint32_t i = 0; i < n; ++i)
    E::store(out, i, E::arithmetic.apply(E::load(base, i), E::load(out, i)));
}

// Differences first, then elements: that pass runs in vectors.
BlockStatus decode(ElementType type, const DeltaDecodeJob& job) {
  return with_elements(type, [&](auto e) {
    using E = decltype(e);
    using Word = typename E::Word;
    const auto tables_at = [&](uint32_t run) {
      const uint16_t* const* by_exponent = job.by_sum + job.class_ids[run];
      return [base = job.base, by_exponent](uint32_t j) {
        return by_exponent[E::arithmetic.exponent(E::load(base, j))];
      };
    };
    static constexpr auto kBases = [] {
      std::array<Word, delta::bucket_symbols(E::arithmetic.bits)> bases{};
      for (uint32_t s = 0; s < bases.size(); ++s)
        bases[s] = static_cast<Word>(delta::bucket_base(s));
      return bases;
    }();
    const auto put = [out = job.out](uint32_t j, uint32_t symbol, uint64_t raw) {
      E::store(out, j, static_cast<Word>(kBases[symbol] + raw));
    };
    static constexpr auto kRaw = [] {
      std::array<uint8_t, delta::bucket_symbols(E::arithmetic.bits)> raw{};
      for (uint32_t s = 0; s < raw.size(); ++s) raw[s] = static_cast<uint8_t>(delta::raw_bits(s));
      return raw;
    }();
    const auto raw_bits = [](uint32_t symbol) -> uint32_t { return kRaw[symbol]; };
    const BlockStatus status =
        decode_inline_lanes<kMostRawOf<E>>(job.lanes, job.n, tables_at, raw_bits, put);
    if (status != BlockStatus::ok) return status;
    apply_all<E>(job.base, job.out, job.n);
    return status;
  });
}
}  // namespace

const DeltaLoops GRAMZIP_DELTA_LOOPS = {split, encode, lanes_to_rows, decode, rows_to_lanes};
}  // namespace gramzip::cpu
