// SPDX-License-Identifier: Apache-2.0
#include "host/cpu/text_expand.inl"
#include "host/cpu/text_steps.inl"
#include "host/cpu/transpose.inl"

namespace gramzip::cpu {
const TextLoops kTextBaseline = {"baseline", rows_to_lanes, read_lanes, expand_lane};
}  // namespace gramzip::cpu
