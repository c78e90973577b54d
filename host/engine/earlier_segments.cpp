// SPDX-License-Identifier: Apache-2.0
#include "host/engine/earlier_segments.h"

#include <algorithm>

namespace gramzip {
void EarlierSegments::add(const frame::Section& section) {
  if (!on_) return;
  EarlierSegment e;
  e.content_offset = section.header.content_offset;
  e.content_bytes = frame::claimed_bytes(section.parts.meta);
  if (archive_ != nullptr) {
    e.in = archive_;
    e.at = at_ + section.offset;
  } else if (section.parts.meta.empty() ||
             section.parts.meta[0] != static_cast<uint8_t>(Codec::ngram)) {
    e.in = &spool_;
    e.at = spool_.size();
    uint8_t header[frame::kSectionHeaderBytes];
    frame::SectionHeader h = section.header;
    frame::store_section_header(header, h);
    spool_.append(header);
    spool_.append({section.parts.meta.data(), h.section_bytes() - sizeof header});
  }
  const std::lock_guard lock(mutex_);
  segments_.push_back(e);
}

EarlierSegment EarlierSegments::find(uint64_t content_offset) {
  const std::lock_guard lock(mutex_);
  const auto after =
      std::upper_bound(segments_.begin(), segments_.end(), content_offset,
                       [](uint64_t at, const EarlierSegment& e) { return at < e.content_offset; });
  return after == segments_.begin() ? EarlierSegment() : *(after - 1);
}
}  // namespace gramzip
