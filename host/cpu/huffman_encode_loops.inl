// SPDX-License-Identifier: Apache-2.0
// The encoder's loops over symbols, compiled once per instruction set with GRAMZIP_ENCODE_LOOPS as
// the table's name.
//
// 4 codes of 12 bits fit between two flushes of a lane. Two lanes run side by side, because a lane
// waits for its own flush, and two symbols go at a time where there is a table of pairs.
#include <algorithm>
#include <cstring>

#include "gramzip/core/lanes.h"
#include "gramzip/core/wire.h"
#include "host/cpu/huffman_encode.h"
#include "host/cpu/lane_writer.inl"
#include "host/cpu/transpose.inl"

namespace gramzip::cpu {
namespace {
constexpr uint32_t kPerFlush = 4;
static_assert(7 + kPerFlush * kMaxSymbolBits < 64);

template <class Symbol>
struct Singles {
  const Code* codes;
  void put4(LaneWriter& w, const Symbol* p) const {
    for (uint32_t k = 0; k < 4; ++k) w.put(codes[p[k]]);
  }
};
struct Pairs {
  const Code* codes;
  void put4(LaneWriter& w, const uint8_t* p) const {
    w.put(codes[load_le<uint16_t>(p)]);
    w.put(codes[load_le<uint16_t>(p + 2)]);
  }
};

template <class Symbol>
void put_rest(LaneWriter& w, const Code* single, const Symbol* p, uint32_t n) {
  for (uint32_t k = 0; k < n; ++k) {
    w.put(single[p[k]]);
    w.flush();
  }
}

// Codec bytes: lanes of contiguous symbols.
template <class Put>
void encode_pieces(const LaneJob& job, const Put& put, uint32_t* words) {
  const uint32_t piece = lane_piece(job.n);
  for (uint32_t l = 0; l < kLanes; l += 2) {
    uint8_t* to = job.lanes + l * job.stride;
    LaneWriter a{to}, b{to + job.stride};
    const uint32_t na = lane_count(job.n, l, false), nb = lane_count(job.n, l + 1, false);
    const uint8_t* p = job.symbols + std::min<size_t>(job.n, size_t{l} * piece);
    const uint8_t* q = p + na;  // lane l + 1 begins where lane l ends
    uint32_t i = 0;
    for (; i + 4 <= nb; i += 4) {  // nb <= na
      put.put4(a, p + i);
      put.put4(b, q + i);
      a.flush();
      b.flush();
    }
    put_rest(b, job.tables->single.data(), q + i, nb - i);
    for (; i + 4 <= na; i += 4) {
      put.put4(a, p + i);
      a.flush();
    }
    put_rest(a, job.tables->single.data(), p + i, na - i);
    words[l] = a.finish(to);
    words[l + 1] = b.finish(to + job.stride);
  }
}

// Codec floats: lanes of groups of 8 symbols. at(run) gives the codes of a run.
template <class Symbol, class PutAt>
void encode_groups(const LaneJob& job, const Symbol* symbols, const PutAt& put_at,
                   uint32_t* words) {
  const uint32_t runs = static_cast<uint32_t>(ceil_div(job.n, kRunElements));
  for (uint32_t l = 0; l < kLanes; l += 2) {
    uint8_t* to = job.lanes + l * job.stride;
    LaneWriter a{to}, b{to + job.stride};
    uint32_t r = 0;
    for (; (r + 1) * kRunElements <= job.n; ++r) {
      const auto put = put_at(r);
      const Symbol* p = symbols + size_t{r} * kRunElements + l * kLaneGroup;
      for (uint32_t half = 0; half < kLaneGroup; half += 4) {
        put.put4(a, p + half);
        put.put4(b, p + kLaneGroup + half);
        a.flush();
        b.flush();
      }
    }
    for (; r < runs; ++r) {
      const Code* single = job.tables->single.data() +
                           (job.class_ids ? job.class_ids[r] * size_t{job.tables->symbols} : 0);
      const uint32_t first = r * kRunElements + l * kLaneGroup, second = first + kLaneGroup;
      if (first < job.n) put_rest(a, single, symbols + first, std::min(kLaneGroup, job.n - first));
      if (second < job.n)
        put_rest(b, single, symbols + second, std::min(kLaneGroup, job.n - second));
    }
    words[l] = a.finish(to);
    words[l + 1] = b.finish(to + job.stride);
  }
}

void encode_lanes(const LaneJob& job, uint32_t* words) {
  const EncodeTables& t = *job.tables;
  const Code* single = t.single.data();
  const Pairs pairs{t.pairs.data()};
  const auto single_of = [&](uint32_t r) {
    return single + (job.class_ids ? job.class_ids[r] * size_t{t.symbols} : 0);
  };
  if (!job.interleaved) {
    if (t.has_pairs) return encode_pieces(job, pairs, words);
    return encode_pieces(job, Singles<uint8_t>{single}, words);
  }
  if (job.symbols16 != nullptr)
    return encode_groups(
        job, job.symbols16, [&](uint32_t r) { return Singles<uint16_t>{single_of(r)}; }, words);
  if (t.has_pairs)
    return encode_groups(
        job, job.symbols, [&](uint32_t) { return pairs; }, words);
  encode_groups(
      job, job.symbols, [&](uint32_t r) { return Singles<uint8_t>{single_of(r)}; }, words);
}

// ---- Elements into symbols and raw plane ----
// Raw values of whole bytes: no bit arithmetic, so the compiler can use vectors.
template <class T, uint32_t kRawBytes>
void split_bytes(const uint8_t* content, uint32_t n, uint8_t* symbols, uint8_t* raw_plane) {
  constexpr uint32_t shift = 8 * kRawBytes - 1, top = 8 * sizeof(T) - 1;
  constexpr T low = static_cast<T>((T{1} << shift) - 1);
  for (uint32_t i = 0; i < n; ++i) {
    const T x = load_le<T>(content + size_t{i} * sizeof(T));
    symbols[i] = static_cast<uint8_t>(x >> shift);
    const T raw = static_cast<T>((x & low) | (static_cast<T>(x >> top) << shift));
    for (uint32_t b = 0; b < kRawBytes; ++b)
      raw_plane[size_t{i} * kRawBytes + b] = static_cast<uint8_t>(raw >> (8 * b));
  }
}

// F8: the raw bit is the sign, 8 signs to a byte by one multiplication.
void split_f8(const uint8_t* content, uint32_t n, uint8_t* symbols, uint8_t* raw_plane) {
  uint32_t i = 0;
  for (; i + 8 <= n; i += 8) {
    const auto x = load_le<uint64_t>(content + i);
    store_le<uint64_t>(symbols + i, x & 0x7f7f7f7f7f7f7f7fu);
    raw_plane[i / 8] =
        static_cast<uint8_t>((((x >> 7) & 0x0101010101010101u) * 0x0102040810204080u) >> 56);
  }
  for (; i < n; ++i) {
    symbols[i] = content[i] & 0x7f;
    raw_plane[i / 8] = static_cast<uint8_t>(raw_plane[i / 8] | ((content[i] >> 7) << (i & 7)));
  }
}

// F8 into an exponent alone: eight elements at a time, a byte each.
void split_f8_exponents(const uint8_t* content, uint32_t n, const Split& s, uint8_t* symbols,
                        uint8_t* raw_plane) {
  const uint32_t r = s.raw_bits;  // 3 or 4
  const uint64_t sign = 0x0101010101010101u << (r - 1), low = sign - 0x0101010101010101u;
  const uint64_t exponents = 0x0101010101010101u * ((1u << s.symbol_bits) - 1);
  uint32_t i = 0;
  for (; i + 8 <= n; i += 8) {
    const auto x = load_le<uint64_t>(content + i);
    store_le<uint64_t>(symbols + i, (x >> (r - 1)) & exponents);
    const uint64_t raw = pack_bytes((x & low) | ((x >> (8 - r)) & sign), r);
    for (uint32_t b = 0; b < r; ++b)
      raw_plane[i / 8 * r + b] = static_cast<uint8_t>(raw >> (8 * b));
  }
  for (; i < n; ++i) {
    symbols[i] = static_cast<uint8_t>(s.symbol(content[i]));
    or_bits(raw_plane, uint64_t{i} * r, r, s.raw(content[i]));
  }
}

// F16 into an exponent alone: eight raw values to 11 bytes.
void split_f16_exponents(const uint8_t* content, uint32_t n, const Split& s, uint8_t* symbols,
                         uint8_t* raw_plane) {
  uint32_t i = 0;
  for (; i + 8 <= n; i += 8) {
    uint64_t raw[8];
    for (uint32_t k = 0; k < 8; ++k) {
      const uint32_t x = load_le<uint16_t>(content + 2 * size_t{i + k});
      symbols[i + k] = static_cast<uint8_t>((x >> 10) & 31);
      raw[k] = (x & 0x3ff) | ((x >> 5) & 0x400);
    }
    uint8_t* p = raw_plane + i / 8 * size_t{11};
    store_le<uint64_t>(
        p, raw[0] | raw[1] << 11 | raw[2] << 22 | raw[3] << 33 | raw[4] << 44 | raw[5] << 55);
    const uint64_t last = raw[5] >> 9 | raw[6] << 2 | raw[7] << 13;
    for (uint32_t b = 0; b < 3; ++b) p[8 + b] = static_cast<uint8_t>(last >> (8 * b));
  }
  for (; i < n; ++i) {
    const uint32_t x = load_le<uint16_t>(content + 2 * size_t{i});
    symbols[i] = static_cast<uint8_t>(s.symbol(x));
    or_bits(raw_plane, uint64_t{i} * 11, 11, s.raw(x));
  }
}

template <class T>
void split_any(const uint8_t* content, uint32_t n, const Split& s, uint8_t* symbols,
               uint16_t* symbols16, uint8_t* raw_plane) {
  for (uint32_t i = 0; i < n; ++i) {
    const T x = load_le<T>(content + size_t{i} * sizeof(T));
    if (symbols16 != nullptr)
      symbols16[i] = static_cast<uint16_t>(s.symbol(x));
    else
      symbols[i] = static_cast<uint8_t>(s.symbol(x));
    or_bits(raw_plane, uint64_t{i} * s.raw_bits, s.raw_bits, s.raw(x));
  }
}

void split_elements(const uint8_t* content, uint32_t n, const Split& s, uint8_t* symbols,
                    uint16_t* symbols16, uint8_t* raw_plane) {
  if (s.bytes == 1 && s.raw_bits == 1) return split_f8(content, n, symbols, raw_plane);
  if (s.bytes == 1 && s.raw_bits <= 4) return split_f8_exponents(content, n, s, symbols, raw_plane);
  if (s.bytes == 2 && s.raw_bits == 11)
    return split_f16_exponents(content, n, s, symbols, raw_plane);
  if (s.bytes == 2 && s.raw_bits == 8)
    return split_bytes<uint16_t, 1>(content, n, symbols, raw_plane);
  if (s.bytes == 4 && s.raw_bits == 24)
    return split_bytes<uint32_t, 3>(content, n, symbols, raw_plane);
  switch (s.bytes) {
    case 1:
      return split_any<uint8_t>(content, n, s, symbols, symbols16, raw_plane);
    case 2:
      return split_any<uint16_t>(content, n, s, symbols, symbols16, raw_plane);
    case 4:
      return split_any<uint32_t>(content, n, s, symbols, symbols16, raw_plane);
    default:
      return split_any<uint64_t>(content, n, s, symbols, symbols16, raw_plane);
  }
}
}  // namespace

const EncodeLoops GRAMZIP_ENCODE_LOOPS = {encode_lanes, lanes_to_rows, split_elements};
}  // namespace gramzip::cpu
