// SPDX-License-Identifier: Apache-2.0
// What a model makes of text, measured by coding it.
#pragma once
#include <span>

#include "host/engine/engine.h"

namespace gramzip {
// Bytes of the sections that the pieces, 1 byte to 16 MiB each, would take as segments. The model's
// own bytes are not counted.
uint64_t coded_text_bytes(Backend& backend, const model::TextModel& model,
                          std::span<const std::span<const uint8_t>> pieces, int level, int threads);
}  // namespace gramzip
