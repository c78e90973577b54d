// SPDX-License-Identifier: Apache-2.0
// Parts of segments of an archive that can be read anywhere, and what segments refer to.
#pragma once
#include <functional>
#include <string>
#include <vector>

#include "host/engine/base.h"
#include "host/frame/segment_meta.h"

namespace gramzip {
void read_exactly(RandomSource& in, uint64_t at, uint8_t* p, size_t n, const std::string& what);

// The meta of a segment section at byte `at` of `in`.
frame::SegmentMeta read_segment_meta(RandomSource& in, uint64_t at, const frame::SectionHeader& h,
                                     const std::string& where);

// The bytes of the base in place of blocks first to first + count - 1; empty if the codec uses
// none. base: null if the archive has none.
std::vector<uint8_t> base_of_blocks(const frame::SegmentMeta& m, uint32_t first, uint32_t count,
                                    Base* base, const std::string& where);

// Decodes content [begin, end) of one segment that is no reference, offsets within it, reading only
// the blocks concerned and the sources of those that are repeats; with a model (codec ngram) also
// all blocks before. data_at: where its data begins in `in`. Returns how many blocks were decoded.
uint32_t decode_part(RandomSource& in, uint64_t data_at, uint64_t data_bytes,
                     const frame::SegmentMeta& m, uint64_t begin, uint64_t end,
                     const model::TextModel* model, Base* base, Backend& backend,
                     std::vector<uint8_t>& out, const std::string& where);

// A segment before another in its archive.
struct EarlierSegment {
  RandomSource* in = nullptr;  // null: it is text with a model
  uint64_t at = 0;             // of its section in `in`
  uint64_t content_offset = 0, content_bytes = 0;
};
// A segment of codec reference.
struct Reference {
  const frame::SegmentMeta& meta;
  uint64_t content_offset;  // of the segment
  const frame::ArchiveHeader& header;
  const std::string& where;
};
// All content of a reference (docs/format.md, 15). find: the earlier segment that holds that byte
// of the content. Returns how many blocks were decoded.
uint32_t decode_reference(const Reference& r, const std::function<EarlierSegment(uint64_t)>& find,
                          Base* base, Backend& backend, std::span<uint8_t> out);
}  // namespace gramzip
