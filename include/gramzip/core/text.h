// SPDX-License-Identifier: Apache-2.0
// The n-gram text codec (docs/format.md, 9): symbols, buckets, limits, and the tables and records of
// a decoder. One alphabet of
//
//   0 .. 255            single bytes
//   256 .. V-1          n-grams of the model
//   V + 28 k + b        k = 0: a match, k = 1 .. 4: a match at the k-th last distance; b: its length bucket
//
// A symbol is coded with the table of the class of the symbol before it. A symbol without a code there is an
// escape followed by its code in the global table.
#pragma once
#include "gramzip/core/limits.h"

namespace gramzip::text {
inline constexpr uint32_t kByteSymbols = 256;
inline constexpr uint32_t kMinString = 2, kMaxString = 32;  // bytes of an n-gram
inline constexpr uint32_t kLengthBuckets = 28;
inline constexpr uint32_t kRepeats = 4;  // last distances that a symbol names
inline constexpr uint32_t kMatchSymbols = kLengthBuckets * (1 + kRepeats);
inline constexpr uint32_t kMaxSymbols = 1u << 16;  // of the whole alphabet
inline constexpr uint32_t kMaxStrings = kMaxSymbols - kByteSymbols - kMatchSymbols;
inline constexpr uint32_t kMaxClasses = 128;
inline constexpr uint32_t kFirstContext = '\n';  // the symbol before the first of a lane

inline constexpr uint32_t kMinMatch = 2;
inline constexpr uint32_t kLengthClasses = 4;     // each has a distance code
inline constexpr uint32_t kDistanceBuckets = 50;  // distances 1 to 2^24 - 1

inline constexpr uint32_t kClassCodeLimit = 16;   // longest code of a class, escape included
inline constexpr uint32_t kGlobalCodeLimit = 18;  // of the global table
inline constexpr uint32_t kDistanceCodeLimit = 10;

// ---- Buckets: 0 to 7 for themselves, then two an octave. A value is base + raw bits. ----
struct Bucket {
  uint32_t base;
  uint32_t raw_bits;
};
GRAMZIP_HD inline uint32_t floor_log2(uint32_t x) {  // x > 0
#if defined(__CUDA_ARCH__)
  return 31u - static_cast<uint32_t>(__clz(static_cast<int>(x)));
#else
  return 31u - static_cast<uint32_t>(__builtin_clz(x));
#endif
}
GRAMZIP_HD inline uint32_t bucket_of(uint32_t x) {
  if (x < 8) return x;
  const uint32_t b = floor_log2(x);
  return 8 + (b - 3) * 2 + ((x >> (b - 1)) & 1u);
}
GRAMZIP_HD inline Bucket bucket(uint32_t k) {
  if (k < 8) return {k, 0};
  const uint32_t b = 3 + (k - 8) / 2;
  return {(2u | ((k - 8) & 1u)) << (b - 1), b - 1};
}
GRAMZIP_HD inline uint32_t length_bucket(uint32_t length) { return bucket_of(length - kMinMatch); }
// Which distance code a match takes, from its length bucket.
GRAMZIP_HD inline uint32_t length_class(uint32_t length_bucket) {
  return length_bucket < 8 ? 0 : length_bucket < 9 ? 1 : length_bucket < 11 ? 2 : 3;
}
// kind 0: a distance follows; 1 to kRepeats: the distance of that place in the list.
GRAMZIP_HD inline uint32_t match_symbol(uint32_t strings_end, uint32_t kind, uint32_t bucket) {
  return strings_end + kind * kLengthBuckets + bucket;
}

// ---- The decoder's state machine ----
// A table of 2^n entries, n = 4 to 11, is indexed by the next n bits. A step takes the entry's bits, emits a
// record or nothing, and goes to the table that the entry names: subtables, escapes and distances are only
// "next tables". Every step takes at least one bit.
//
// Entry: value in bits 0-31; then total bits (code and raw) 6, raw bits 5, emits 1, next table 20.
// The raw bits are the last of the total; the record is value + raw.
using Entry = uint64_t;
using TableRef = uint32_t;  // first entry / 16 in bits 0-16, n - 4 in bits 17-19
inline constexpr uint32_t kMaxMachineEntries = 1u << 21;
inline constexpr uint32_t kMinTableBits = 4, kMaxTableBits = 11;
GRAMZIP_HD constexpr TableRef table_ref(uint32_t first, uint32_t bits) {
  return (first >> 4) | ((bits - kMinTableBits) << 17);
}
GRAMZIP_HD constexpr uint32_t table_first(TableRef t) { return (t & 0x1ffffu) << 4; }
GRAMZIP_HD constexpr uint32_t table_bits(TableRef t) { return (t >> 17) + kMinTableBits; }
GRAMZIP_HD constexpr Entry pack_entry(uint32_t value, uint32_t total, uint32_t raw, bool emits,
                                      TableRef next) {
  return value | (static_cast<uint64_t>(total) << 32) | (static_cast<uint64_t>(raw) << 38) |
         (static_cast<uint64_t>(emits ? 1 : 0) << 43) | (static_cast<uint64_t>(next) << 44);
}
GRAMZIP_HD constexpr uint32_t entry_value(Entry e) { return static_cast<uint32_t>(e); }
GRAMZIP_HD constexpr uint32_t entry_total(Entry e) { return static_cast<uint32_t>(e >> 32) & 63u; }
GRAMZIP_HD constexpr uint32_t entry_raw(Entry e) { return static_cast<uint32_t>(e >> 38) & 31u; }
GRAMZIP_HD constexpr uint32_t entry_emits(Entry e) { return static_cast<uint32_t>(e >> 43) & 1u; }
GRAMZIP_HD constexpr TableRef entry_next(Entry e) { return static_cast<TableRef>(e >> 44); }

// ---- Records: what the state machine emits and the expansion takes, in order. ----
//   string    0 | length 6 in bits 20-25 | offset in the pool of strings, bits 0-19
//   match     1 0 (bits 31, 30) | length 14; the next record is its distance
//   repeat    1 1 | k - 1 in bits 28-29 | length 14
inline constexpr uint32_t kRecordMatch = 1u << 31, kRecordRepeat = 1u << 30;
inline constexpr uint32_t kMaxPoolBytes = 1u << 20;
GRAMZIP_HD constexpr uint32_t string_record(uint32_t offset, uint32_t length) {
  return offset | (length << 20);
}
GRAMZIP_HD constexpr uint32_t match_record(uint32_t kind, uint32_t length) {
  return kRecordMatch | (kind > 0 ? kRecordRepeat | ((kind - 1) << 28) : 0u) | length;
}
GRAMZIP_HD constexpr uint32_t record_string_length(uint32_t r) { return (r >> 20) & 63u; }
GRAMZIP_HD constexpr uint32_t record_string_offset(uint32_t r) { return r & 0xfffffu; }
GRAMZIP_HD constexpr uint32_t record_match_length(uint32_t r) { return r & 0x3fffu; }
GRAMZIP_HD constexpr uint32_t record_repeat(uint32_t r) { return (r >> 28) & 3u; }  // k - 1

// The list of last distances, newest first; 0: none yet.
struct Repeats {
  uint32_t d[kRepeats] = {0, 0, 0, 0};
  // A new distance comes in front; a repeat of place k - 1 = `place` moves there.
  GRAMZIP_HD void push(uint32_t distance) {
    d[3] = d[2];
    d[2] = d[1];
    d[1] = d[0];
    d[0] = distance;
  }
  GRAMZIP_HD uint32_t take(uint32_t place) {
    // No index: the list then stays in registers.
    const uint32_t distance = place > 2 ? d[3] : place > 1 ? d[2] : place > 0 ? d[1] : d[0];
    if (place > 2) d[3] = d[2];
    if (place > 1) d[2] = d[1];
    if (place > 0) d[1] = d[0];
    d[0] = distance;
    return distance;
  }
};
}  // namespace gramzip::text
