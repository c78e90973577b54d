// SPDX-License-Identifier: Apache-2.0
// Inner parts of ArchiveReader: host/engine/archive_open.cpp and archive_reader.cpp alone include
// this.
#pragma once
#include <atomic>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "host/engine/decode_part.h"
#include "host/engine/model_slots.h"
#include "host/frame/index.h"

namespace gramzip {
struct ArchiveReader::Impl {
  // One section and where its archive begins in the file.
  struct Place {
    frame::SectionEntry entry;
    uint64_t archive_at;
    size_t archive = 0;                       // its number
    size_t models_begin = 0, models_end = 0;  // of a segment: model sections in reach
  };

  std::shared_ptr<RandomSource> in;
  std::vector<Member> members;
  std::vector<SegmentInfo> segments;
  std::vector<Place> places;  // as segments
  std::vector<Place> models;  // model sections
  std::vector<Place> notes;   // note sections
  std::vector<frame::ArchiveHeader> headers;
  std::vector<size_t> first_segments;  // of each archive
  std::mutex slots_mutex;
  std::deque<std::pair<size_t, std::shared_ptr<ModelSlot>>> slots;  // by model, last used first
  std::mutex bases_mutex;
  std::map<size_t, BasePtr> bases;  // by archive, once found
  std::optional<Hash128> hash;      // of one archive's content
  uint64_t content_bytes = 0, archive_bytes = 0;
  std::atomic<uint64_t> blocks_decoded{0};

  void open();
  void load_archive(uint64_t at, uint64_t content, const frame::Index& index,
                    const frame::ArchiveHeader& header);
  frame::SectionHeader section_header(const frame::SectionEntry& e, uint64_t archive_at) const;
  frame::SegmentMeta meta_of(const Place& p, frame::SectionHeader& h) const;
  std::shared_ptr<ModelSlot> slot(size_t model);
  ModelPtr model_of(const Place& p, const frame::SegmentMeta& m, std::span<const ModelPtr> given,
                    const std::string& where);
  BasePtr base_of(size_t archive, const DecompressOptions& options);
  EarlierSegment earlier(size_t archive, uint64_t content_offset) const;
  void decode_segment(size_t segment, uint64_t begin, uint64_t end, std::vector<uint8_t>& out,
                      Backend& backend, const DecompressOptions& options);
};
}  // namespace gramzip
