// SPDX-License-Identifier: Apache-2.0
#include "host/cli/sizes.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "host/cli/console.h"
#include "host/engine/segment_share.h"

namespace gramzip::cli {
void Sizes::add(const Sizes& s) {
  count += s.count, content += s.content, compressed += s.compressed, elements += s.elements;
}

std::string Sizes::bits_text() const {
  if (elements <= 0) return "-";
  return fmt::format("{:.3f}", 8 * static_cast<double>(compressed) / elements);
}

nlohmann::ordered_json Sizes::json() const {
  nlohmann::ordered_json j = {{"size", content},
                              {"compressed", compressed},
                              {"ratio", ratio(content, compressed)},
                              {"bits_per_weight", nullptr}};
  if (elements > 0) j["bits_per_weight"] = 8 * static_cast<double>(compressed) / elements;
  return j;
}

uint64_t compressed_share(const std::vector<SegmentInfo>& segments, uint64_t begin, uint64_t end) {
  return segment_share(segments, begin, end);
}

std::string ratio_text(uint64_t content, uint64_t archive) {
  return archive == 0 ? "-" : fmt::format("{:.3f}", ratio(content, archive));
}

const char* codec_text(Codec c) {
  switch (c) {
    case Codec::bytes:
      return "bytes";
    case Codec::floats:
      return "floats";
    case Codec::ngram:
      return "ngram";
    case Codec::exact_floats:
      return "exact";
    case Codec::quantized:
      return "quantized";
    case Codec::reference:
      return "reference";
    case Codec::planes:
      return "planes";
    case Codec::fast_floats:
      return "fast";
    case Codec::delta:
      return "delta";
    case Codec::sparse_delta:
      return "sparse";
  }
  return "?";
}
}  // namespace gramzip::cli
