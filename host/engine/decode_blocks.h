// SPDX-License-Identifier: Apache-2.0
// Blocks of one segment, decoded and judged.
#pragma once
#include <span>
#include <string>

#include "host/backend/backend.h"
#include "host/frame/segment_meta.h"

namespace gramzip {
// Decodes `count` blocks from `first` into out; base as in DecodeRequest. Throws Error(corrupt)
// that names the first bad block.
void decode_blocks(Backend& backend, const SegmentView& segment, uint32_t first, uint32_t count,
                   std::span<uint8_t> out, std::span<const uint8_t> base, const std::string& where);
// Throws for the first status that is not ok.
void judge(std::span<const BlockStatus> status, uint32_t first_block, const std::string& where);
}  // namespace gramzip
