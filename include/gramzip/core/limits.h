// SPDX-License-Identifier: Apache-2.0
// The limits of format version 1 (docs/format.md, section 7). They bound every buffer a reader
// needs.
#pragma once
#include "gramzip/core/config.h"

namespace gramzip {
inline constexpr uint32_t kLanes = 32;         // sub-streams of a coded block
inline constexpr uint32_t kRunElements = 256;  // elements that share a class table
inline constexpr uint32_t kLaneGroup = 8;      // consecutive elements of a lane, codec floats
inline constexpr uint32_t kMaxSymbolBits = 12;
inline constexpr uint32_t kMaxSymbols = 1u << kMaxSymbolBits;
inline constexpr uint32_t kMaxExactValues = 16;  // codec exact_floats
inline constexpr uint32_t kMaxExactSymbolBits =
    11;  // codec exact_floats: S, so that all symbols fit an entry
inline constexpr uint32_t kMaxTables = 32;
inline constexpr uint32_t kMaxTableBytes = 4 + kMaxSymbols / 2;
inline constexpr uint32_t kByteCodeLimit = 11;   // longest code, codec bytes
inline constexpr uint32_t kFloatCodeLimit = 12;  // longest code, codec floats
inline constexpr uint32_t kMinPeriod = 2;  // codec planes: bytes of a record
inline constexpr uint32_t kMaxPeriod = 512;
inline constexpr uint32_t kFastCodeLimit = 7;    // longest code, codec fast_floats
inline constexpr uint32_t kFastSymbols = 32;     // symbols of a table with a code, codec fast_floats
inline constexpr uint32_t kMinBlockLog2 = 16;
inline constexpr uint32_t kMaxBlockLog2 = 18;
inline constexpr uint32_t kMaxBlockBytes = 1u << kMaxBlockLog2;
inline constexpr uint32_t kMaxSegmentBytes = 1u << 24;
inline constexpr uint32_t kMaxBlocks = kMaxSegmentBytes >> kMinBlockLog2;
inline constexpr uint32_t kMaxNameBytes = 4096;
inline constexpr uint32_t kMaxMembersMeta = 1u << 20;
inline constexpr uint32_t kSectionAlign = 128;
inline constexpr uint32_t kBlockAlign = 32;
}  // namespace gramzip
