// SPDX-License-Identifier: Apache-2.0
#include "tests/registry/delta_cases.h"

#include <algorithm>
#include <random>

#include "gramzip/core/delta.h"
#include "host/backend/cpu_delta.h"
#include "host/frame/segment_meta.h"
#include "tests/registry/cases.h"

namespace gramzip::test {
namespace {
using Bytes = std::vector<uint8_t>;

const ElementType kTypes[] = {ElementType::bytes,   ElementType::text,   ElementType::bf16,
                              ElementType::f16,     ElementType::f32,    ElementType::f64,
                              ElementType::i16,     ElementType::i32,    ElementType::i64,
                              ElementType::f8_e4m3, ElementType::f8_e5m2};

Bytes natural(ElementType type, size_t bytes, uint64_t seed) {
  return is_float(type) ? make_weights(type, bytes, 0.02, seed) : make_random(bytes, seed);
}

// Changes one element of `every` by up to 2^magnitude places in order of value.
Bytes changed(ElementType type, const Bytes& base, uint32_t every, uint32_t magnitude,
              uint64_t seed) {
  const delta::Arithmetic a = delta::arithmetic(type);
  std::mt19937_64 g(seed);
  Bytes out = base;
  for (size_t i = 0; i < base.size() / element_info(type).bytes; ++i)
    if (g() % every == 0) {
      const uint32_t bits = 1 + static_cast<uint32_t>(g() % std::min(magnitude, a.bits));
      const uint64_t z = (g() >> (64 - bits)) & a.mask();
      store_element(out.data(), i, a.bits / 8,
                    a.apply(load_element(base.data(), i, a.bits / 8), z));
    }
  return out;
}

// A step of training: in places of value the larger, the lower the exponent, and of another size in
// every run.
Bytes stepped(ElementType type, const Bytes& base, uint32_t every, uint64_t seed) {
  const delta::Arithmetic a = delta::arithmetic(type);
  std::mt19937_64 g(seed);
  Bytes out = base;
  for (size_t i = 0; i < base.size() / element_info(type).bytes; ++i) {
    const uint64_t x = load_element(base.data(), i, a.bits / 8);
    const uint32_t top = a.exponents() / 2, e = a.exponent(x);
    const uint32_t bits =
        std::min({e < top ? top - e : 0, a.bits, 20u}) + static_cast<uint32_t>(i / 256 % 5);
    if (g() % every == 0 || g() % 2048 < (bits > 7 ? 2000 / every : 0))
      store_element(out.data(), i, a.bits / 8,
                    a.apply(x, (g() >> 44 & ((1u << std::min(bits, 19u)) - 1)) & a.mask()));
  }
  return out;
}

// Zeros, infinities, NaNs, the least and the largest numbers on either side.
Bytes specials(ElementType type, size_t n, uint64_t seed) {
  const delta::Arithmetic a = delta::arithmetic(type);
  const uint32_t mantissa = a.bits - 1 - a.exponent_bits;
  const uint64_t inf = (uint64_t{a.exponents() - 1} << mantissa) & a.mask();
  const uint64_t values[] = {
      0,           a.sign(),     inf,     inf | a.sign(),       inf | 1,  inf | a.sign() | 1,
      1,           a.sign() | 1, inf - 1, (inf - 1) | a.sign(), a.mask(), a.mask() - 1,
      a.sign() - 1};
  std::mt19937_64 g(seed);
  Bytes out(n * a.bits / 8);
  for (size_t i = 0; i < n; ++i)
    store_element(out.data(), i, a.bits / 8, values[g() % std::size(values)]);
  return out;
}
}  // namespace

std::vector<DeltaCase> edge_deltas() {
  std::vector<DeltaCase> cases;
  for (const ElementType type : kTypes) {
    const size_t e = element_info(type).bytes;
    const auto add = [&](const std::string& name, Bytes base, Bytes content) {
      cases.push_back({std::string(element_info(type).name) + "/" + name, type, std::move(base),
                       std::move(content)});
    };
    for (const size_t n : {1, 2, 3, 31, 32, 33, 63, 64, 65, 255, 256, 257, 513, 4097}) {
      const Bytes base = natural(type, n * e, n);
      add("dense-" + std::to_string(n), base, changed(type, base, 2, 5, n));
      add("sparse-" + std::to_string(n), base, changed(type, base, 40, 3, n));
    }
    for (const size_t n : {(1u << 16) - e, (1u << 16) + e, (1u << 18) - e, (1u << 18) + e}) {
      const Bytes base = natural(type, n, n);
      add("dense-of-" + std::to_string(n), base, changed(type, base, 2, 6, n));
      add("sparse-of-" + std::to_string(n), base, changed(type, base, 100, 2, n));
    }
    const Bytes base = natural(type, (1u << 16) + 4096, 7);
    add("equal", base, base);
    add("unrelated", base, natural(type, base.size(), 8));
    add("any-magnitude", base, changed(type, base, 3, 64, 9));
    add("any-magnitude-sparse", base, changed(type, base, 50, 64, 10));
    add("steps", base, stepped(type, base, 1, 17));
    const Bytes longer = natural(type, 1u << 18, 18);
    add("steps-sparse", longer, stepped(type, longer, 60, 18));
    Bytes last = base, first = base;
    last.back() ^= 1;
    first.front() ^= 1;
    add("last-byte", base, last);
    add("first-byte", base, first);
    add("all-by-one", base, [&] {
      const delta::Arithmetic a = delta::arithmetic(type);
      Bytes out = base;
      for (size_t i = 0; i < out.size() / e; ++i)
        store_element(out.data(), i, static_cast<uint32_t>(e),
                      a.apply(load_element(base.data(), i, static_cast<uint32_t>(e)), uint64_t{2}));
      return out;
    }());
    add("specials", specials(type, 3000, 11), specials(type, 3000, 12));
    const Bytes special = specials(type, 50000, 13);
    add("specials-sparse", special, changed(type, special, 64, 64, 14));
    // A block of each mode in turn: base, constant, changes, nothing alike.
    Bytes mixed = natural(type, 3u << 18, 15), mixed_base = mixed;
    std::fill(mixed.begin() + (1 << 18), mixed.begin() + (2 << 18), uint8_t{0x35});
    const Bytes tail = make_random(1u << 18, 16);
    std::copy(tail.begin(), tail.end(), mixed.begin() + (2 << 18));
    add("modes", mixed_base, mixed);
  }
  return cases;
}

DeltaCase random_delta(uint64_t seed, size_t max_bytes) {
  std::mt19937_64 g(seed);
  DeltaCase c;
  c.type = kTypes[g() % std::size(kTypes)];
  c.name = "random-" + std::to_string(seed);
  const size_t e = element_info(c.type).bytes, n = 1 + g() % (max_bytes / e);
  c.base = g() % 4 == 0 ? specials(c.type, n, g()) : natural(c.type, n * e, g());
  c.base.resize(n * e);
  c.content = c.base;
  // Stretches that change in ways of their own.
  for (size_t at = 0; at < n;) {
    const size_t count = std::min<size_t>(n - at, 1 + g() % (size_t{1} << (g() % 18)));
    const Bytes part(c.base.begin() + static_cast<ptrdiff_t>(at * e),
                     c.base.begin() + static_cast<ptrdiff_t>((at + count) * e));
    const Bytes other =
        changed(c.type, part, 1 + static_cast<uint32_t>(g() % (uint64_t{1} << (g() % 12))),
                1 + static_cast<uint32_t>(g() % 64), g());
    std::copy(other.begin(), other.end(), c.content.begin() + static_cast<ptrdiff_t>(at * e));
    at += count;
  }
  return c;
}

namespace {
SegmentInput input_of(const DeltaCase& c) {
  SegmentInput in{c.type, c.content};
  in.base = c.base;
  in.base_at = 4096;
  return in;
}
}  // namespace

EncodedSegment encode_delta(Backend& backend, const DeltaCase& c) {
  const SegmentInput in = input_of(c);
  EncodedSegment out;
  backend.encode({&in, 1}, {&out, 1});
  return out;
}

EncodedSegment encode_delta_as(Codec codec, const DeltaCase& c) {
  EncodedSegment out;
  cpu::encode_with_base_as(codec, input_of(c), out);
  return out;
}

DecodedDelta decode_delta(Backend& backend, const EncodedSegment& s, const Bytes& base) {
  return decode_delta(backend, s, base, 0, s.header.blocks);
}

DecodedDelta decode_delta(Backend& backend, const EncodedSegment& s, const Bytes& base,
                          uint32_t first_block, uint32_t blocks) {
  const frame::SegmentMeta meta =
      frame::load_segment_meta(frame::store_segment_meta(s), s.data.size(), "segment");
  DecodedDelta d;
  size_t bytes = 0;
  for (uint32_t b = first_block; b < first_block + blocks; ++b) bytes += s.header.block_bytes(b);
  d.content.resize(bytes);
  d.status.resize(blocks);
  DecodeRequest request{meta.view(s.data), first_block, blocks, d.content, d.status};
  if (s.header.codec == Codec::delta || s.header.codec == Codec::sparse_delta)
    request.base = std::span(base).subspan(s.header.block_begin(first_block), bytes);
  backend.decode({&request, 1});
  return d;
}
}  // namespace gramzip::test
