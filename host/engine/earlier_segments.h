// SPDX-License-Identifier: Apache-2.0
// The segments of an archive that is read front to back, for those that refer to them.
#pragma once
#include <memory>
#include <mutex>
#include <vector>

#include "host/engine/decode_part.h"
#include "host/engine/spool.h"
#include "host/frame/stream_reader.h"

namespace gramzip {
class EarlierSegments {
 public:
  // archive: the archive's bytes from `at` on, if they can be read anywhere; else segments are
  // kept.
  EarlierSegments(const frame::ArchiveHeader& header, RandomSource* archive, uint64_t at)
      : on_(header.has(frame::kFeatureReferences)), archive_(archive), at_(at) {}
  // A segment section, in order.
  void add(const frame::Section& section);
  // By any thread: the one that holds that byte of the content, or an empty one.
  EarlierSegment find(uint64_t content_offset);

 private:
  const bool on_;
  RandomSource* const archive_;
  const uint64_t at_;
  Spool spool_;
  std::mutex mutex_;
  std::vector<EarlierSegment> segments_;
};
}  // namespace gramzip
