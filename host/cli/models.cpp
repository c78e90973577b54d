// SPDX-License-Identifier: Apache-2.0
#include "host/cli/models.h"

#include <fmt/format.h>

#include <algorithm>

#include "host/cli/files.h"
#include "host/frame/model_file.h"
#include "host/frame/model_wire.h"

namespace gramzip::cli {
namespace {
constexpr uint64_t kRun = 1u << 20;

// Appends up to n bytes of a source as pieces.
void append(TextSample& sample, Source& source, uint64_t n) {
  while (n > 0) {
    std::vector<uint8_t> piece(std::min<uint64_t>(n, kMaxSegmentBytes));
    const size_t want = piece.size(), got = source.read(piece.data(), want);
    piece.resize(got);
    sample.bytes += got;
    n -= got;
    if (got > 0) sample.pieces.push_back(std::move(piece));
    if (got < want) return;
  }
}
}  // namespace

std::vector<ModelPtr> load_models(const std::vector<std::string>& paths) {
  std::vector<ModelPtr> models;
  for (const std::string& path : paths) {
    FileSource source(path);
    // One byte more than a model can have: the check sees it.
    std::vector<uint8_t> file(frame::kMaxModelBytes + frame::kModelFileHashBytes + 1);
    file.resize(source.read(file.data(), file.size()));
    models.push_back(
        std::make_shared<const model::TextModel>(frame::load_model_file(file, shown(path))));
  }
  return models;
}

std::vector<std::span<const uint8_t>> TextSample::spans() const {
  return {pieces.begin(), pieces.end()};
}

TextSample read_text(const std::vector<std::string>& paths, uint64_t most) {
  TextSample sample;
  std::vector<uint64_t> sizes;
  bool regular = true;
  for (const std::string& path : paths) {
    const FileSource source(path);
    regular &= source.regular() && path != "-";
    sizes.push_back(source.size_hint());
    sample.total_bytes += sizes.back();
  }
  if (!regular || sample.total_bytes <= most) {
    for (const std::string& path : paths) {
      FileSource source(path);
      append(sample, source, most - sample.bytes);
    }
    if (!regular) sample.total_bytes = sample.bytes;
    return sample;
  }
  const uint64_t runs = std::max<uint64_t>(1, most / kRun);
  size_t file = 0;
  uint64_t begin = 0;  // of the file, in all text
  auto source = std::make_unique<FileRandomSource>(paths[0]);
  for (uint64_t i = 0; i < runs; ++i) {
    const uint64_t at = sample.total_bytes / runs * i;
    while (at >= begin + sizes[file]) {
      begin += sizes[file++];
      source = std::make_unique<FileRandomSource>(paths[file]);
    }
    std::vector<uint8_t> piece(kRun);
    piece.resize(source->read_at(at - begin, piece.data(), piece.size()));
    sample.bytes += piece.size();
    if (!piece.empty()) sample.pieces.push_back(std::move(piece));
  }
  return sample;
}

size_t utf8_length(std::string_view s) {
  const auto byte = [&](size_t i) { return static_cast<unsigned char>(s[i]); };
  const size_t n = byte(0) >= 0xf0 ? 4 : byte(0) >= 0xe0 ? 3 : 2;
  if (byte(0) < 0xc2 || byte(0) > 0xf4 || s.size() < n) return 0;
  for (size_t i = 1; i < n; ++i)
    if ((byte(i) & 0xc0) != 0x80) return 0;
  const unsigned second = byte(1);
  const bool bad = (byte(0) == 0xe0 && second < 0xa0) || (byte(0) == 0xed && second > 0x9f) ||
                   (byte(0) == 0xf0 && second < 0x90) || (byte(0) == 0xf4 && second > 0x8f) ||
                   (byte(0) == 0xc2 && second < 0xa0);  // C1 control characters
  return bad ? 0 : n;
}

std::string in_quotes(std::string_view bytes) {
  std::string out = "\"";
  for (size_t i = 0; i < bytes.size();) {
    const auto u = static_cast<unsigned char>(bytes[i]);
    if (const size_t n = utf8_length(bytes.substr(i)); u >= 0x80 && n > 0) {
      out += bytes.substr(i, n);
      i += n;
      continue;
    }
    ++i;
    if (u == '\n') {
      out += "\\n";
    } else if (u == '\t') {
      out += "\\t";
    } else if (u == '\r') {
      out += "\\r";
    } else if (u == '"' || u == '\\') {
      out += std::string("\\") + static_cast<char>(u);
    } else if (u < 0x20 || u >= 0x7f) {
      out += fmt::format("\\x{:02x}", u);
    } else {
      out += static_cast<char>(u);
    }
  }
  return out + "\"";
}
}  // namespace gramzip::cli
