// SPDX-License-Identifier: Apache-2.0
// The loops have no branches, so that the compiler makes vectors of them.
#include "host/cpu/float_values.h"

#include <algorithm>
#include <cstring>

#include "gramzip/core/wire.h"
#include "host/base/error.h"

namespace gramzip::cpu {
namespace {
constexpr size_t kPiece = 1024;  // elements that pass through floats at a time

// work(format, code type) for the formats of 8 and 16 bits.
template <class F>
auto with_format(ElementType type, F work) {
  switch (type) {
    case ElementType::bf16:
      return work(BFloat16(), uint16_t());
    case ElementType::f16:
      return work(Float16(), uint16_t());
    case ElementType::f8_e4m3:
      return work(Float8E4M3(), uint8_t());
    case ElementType::f8_e5m2:
      return work(Float8E5M2(), uint8_t());
    default:
      fail(ErrorCode::invalid_argument,
           std::string("elements of type ") + element_info(type).name + " are no floats");
  }
}

template <class Format, class Code>
void widen_all(const uint8_t* __restrict p, size_t n, float* __restrict out) {
  for (size_t i = 0; i < n; ++i)
    out[i] = bits_float(Format::widen(load_le<Code>(p + i * sizeof(Code))));
}

template <class Format, class Code>
size_t narrow_all(const float* __restrict in, size_t n, uint8_t* __restrict out, bool saturate) {
  size_t count = 0;
  for (size_t begin = 0; begin < n; begin += kPiece) {
    const size_t end = std::min(n, begin + kPiece);
    uint32_t piece = 0;
    for (size_t i = begin; i < end; ++i) {
      uint32_t lost;
      const uint32_t code = Format::narrow(float_bits(in[i]), saturate, lost);
      store_le(out + i * sizeof(Code), static_cast<Code>(code));
      piece += lost;
    }
    count += piece;
  }
  return count;
}

void round_all_to_odd(const double* __restrict in, size_t n, float* __restrict out) {
  for (size_t i = 0; i < n; ++i) out[i] = bits_float(round_to_odd(in[i]));
}

// A signalling NaN becomes quiet, as in every arithmetic operation.
uint64_t quiet64(uint64_t x) {
  return (x & ~(uint64_t{1} << 63)) > uint64_t{0x7ff} << 52 ? x | uint64_t{1} << 51 : x;
}
uint32_t quiet32(uint32_t x) { return (x & 0x7fffffffu) > 0x7f800000u ? x | 0x00400000u : x; }

// Doubles as F32: as the other formats, by one conversion.
size_t narrow_to_f32(const double* __restrict in, size_t n, uint8_t* __restrict out,
                     bool saturate) {
  size_t count = 0;
  for (size_t i = 0; i < n; ++i) {
    uint32_t u = quiet32(float_bits(static_cast<float>(in[i])));
    const bool finite = std::bit_cast<uint64_t>(in[i]) << 1 < uint64_t{0x7ff} << 53;
    const bool lost = (u & 0x7fffffffu) == 0x7f800000u && finite;
    u -= lost && saturate ? 1u : 0u;
    store_le(out + 4 * i, u);
    count += lost;
  }
  return count;
}
}  // namespace

void to_floats(ElementType type, const uint8_t* p, size_t n, float* out) {
  if (type == ElementType::f32) {
    for (size_t i = 0; i < n; ++i) out[i] = bits_float(quiet32(load_le<uint32_t>(p + 4 * i)));
  } else if (type == ElementType::f64) {
    for (size_t i = 0; i < n; ++i)
      out[i] = static_cast<float>(std::bit_cast<double>(load_le<uint64_t>(p + 8 * i)));
  } else {
    with_format(type, [&](auto format, auto code) {
      widen_all<decltype(format), decltype(code)>(p, n, out);
    });
  }
}

void to_doubles(ElementType type, const uint8_t* p, size_t n, double* out) {
  if (type == ElementType::f64) {
    for (size_t i = 0; i < n; ++i)
      out[i] = std::bit_cast<double>(quiet64(load_le<uint64_t>(p + 8 * i)));
    return;
  }
  float piece[kPiece];
  const size_t bytes = element_info(type).bytes;
  for (size_t begin = 0; begin < n; begin += kPiece) {
    const size_t k = std::min(kPiece, n - begin);
    to_floats(type, p + begin * bytes, k, piece);
    for (size_t i = 0; i < k; ++i) out[begin + i] = static_cast<double>(piece[i]);
  }
}

size_t from_floats(ElementType type, const float* in, size_t n, uint8_t* out, Overflow overflow) {
  if (type == ElementType::f32) {
    for (size_t i = 0; i < n; ++i) store_le(out + 4 * i, quiet32(float_bits(in[i])));
    return 0;
  }
  if (type == ElementType::f64) {
    for (size_t i = 0; i < n; ++i)
      store_le(out + 8 * i, quiet64(std::bit_cast<uint64_t>(static_cast<double>(in[i]))));
    return 0;
  }
  return with_format(type, [&](auto format, auto code) {
    return narrow_all<decltype(format), decltype(code)>(in, n, out, overflow == Overflow::saturate);
  });
}

size_t from_doubles(ElementType type, const double* in, size_t n, uint8_t* out, Overflow overflow) {
  if (type == ElementType::f32) return narrow_to_f32(in, n, out, overflow == Overflow::saturate);
  if (type == ElementType::f64) {
    for (size_t i = 0; i < n; ++i) store_le(out + 8 * i, quiet64(std::bit_cast<uint64_t>(in[i])));
    return 0;
  }
  float piece[kPiece];
  const size_t bytes = element_info(type).bytes;
  size_t count = 0;
  for (size_t begin = 0; begin < n; begin += kPiece) {
    const size_t k = std::min(kPiece, n - begin);
    round_all_to_odd(in + begin, k, piece);
    count += from_floats(type, piece, k, out + begin * bytes, overflow);
  }
  return count;
}

size_t convert_floats(ElementType from, const uint8_t* in, ElementType to, size_t n, uint8_t* out,
                      Overflow overflow) {
  const size_t in_bytes = element_info(from).bytes, out_bytes = element_info(to).bytes;
  if (from == to) {
    if (n > 0) std::memcpy(out, in, n * in_bytes);
    return 0;
  }
  float floats[kPiece];
  double doubles[kPiece];
  size_t count = 0;
  for (size_t begin = 0; begin < n; begin += kPiece) {
    const size_t k = std::min(kPiece, n - begin);
    const uint8_t* p = in + begin * in_bytes;
    uint8_t* q = out + begin * out_bytes;
    if (from == ElementType::f64) {
      to_doubles(from, p, k, doubles);
      count += from_doubles(to, doubles, k, q, overflow);
    } else {
      to_floats(from, p, k, floats);
      count += from_floats(to, floats, k, q, overflow);
    }
  }
  return count;
}
}  // namespace gramzip::cpu
