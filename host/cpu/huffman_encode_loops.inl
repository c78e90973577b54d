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
#include "host/cpu/run_costs.inl"
#include "host/cpu/split.inl"
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

// Codecs floats and planes, one book of at most 256 symbols: lanes of groups of 8 symbols.
template <class Put>
void encode_groups(const LaneJob& job, const Put& put, uint32_t* words) {
  const uint32_t runs = static_cast<uint32_t>(ceil_div(job.n, kRunElements));
  const Code* single = job.tables->single.data();
  for (uint32_t l = 0; l < kLanes; l += 2) {
    uint8_t* to = job.lanes + l * job.stride;
    LaneWriter a{to}, b{to + job.stride};
    uint32_t r = 0;
    for (; (r + 1) * kRunElements <= job.n; ++r) {
      const uint8_t* p = job.symbols + size_t{r} * kRunElements + l * kLaneGroup;
      for (uint32_t half = 0; half < kLaneGroup; half += 4) {
        put.put4(a, p + half);
        put.put4(b, p + kLaneGroup + half);
        a.flush();
        b.flush();
      }
    }
    for (; r < runs; ++r) {
      const uint32_t first = r * kRunElements + l * kLaneGroup, second = first + kLaneGroup;
      if (first < job.n)
        put_rest(a, single, job.symbols + first, std::min(kLaneGroup, job.n - first));
      if (second < job.n)
        put_rest(b, single, job.symbols + second, std::min(kLaneGroup, job.n - second));
    }
    words[l] = a.finish(to);
    words[l + 1] = b.finish(to + job.stride);
  }
}

// Four codes of a book; w.count is below 8 before.
inline void put_run4(LaneWriter& w, const uint32_t* codes, const uint16_t* p) {
#pragma GCC unroll 4
  for (uint32_t k = 0; k < 4; ++k) {
    const uint64_t e = codes[p[k]];
    w.bits |= (e >> kRunCodeShift) << (w.count & 63);
    w.count += e;
  }
  w.count &= 63;  // at most 7 and four codes of 12 bits
}

// The same with several books or wide symbols: all lanes of a run before the next one, since one
// book stays in the first-level cache and 32 do not.
void encode_runs(const LaneJob& job, uint32_t* words) {
  const EncodeTables& t = *job.tables;
  LaneWriter lanes[kLanes];
  for (uint32_t l = 0; l < kLanes; ++l) lanes[l].at = job.lanes + l * job.stride;
  const uint32_t runs = static_cast<uint32_t>(ceil_div(job.n, kRunElements));
  const uint16_t* p = job.symbols16;
  for (uint32_t r = 0; r < runs; ++r) {
    const size_t book = job.class_ids ? job.class_ids[r] * size_t{t.symbols} : 0;
    const uint32_t* codes = t.runs.data() + book;
    if ((r + 1) * kRunElements <= job.n) {
      for (uint32_t l = 0; l < kLanes; ++l, p += kLaneGroup) {
        LaneWriter w = lanes[l];
        put_run4(w, codes, p);
        w.flush();
        put_run4(w, codes, p + 4);
        w.flush();
        lanes[l] = w;
      }
      continue;
    }
    for (uint32_t l = 0; r * kRunElements + l * kLaneGroup < job.n; ++l, p += kLaneGroup)
      put_rest(lanes[l], t.single.data() + book, p,
               std::min(kLaneGroup, job.n - r * kRunElements - l * kLaneGroup));
  }
  for (uint32_t l = 0; l < kLanes; ++l) words[l] = lanes[l].finish(job.lanes + l * job.stride);
}

void encode_lanes(const LaneJob& job, uint32_t* words) {
  const EncodeTables& t = *job.tables;
  const Singles<uint8_t> singles{t.single.data()};
  const Pairs pairs{t.pairs.data()};
  if (!job.interleaved)
    return t.has_pairs ? encode_pieces(job, pairs, words) : encode_pieces(job, singles, words);
  if (job.symbols16 != nullptr) return encode_runs(job, words);
  if (t.has_pairs) return encode_groups(job, pairs, words);
  encode_groups(job, singles, words);
}
}  // namespace

const EncodeLoops GRAMZIP_ENCODE_LOOPS = {encode_lanes, lanes_to_rows, split_elements,
                                          split_symbols, choose_classes};
}  // namespace gramzip::cpu
