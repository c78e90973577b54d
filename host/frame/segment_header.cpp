// SPDX-License-Identifier: Apache-2.0
#include "host/frame/segment_header.h"

#include <algorithm>

#include "gramzip/core/fast.h"
#include "gramzip/core/quant.h"
#include "host/base/error.h"

namespace gramzip::frame {
namespace {
// What a codec allows in a header.
struct Rules {
  bool known;  // this release decodes it
  uint8_t least_symbol_bits, most_symbol_bits;
  uint8_t code_limit;
  uint8_t most_tables;
  uint8_t word_order;
};

Rules rules_of(Codec c, const ElementInfo& e) {
  const auto most_of_type = static_cast<uint8_t>(8 * e.bytes - 1);
  const uint8_t most = most_of_type < kMaxSymbolBits ? most_of_type : kMaxSymbolBits;
  switch (c) {
    case Codec::bytes:
      return {true, 8, 8, kByteCodeLimit, 1, 0};
    case Codec::floats:
      return {true, e.exponent_bits, most, kFloatCodeLimit, kMaxTables, 0};
    case Codec::ngram:
      return {true, 0, 0, 0, 0, 0};
    case Codec::planes:
      return {true, 8, 8, kFloatCodeLimit, kMaxTables, 0};
    case Codec::reference:
      return {true, 0, 0, 0, 0, 0};
    case Codec::exact_floats:
      return {true,
              e.exponent_bits,
              std::min<uint8_t>(most, kMaxExactSymbolBits),
              kFloatCodeLimit,
              kMaxTables,
              0};
    case Codec::fast_floats:
      return {true, e.exponent_bits, e.exponent_bits, kFastCodeLimit, kMaxTables, 1};
    case Codec::quantized:
      return {true, 0, 0, kFloatCodeLimit, kMaxTables, 0};
    case Codec::delta:
    case Codec::sparse_delta:
      return {true, 8, 8, kFloatCodeLimit, kMaxTables, 0};
  }
  return {};
}

// Codec planes: the length of the records, which for integers is that of one. Floats may have one.
bool period_fits(const SegmentHeader& h, const ElementInfo& e) {
  if (h.codec != Codec::planes && h.period == 0) return true;
  if (h.codec != Codec::planes && h.codec != Codec::floats) return false;
  if (h.codec == Codec::planes && h.type != ElementType::bytes) return h.period == e.bytes;
  return h.period >= kMinPeriod && h.period <= kMaxPeriod;
}

bool type_fits(Codec c, ElementType t) {
  switch (c) {
    case Codec::bytes:
      return t == ElementType::bytes || t == ElementType::text;
    case Codec::ngram:
      return t == ElementType::text;
    case Codec::floats:
    case Codec::exact_floats:
    case Codec::quantized:
      return is_float(t);
    case Codec::fast_floats:
      return fast::codes(t);
    case Codec::planes:
      return !is_float(t) && t != ElementType::text;
    case Codec::reference:
    case Codec::delta:
    case Codec::sparse_delta:
      return true;
  }
  return false;
}
}  // namespace

SegmentHeader load_segment_header(const uint8_t* p, const std::string& where) {
  const auto corrupt = [&where](const char* what) {
    fail(ErrorCode::corrupt, where + ": " + what);
  };
  const auto unknown = [&where](const char* what, uint32_t number) {
    fail(ErrorCode::unsupported, where + ": " + what + " " + std::to_string(number) +
                                     ", which this gramzip does not know; use a newer one");
  };
  SegmentHeader h{};
  h.codec = static_cast<Codec>(p[0]);
  if (p[2] >= static_cast<uint8_t>(ElementType::count)) unknown("element type", p[2]);
  h.type = static_cast<ElementType>(p[2]);
  const ElementInfo e = element_info(h.type);
  const Rules rules = rules_of(h.codec, e);
  if (!rules.known) unknown("codec", p[0]);
  if (p[1] != rules.word_order) unknown("word order", p[1]);
  h.word_order = p[1];
  if (!type_fits(h.codec, h.type)) corrupt("codec and element type contradict each other");

  // A reference has no blocks, and of all fields the sizes and what it refers to.
  const bool reference = h.codec == Codec::reference;
  h.block_log2 = p[3];
  const bool quantized = h.codec == Codec::quantized;
  const uint32_t most_log2 = quantized ? quant::kMaxBlockLog2 : kMaxBlockLog2;
  if (reference ? h.block_log2 != 0 : h.block_log2 < kMinBlockLog2 || h.block_log2 > most_log2)
    corrupt("impossible block size");
  h.symbol_bits = p[4];
  if (h.symbol_bits < rules.least_symbol_bits || h.symbol_bits > rules.most_symbol_bits)
    corrupt("impossible symbol width");
  h.zero_bits = p[52];
  if (h.zero_bits > (h.codec == Codec::floats ? most_zero_bits(h.type, h.symbol_bits) : 0))
    corrupt("more zero bits than its elements can have");
  h.code_limit = p[5];
  if (h.code_limit != rules.code_limit) corrupt("impossible code length limit");
  h.tables = p[6];
  if (h.tables > rules.most_tables) corrupt("too many code tables");
  h.coder = p[53];
  if (h.coder != 0 && !quantized) corrupt("impossible coder");
  if (h.coder > static_cast<uint8_t>(quant::Coder::trellis)) unknown("coder", h.coder);
  const auto coder = static_cast<quant::Coder>(h.coder);
  if (coder == quant::Coder::horner && h.tables != 0)
    corrupt("code tables of a coder that has none");
  if (coder == quant::Coder::trellis && h.tables % 2 != 0) corrupt("a class without both tables");
  h.run_log2 = p[7];
  if (h.codec == Codec::sparse_delta && h.tables % 2 != 0) corrupt("a group without both tables");
  const bool runs = h.tables > 1 && h.codec != Codec::sparse_delta;
  if (h.run_log2 != (runs ? 8 : 0)) corrupt("impossible run length");
  h.blocks = load_le<uint32_t>(p + 8);
  h.table_bytes = load_le<uint32_t>(p + 12);
  const uint64_t decoded = load_le<uint64_t>(p + 16);
  if (decoded == 0 || decoded > kMaxSegmentBytes || decoded % e.bytes != 0)
    corrupt("impossible decoded size");
  h.decoded_bytes = static_cast<uint32_t>(decoded);
  if (h.blocks != (reference ? 0 : ceil_div(decoded, uint64_t{1} << h.block_log2)))
    corrupt("the number of blocks contradicts the decoded size");
  const bool ngram = h.codec == Codec::ngram;
  if (ngram && h.table_bytes != 0) corrupt("code tables beside a model");
  if (reference && h.table_bytes != 0) corrupt("code tables of a reference");
  h.model_low = load_le<uint64_t>(p + 32);
  h.model_high = load_le<uint64_t>(p + 40);
  if (!ngram && !reference && (h.model_low | h.model_high) != 0)
    corrupt("it names a model that its codec has not");
  const bool delta = h.codec == Codec::delta || h.codec == Codec::sparse_delta;
  h.reference_at = load_le<uint64_t>(p + 24);
  h.of_base = p[51] == 1;
  if (p[51] > 1 || (delta && !h.of_base)) corrupt("it refers to neither the content nor the base");
  if (!reference && !delta && (h.reference_at != 0 || h.of_base))
    corrupt("it refers to something that its codec has not");
  if (h.reference_at > UINT64_MAX - h.decoded_bytes) corrupt("it refers to impossible bytes");
  h.period = load_le<uint16_t>(p + 48);
  if (!period_fits(h, e)) corrupt("impossible period");
  h.exact_values = p[50];
  const bool exact = h.codec == Codec::exact_floats;
  if (h.exact_values < (exact ? 1 : 0) || h.exact_values > (exact ? kMaxExactValues : 0))
    corrupt("impossible number of exact values");
  if (!all_zero(p + 54, 10)) corrupt("a reserved byte is set");
  return h;
}
}  // namespace gramzip::frame
