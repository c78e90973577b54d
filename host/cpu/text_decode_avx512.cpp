// SPDX-License-Identifier: Apache-2.0
// Phase 1 with AVX-512: a lane in every 64-bit element, the tables and the bit strings read by
// gathers. A round of eight steps leaves eight rows of records; transposed, they are eight records
// a lane, or zeros for steps that emit none, which a compression drops. That is less work than a
// scatter a step, and no record's place depends on another lane.
#include <immintrin.h>

#include "host/cpu/text_expand.inl"
#include "host/cpu/text_steps.inl"
#include "host/cpu/transpose.inl"

namespace gramzip::cpu {
namespace {
constexpr uint32_t kVectorLanes = 16;
constexpr uint32_t kVectorSteps = 8;
constexpr int64_t kVectorBits = kVectorSteps / 2 * 55;
static_assert(kVectorSteps + 2 <= kRecordSlack);

inline __m512i vector_step(const Entry* entries, __m512i window, __m512i state, __m512i& record) {
  const __m512i first = _mm512_and_si512(_mm512_slli_epi64(state, 4), _mm512_set1_epi64(0x1ffff0));
  const __m512i above = _mm512_sllv_epi64(_mm512_set1_epi64(-16), _mm512_srli_epi64(state, 17));
  const __m512i index = _mm512_add_epi64(first, _mm512_andnot_si512(above, window));
  const __m512i e = _mm512_i64gather_epi64(index, entries, 8);
  const __m512i total = _mm512_and_si512(_mm512_srli_epi64(e, 32), _mm512_set1_epi64(63));
  const __m512i raw = _mm512_and_si512(_mm512_srli_epi64(e, 38), _mm512_set1_epi64(31));
  const __m512i bits = _mm512_srlv_epi64(window, _mm512_sub_epi64(total, raw));
  record =
      _mm512_add_epi64(e, _mm512_andnot_si512(_mm512_sllv_epi64(_mm512_set1_epi64(-1), raw), bits));
  return e;
}
inline __m512i totals(__m512i e) {
  return _mm512_and_si512(_mm512_srli_epi64(e, 32), _mm512_set1_epi64(63));
}

struct alignas(64) VectorLanes {
  int64_t position[kVectorLanes];  // from `base`, in bits
  int64_t last[kVectorLanes];
  uint64_t state[kVectorLanes];
  uint32_t* record[kVectorLanes];
  uint32_t* last_record[kVectorLanes];
};

// The records of a round: rows[s] has those of step s, lane by lane.
inline int64_t put_records(const __m512i* rows, VectorLanes& v) {
  __m512i a[8], b[8];
  for (int i = 0; i < 8; i += 2) {
    a[i] = _mm512_unpacklo_epi32(rows[i], rows[i + 1]);
    a[i + 1] = _mm512_unpackhi_epi32(rows[i], rows[i + 1]);
  }
  for (int i = 0; i < 8; i += 4) {
    b[i] = _mm512_unpacklo_epi64(a[i], a[i + 2]);
    b[i + 1] = _mm512_unpackhi_epi64(a[i], a[i + 2]);
    b[i + 2] = _mm512_unpacklo_epi64(a[i + 1], a[i + 3]);
    b[i + 3] = _mm512_unpackhi_epi64(a[i + 1], a[i + 3]);
  }
  // b[j]: steps 0 to 3 of the lanes j, j + 4, j + 8, j + 12, a quarter each; b[j + 4]: steps 4
  // to 7.
  int64_t room = 0;
  const auto put = [&](uint32_t lane, __m256i records) {
    const __mmask8 some = _mm256_test_epi32_mask(records, records);
    uint32_t*& to = v.record[lane];
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(to), _mm256_maskz_compress_epi32(some, records));
    to += _mm_popcnt_u32(some);
    room |= v.last_record[lane] - to;
  };
  const __m512i low = _mm512_setr_epi64(0, 1, 8, 9, 2, 3, 10, 11);
  const __m512i high = _mm512_setr_epi64(4, 5, 12, 13, 6, 7, 14, 15);
  for (uint32_t j = 0; j < 4; ++j) {
    const __m512i x = _mm512_permutex2var_epi64(b[j], low, b[j + 4]);
    const __m512i y = _mm512_permutex2var_epi64(b[j], high, b[j + 4]);
    put(j, _mm512_castsi512_si256(x));
    put(j + 4, _mm512_extracti64x4_epi64(x, 1));
    put(j + 8, _mm512_castsi512_si256(y));
    put(j + 12, _mm512_extracti64x4_epi64(y, 1));
  }
  return room;
}

// Rounds until a lane has no room for another one.
inline void run_vector(VectorLanes& v, const uint8_t* base, const Entry* entries) {
  const __m512i merge =
      _mm512_setr_epi32(0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30);
  __m512i position[2], last[2], state[2];
  for (int g = 0; g < 2; ++g) {
    position[g] = _mm512_load_si512(v.position + 8 * g);
    last[g] = _mm512_load_si512(v.last + 8 * g);
    state[g] = _mm512_load_si512(v.state + 8 * g);
  }
  for (;;) {
    __m512i rows[kVectorSteps];
#pragma GCC unroll 4
    for (uint32_t i = 0; i < kVectorSteps; i += 2) {
      __m512i r[2][2];
#pragma GCC unroll 2
      for (int g = 0; g < 2; ++g) {
        __m512i window = _mm512_i64gather_epi64(_mm512_srli_epi64(position[g], 3), base, 1);
        window = _mm512_srlv_epi64(window, _mm512_and_si512(position[g], _mm512_set1_epi64(7)));
        const __m512i e = vector_step(entries, window, state[g], r[0][g]);
        window = _mm512_srlv_epi64(window, totals(e));
        const __m512i f = vector_step(entries, window, _mm512_srli_epi64(e, 44), r[1][g]);
        position[g] = _mm512_add_epi64(position[g], _mm512_add_epi64(totals(e), totals(f)));
        state[g] = _mm512_srli_epi64(f, 44);
      }
      rows[i] = _mm512_permutex2var_epi32(r[0][0], merge, r[0][1]);
      rows[i + 1] = _mm512_permutex2var_epi32(r[1][0], merge, r[1][1]);
    }
    const int64_t room = put_records(rows, v);
    const uint32_t ended = _mm512_cmpgt_epi64_mask(position[0], last[0]) |
                           _mm512_cmpgt_epi64_mask(position[1], last[1]);
    if (ended != 0 || room < 0) break;
  }
  for (int g = 0; g < 2; ++g) {
    _mm512_store_si512(v.position + 8 * g, position[g]);
    _mm512_store_si512(v.state + 8 * g, state[g]);
  }
}

void read_lanes_wide(std::span<TextLane> lanes, const model::DecodeMachine& machine) {
  if (lanes.size() < kVectorLanes) return read_lanes(lanes, machine);
  const Entry* const entries = machine.entries.data();
  const uint8_t* const base = lanes[0].bits;
  VectorLanes v;
  TextLane* of[kVectorLanes];
  size_t next = 0;
  // A lane that has room for a round, or none is left.
  const auto load = [&](uint32_t k) {
    while (next < lanes.size()) {
      TextLane& lane = lanes[next++];
      of[k] = &lane;
      v.position[k] = (lane.bits - base) * 8;
      v.last[k] = v.position[k] + (int64_t{lane.words} - 1) * 32 - kVectorBits;
      v.state[k] = machine.start;
      v.record[k] = lane.records;
      v.last_record[k] = lane.records + lane.bytes + kRecordSlack - 2 - kVectorSteps;
      if (v.position[k] <= v.last[k]) return true;
      finish(start(lane, machine.start), entries);
    }
    return false;
  };
  const auto reader = [&](uint32_t k) {
    Reader r = start(*of[k], machine.start);
    r.position = v.position[k] - (of[k]->bits - base) * 8;
    r.state = v.state[k];
    r.record = v.record[k];
    return r;
  };
  uint32_t count = 0;
  while (count < kVectorLanes && load(count)) ++count;
  if (count == kVectorLanes) {
    for (bool full = true; full;) {
      run_vector(v, base, entries);
      for (uint32_t k = 0; k < count;) {
        if (v.position[k] <= v.last[k] && v.record[k] <= v.last_record[k]) {
          ++k;
          continue;
        }
        finish(reader(k), entries);
        if (load(k)) {
          ++k;
          continue;
        }
        full = false;
        --count;
        v.position[k] = v.position[count], v.last[k] = v.last[count], v.state[k] = v.state[count];
        v.record[k] = v.record[count], v.last_record[k] = v.last_record[count], of[k] = of[count];
      }
    }
  }
  Reader rest[kVectorLanes];
  for (uint32_t k = 0; k < count; ++k) rest[k] = reader(k);
  run_readers(rest, count, entries, [](Reader&) { return false; });
}
}  // namespace

const TextLoops kTextAvx512 = {"AVX-512", rows_to_lanes, read_lanes_wide, expand_lane};
}  // namespace gramzip::cpu
