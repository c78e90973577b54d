// SPDX-License-Identifier: Apache-2.0
#include "host/frame/quant_table.h"

#include <cmath>

#include "host/base/error.h"

namespace gramzip::frame {
namespace {
using quant::ScaleType;

// Items one after another, each with zero bytes up to a multiple of 4.
class TableReader {
 public:
  TableReader(std::span<const uint8_t> wire, const std::string& where)
      : wire_(wire), where_(where) {}

  [[noreturn]] void corrupt(const char* what) const {
    fail(ErrorCode::corrupt, std::string(where_).append(", quant table: ").append(what));
  }
  const uint8_t* item(uint64_t bytes) {
    const uint64_t size = round_up(bytes, 4);
    if (size > wire_.size() - at_) corrupt("cut short");
    const uint8_t* const p = wire_.data() + at_;
    if (!all_zero(p + bytes, size - bytes)) corrupt("a reserved byte is set");
    at_ += size;
    return p;
  }
  uint32_t size() const { return static_cast<uint32_t>(at_); }

 private:
  std::span<const uint8_t> wire_;
  const std::string& where_;
  uint64_t at_ = 0;
};

struct Fields {
  uint32_t levels, expansions;
  bool zero_points;
};

Fields load_head(const SegmentHeader& h, TableReader& in, quant::Table& t) {
  const uint8_t* const p = in.item(quant::kHeadBytes);
  const auto coder = static_cast<quant::Coder>(h.coder);
  const bool horner = coder == quant::Coder::horner, trellis = coder == quant::Coder::trellis;
  Fields f{load_le<uint16_t>(p), load_le<uint16_t>(p + 12), (p[3] & 4) != 0};
  if (f.levels < (horner ? 2 : 1) || f.levels > quant::kMaxLevels)
    in.corrupt("impossible number of levels");
  if (trellis && f.levels % 2 != 0) in.corrupt("an odd number of levels along a trellis");
  if (p[2] > 1) in.corrupt("levels neither uniform nor listed");
  if (p[3] != 0 && p[3] != 1 && p[3] != 2 && p[3] != 5 && p[3] != 6)
    in.corrupt("impossible scales");
  if (trellis && p[3] != 0) in.corrupt("scales along a trellis");
  quant::Levels& l = t.levels;
  l.type = h.type;
  l.uniform = p[2] == 1;
  l.scale_type = static_cast<ScaleType>(p[3] & 3);
  l.group = load_le<uint32_t>(p + 4);
  t.phase = load_le<uint32_t>(p + 8);
  if (l.scale_type == ScaleType::none) {
    if (l.group != 0 || t.phase != 0) in.corrupt("groups without scales");
  } else if (l.group < quant::kMinGroup || l.group > quant::kMaxGroup) {
    in.corrupt("impossible size of groups");
  } else if (t.phase >= l.group) {
    in.corrupt("impossible place in the first group");
  }
  if (coder != quant::Coder::huffman && f.expansions != 0)
    in.corrupt("expansions of a coder that has none");
  if (1 + f.levels + uint64_t{f.expansions} * f.levels > quant::kMaxAlphabet)
    in.corrupt("too many expansions");
  l.trellis = p[14];
  if (trellis ? l.trellis < quant::kMinTrellisLog2 || l.trellis > quant::kMaxTrellisLog2
              : l.trellis != 0)
    in.corrupt("impossible states of a trellis");
  if (p[15] != 0) in.corrupt("a reserved byte is set");
  return f;
}

void load_levels(uint32_t count, TableReader& in, quant::Levels& l) {
  const bool plain = l.scale_type == ScaleType::none;
  const ElementType type = plain ? l.type : ElementType::f32;
  const FloatLayout layout = float_layout(type);
  if (l.uniform) {
    const uint8_t* const p = in.item(quant::kUniformBytes + count);
    l.first = static_cast<int32_t>(load_le<uint32_t>(p));
    if (l.first < -quant::kMaxFirst || l.first > quant::kMaxFirst)
      in.corrupt("impossible first level");
    if (load_le<uint32_t>(p + 4) != 0) in.corrupt("a reserved byte is set");
    l.step = bits_as_double(load_le<uint64_t>(p + 8));
    if (!std::isnormal(l.step) || l.step < 0) in.corrupt("impossible step");
    l.corrections.resize(count);
    for (uint32_t i = 0; i < count; ++i)
      l.corrections[i] = static_cast<int8_t>(p[quant::kUniformBytes + i]);
    for (uint32_t i = 0; i < count; ++i)
      if (!is_finite(layout, round_element(type, l.value(i)))) in.corrupt("a level is not finite");
    return;
  }
  const uint32_t bytes = element_info(type).bytes;
  const uint8_t* const p = in.item(uint64_t{count} * bytes);
  l.listed.resize(count);
  for (uint32_t i = 0; i < count; ++i) {
    const uint64_t x = load_element(p, i, bytes);
    if (!is_finite(layout, x)) in.corrupt("a level is not finite");
    l.listed[i] = element_value(type, x);
  }
}

void load_groups(uint64_t groups, bool zero_points, TableReader& in, quant::Levels& l) {
  const uint32_t bytes = quant::scale_bytes(l.scale_type);
  const ElementType type = l.scale_type == ScaleType::f16 ? ElementType::f16 : ElementType::f32;
  const FloatLayout layout = float_layout(type);
  const uint8_t* const p = in.item(groups * bytes);
  l.scales.resize(groups);
  for (uint64_t g = 0; g < groups; ++g) {
    const uint64_t x = load_element(p, g, bytes);
    if (!is_finite(layout, x)) in.corrupt("a scale is not finite");
    l.scales[g] = static_cast<float>(element_value(type, x));
  }
  if (!zero_points) return;
  const uint8_t* const z = in.item(groups);
  l.zero_points.assign(z, z + groups);
}

// Which symbols have phrases, and that none is too long.
void load_expansions(uint32_t count, TableReader& in, quant::Table& t) {
  const uint8_t* const p = in.item(2 * uint64_t{count});
  const uint32_t levels = t.count(), escape = t.escape();
  std::vector<uint8_t> length(1 + levels + count * levels, 1);
  std::vector<bool> named(length.size(), false);
  for (uint32_t k = 0; k < count; ++k) {
    const uint32_t symbol = load_le<uint16_t>(p + 2 * size_t{k});
    const uint32_t first = levels + 1 + k * levels;
    if (symbol >= first || symbol == escape) in.corrupt("an expansion of an impossible symbol");
    if (named[symbol]) in.corrupt("an expansion of a symbol that has one");
    named[symbol] = true;
    if (length[symbol] >= quant::kMaxPhrase) in.corrupt("a phrase is too long");
    std::fill_n(length.begin() + first, levels, static_cast<uint8_t>(length[symbol] + 1));
    t.expansions.push_back(static_cast<uint16_t>(symbol));
  }
}
}  // namespace

uint32_t load_quant_table(const SegmentHeader& h, std::span<const uint8_t> wire, quant::Table& t,
                          const std::string& where) {
  TableReader in(wire, where);
  const Fields f = load_head(h, in, t);
  load_levels(f.levels, in, t.levels);
  const uint32_t n = h.decoded_bytes / element_info(h.type).bytes;
  if (t.levels.group != 0) load_groups(t.head().groups(n), f.zero_points, in, t.levels);
  load_expansions(f.expansions, in, t);
  return in.size();
}
}  // namespace gramzip::frame
