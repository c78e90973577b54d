// SPDX-License-Identifier: Apache-2.0
// What parts of an archive take, for listing.
#pragma once
#include <nlohmann/json_fwd.hpp>
#include <string>

#include "host/engine/engine.h"

namespace gramzip::cli {
// Sizes of one tensor or of many; `elements` is 0 if they have none.
struct Sizes {
  uint64_t count = 0, content = 0, compressed = 0;
  double elements = 0;
  void add(const Sizes& s);
  std::string bits_text() const;  // of archive a weight; "-" without elements
  nlohmann::ordered_json json() const;
};

// The share of the archive that carries content [begin, end): of each segment what its bytes take
// in proportion.
uint64_t compressed_share(const std::vector<SegmentInfo>& segments, uint64_t begin, uint64_t end);

std::string ratio_text(uint64_t content, uint64_t archive);
const char* codec_text(Codec c);
}  // namespace gramzip::cli
