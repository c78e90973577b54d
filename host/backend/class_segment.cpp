// SPDX-License-Identifier: Apache-2.0
#include "host/backend/class_segment.h"

#include "host/model/code_lengths.h"
#include "host/model/exact_values.h"
#include "host/model/float_period.h"

namespace gramzip {
bool has_planes(const SegmentInput& in) {
  if (in.type == ElementType::bytes) return in.period >= kMinPeriod && in.period <= kMaxPeriod;
  return element_info(in.type).codec == Codec::planes;
}

bool has_classes(const SegmentInput& in) { return is_float(in.type) || has_planes(in); }

std::vector<uint64_t> exact_values(const SegmentInput& in) {
  if (in.fast || !is_float(in.type)) return {};
  return model::choose_exact_values(in.content, in.type);
}

SegmentHeader start_header(const SegmentInput& in, std::span<const uint64_t> exact) {
  SegmentHeader h = make_segment_header(in.type, static_cast<uint32_t>(in.content.size()));
  if (has_planes(in)) {
    h.codec = Codec::planes;
    h.code_limit = static_cast<uint8_t>(code_limit(h.codec));
    if (in.type == ElementType::bytes) h.period = in.period;
  } else if (!exact.empty()) {
    h.codec = Codec::exact_floats;
    h.exact_values = static_cast<uint8_t>(exact.size());
  } else if (h.codec == Codec::floats) {
    h.period = model::choose_float_period(in.content, in.type);
  }
  return h;
}

bool bytes_suffice(const PlaneClasses& classes, std::span<const uint32_t> counts_of_bytes) {
  const CodeBook book = make_code_book(counts_of_bytes, code_limit(Codec::bytes));
  uint64_t bits = 0;
  for (size_t s = 0; s < book.lengths.size(); ++s)
    bits += uint64_t{counts_of_bytes[s]} * book.lengths[s];
  return bits + 8 * table_wire_bytes(256) <= classes.code_bits + 8 * classes.table_bytes +
                                                 uint64_t{classes.runs} * ceil_log2(classes.tables);
}
}  // namespace gramzip
