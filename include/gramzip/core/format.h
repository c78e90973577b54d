// SPDX-License-Identifier: Apache-2.0
// Wire layout of segments and blocks (docs/format.md, 2.4): fields at fixed offsets, little-endian.
// Section framing, index and trailer are host matters and live in host/frame.
#pragma once
#include "gramzip/core/elements.h"
#include "gramzip/core/wire.h"

namespace gramzip {
// base: the bytes of the base, codecs delta and sparse_delta only.
enum class BlockMode : uint8_t { raw = 0, coded = 1, constant = 2, repeat = 3, base = 4 };

inline constexpr uint32_t kBlockRecordBytes = 24;
struct BlockRecord {
  BlockMode mode;
  uint32_t coded_bytes;   // without padding
  uint64_t coded_hash;    // XXH3-64 of the coded bytes
  uint64_t decoded_hash;  // XXH3-64 of the decoded bytes
};
GRAMZIP_HD inline void store_block_record(uint8_t* p, const BlockRecord& r) {
  store_le<uint32_t>(p, static_cast<uint32_t>(r.mode));
  store_le<uint32_t>(p + 4, r.coded_bytes);
  store_le<uint64_t>(p + 8, r.coded_hash);
  store_le<uint64_t>(p + 16, r.decoded_hash);
}
// False if a reserved byte is set or the mode is unknown.
GRAMZIP_HD inline bool load_block_record(const uint8_t* p, BlockRecord& r) {
  const uint32_t mode = load_le<uint32_t>(p);
  r.mode = static_cast<BlockMode>(mode & 0xff);
  r.coded_bytes = load_le<uint32_t>(p + 4);
  r.coded_hash = load_le<uint64_t>(p + 8);
  r.decoded_hash = load_le<uint64_t>(p + 16);
  return mode <= 4;
}

inline constexpr uint32_t kSegmentHeaderBytes = 64;
struct SegmentHeader {
  Codec codec;
  uint8_t word_order;  // 0: static rows; 1: demand order, codec fast_floats
  ElementType type;
  uint8_t block_log2;
  uint8_t symbol_bits;
  uint8_t code_limit;
  uint8_t tables;
  uint8_t run_log2;
  uint32_t blocks;
  uint32_t table_bytes;
  uint32_t decoded_bytes;
  uint64_t reference_at;  // codecs reference, delta, sparse_delta: where it lies; else 0
  // XXH3-128 of the model (codec ngram) or of the content (codec reference); else 0.
  uint64_t model_low, model_high;
  uint16_t period;       // codecs planes and floats: elements from one of a plane to the next, or 0
  uint8_t exact_values;  // codec exact_floats: their number; else 0
  bool of_base;          // reference_at is an offset in the base, not in this content

  uint8_t zero_bits;  // codec floats: lowest bits that are zero in every element
  uint8_t coder;      // codec quantized: quant::Coder; else 0

  GRAMZIP_HD Split split() const { return make_split(codec, type, symbol_bits, zero_bits); }
  // Codec quantized has an alphabet of its own (quant::Head).
  GRAMZIP_HD uint32_t alphabet() const { return (1u << symbol_bits) + exact_values; }
  // Whether a block may be of mode coded: with code tables, or with a coder that needs none.
  GRAMZIP_HD bool codes() const { return tables > 0 || coder != 0; }
  // Bytes of the exact values in front of the code tables, with their padding.
  GRAMZIP_HD uint32_t exact_bytes() const {
    return static_cast<uint32_t>(round_up(exact_values * element_info(type).bytes, 4));
  }
  GRAMZIP_HD uint32_t block_begin(uint32_t b) const { return b << block_log2; }
  GRAMZIP_HD uint32_t block_bytes(uint32_t b) const {
    const uint32_t size = 1u << block_log2, rest = decoded_bytes - block_begin(b);
    return rest < size ? rest : size;
  }
};

// The header of a segment of `decoded_bytes` (1 to 2^24) of one element type as this release writes
// it, with no tables yet.
GRAMZIP_HD inline SegmentHeader make_segment_header(ElementType type, uint32_t decoded_bytes) {
  const ElementInfo e = element_info(type);
  SegmentHeader h{};
  h.codec = e.codec;
  h.type = type;
  h.block_log2 = e.block_log2;
  h.symbol_bits = e.symbol_bits;
  h.code_limit = static_cast<uint8_t>(code_limit(e.codec));
  h.blocks = static_cast<uint32_t>(ceil_div(decoded_bytes, 1u << e.block_log2));
  h.decoded_bytes = decoded_bytes;
  h.period = e.codec == Codec::planes ? e.bytes : 0;
  return h;
}

// The same for text coded with a model (docs/format.md, 9).
GRAMZIP_HD inline SegmentHeader make_text_header(uint32_t decoded_bytes, uint64_t model_low,
                                                 uint64_t model_high) {
  SegmentHeader h = make_segment_header(ElementType::text, decoded_bytes);
  h.codec = Codec::ngram;
  h.symbol_bits = 0;
  h.code_limit = 0;
  h.model_low = model_low;
  h.model_high = model_high;
  return h;
}

// The same for content that stands elsewhere (docs/format.md, 15).
GRAMZIP_HD inline SegmentHeader make_reference_header(ElementType type, uint32_t decoded_bytes,
                                                      uint64_t at, bool of_base) {
  SegmentHeader h{};
  h.codec = Codec::reference;
  h.type = type;
  h.decoded_bytes = decoded_bytes;
  h.reference_at = at;
  h.of_base = of_base;
  return h;
}

// The same for a segment coded against a base (docs/format.md, 14): codec delta or sparse_delta.
GRAMZIP_HD inline SegmentHeader make_delta_header(Codec codec, ElementType type,
                                                  uint32_t decoded_bytes, uint64_t base_at) {
  SegmentHeader h{};
  h.codec = codec;
  h.type = type;
  h.block_log2 = codec == Codec::delta ? kMinBlockLog2 : kMaxBlockLog2;
  h.symbol_bits = 8;
  h.code_limit = static_cast<uint8_t>(code_limit(codec));
  h.blocks = static_cast<uint32_t>(ceil_div(decoded_bytes, 1u << h.block_log2));
  h.decoded_bytes = decoded_bytes;
  h.reference_at = base_at;
  h.of_base = true;
  return h;
}

// The same for floats that take few distinct values (docs/format.md, 16). A block has 2^17 to 2^19
// elements: what a block takes of itself, some 200 bytes, is little at half a bit an element.
GRAMZIP_HD inline SegmentHeader make_quantized_header(ElementType type, uint32_t decoded_bytes) {
  SegmentHeader h{};
  h.codec = Codec::quantized;
  h.type = type;
  h.block_log2 = element_info(type).bytes == 1 ? 19 : 20;
  h.code_limit = static_cast<uint8_t>(code_limit(Codec::quantized));
  h.blocks = static_cast<uint32_t>(ceil_div(decoded_bytes, 1u << h.block_log2));
  h.decoded_bytes = decoded_bytes;
  return h;
}

// Bytes of a serialized table whose symbols with codes span `count` symbols.
GRAMZIP_HD constexpr uint32_t table_wire_bytes(uint32_t count) {
  return static_cast<uint32_t>(round_up(4 + ceil_div(count, 2), 4));
}
}  // namespace gramzip
