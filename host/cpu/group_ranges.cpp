// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <limits>

#include "gramzip/core/float_values.h"
#include "gramzip/core/wire.h"
#include "host/base/error.h"
#include "host/cpu/quantize.h"

namespace gramzip::cpu {
namespace {
template <ElementType type>
std::optional<quant::Range> range_of(const uint8_t* p, size_t n) {
  using V = FloatValues<type>;
  using Bits = typename V::Bits;
  Bits least = std::numeric_limits<Bits>::max(), most = 0;
  for (size_t i = 0; i < n; ++i) {
    const auto x = load_le<Bits>(p + i * V::kBytes);
    const Bits o = V::order(x);
    const bool finite = V::finite(x);
    least = std::min(least, finite ? o : std::numeric_limits<Bits>::max());
    most = std::max(most, finite ? o : Bits{0});
  }
  if (least > most) return std::nullopt;
  // + 0.0 makes -0 a 0.
  return quant::Range{V::to_double(V::from_order(least)) + 0.0,
                      V::to_double(V::from_order(most)) + 0.0};
}
}  // namespace

std::optional<quant::Range> finite_range(ElementType type, std::span<const uint8_t> elements) {
  std::optional<quant::Range> range;
  const bool is_known = with_float_type(type, [&]<ElementType t>() {
    range = range_of<t>(elements.data(), elements.size() / FloatValues<t>::kBytes);
  });
  if (!is_known) fail(ErrorCode::internal, "only floats have ranges");
  return range;
}

std::vector<quant::Range> group_ranges(ElementType type, std::span<const uint8_t> elements,
                                       uint32_t group) {
  const size_t bytes = size_t{group} * element_info(type).bytes;
  std::vector<quant::Range> ranges(ceil_div(elements.size(), bytes));
  for (size_t g = 0; g < ranges.size(); ++g) {
    const size_t begin = g * bytes;
    ranges[g] =
        finite_range(type, elements.subspan(begin, std::min(bytes, elements.size() - begin)))
            .value_or(quant::Range{});
  }
  return ranges;
}
}  // namespace gramzip::cpu
