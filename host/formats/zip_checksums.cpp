// SPDX-License-Identifier: Apache-2.0
#include "host/formats/zip_checksums.h"

#include <algorithm>

#include "gramzip/core/wire.h"
#include "host/base/workers.h"
#include "host/formats/byte_window.h"
#include "host/formats/zip_directory.h"

namespace gramzip::zip {
namespace {
constexpr uint32_t kDescriptor = 0x08074b50;
constexpr uint64_t kCentralBytes = 46, kCentralCrc = 16, kLocalCrc = 14;
constexpr uint16_t kDescriptorFollows = 8;

using Tables = std::array<std::array<uint32_t, 256>, 8>;
// Table k: a byte with k bytes of zeros behind it.
consteval Tables make_tables() {
  Tables t{};
  for (uint32_t i = 0; i < 256; ++i) {
    uint32_t c = i;
    for (int bit = 0; bit < 8; ++bit) c = (c & 1) != 0 ? 0xedb88320u ^ (c >> 1) : c >> 1;
    t[0][i] = c;
  }
  for (size_t k = 1; k < 8; ++k)
    for (uint32_t i = 0; i < 256; ++i) t[k][i] = t[0][t[k - 1][i] & 255] ^ (t[k - 1][i] >> 8);
  return t;
}
constexpr Tables kTables = make_tables();

uint32_t read_u32(RandomSource& file, uint64_t at) {
  uint8_t p[4];
  return file.read_at(at, p, 4) == 4 ? load_le<uint32_t>(p) : 0;
}

uint32_t crc_of(RandomSource& file, uint64_t at, uint64_t bytes) {
  std::vector<uint8_t> part;
  uint32_t crc = 0;
  while (bytes > 0) {
    part.resize(static_cast<size_t>(std::min<uint64_t>(bytes, 1u << 20)));
    formats::read_exactly(file, at, part.data(), part.size());
    crc = crc32(part, crc);
    at += part.size(), bytes -= part.size();
  }
  return crc;
}
}  // namespace

uint32_t crc32(std::span<const uint8_t> bytes, uint32_t before) {
  uint32_t c = ~before;
  const uint8_t* p = bytes.data();
  size_t n = bytes.size();
  for (; n >= 8; n -= 8, p += 8) {
    const uint32_t a = load_le<uint32_t>(p) ^ c, b = load_le<uint32_t>(p + 4);
    c = kTables[7][a & 255] ^ kTables[6][a >> 8 & 255] ^ kTables[5][a >> 16 & 255] ^
        kTables[4][a >> 24] ^ kTables[3][b & 255] ^ kTables[2][b >> 8 & 255] ^
        kTables[1][b >> 16 & 255] ^ kTables[0][b >> 24];
  }
  for (; n > 0; --n, ++p) c = kTables[0][(c ^ *p) & 255] ^ (c >> 8);
  return ~c;
}

std::vector<Patch> changed_checksums(RandomSource& original, RandomSource& changed,
                                     const std::function<bool(uint64_t, uint64_t)>& touched) {
  const Directory directory(original);
  std::vector<std::vector<Patch>> found(directory.entries().size());
  parallel_loop(found.size(), [&](size_t i) {
    const Entry& e = directory.entries()[i];
    if (!e.plain()) return;
    const uint64_t begin = directory.locate(e), end = begin + e.size;
    if (!touched(begin, end)) return;
    const uint32_t crc = crc_of(changed, begin, e.size);
    const std::array<uint8_t, 4> bytes = {static_cast<uint8_t>(crc), static_cast<uint8_t>(crc >> 8),
                                          static_cast<uint8_t>(crc >> 16),
                                          static_cast<uint8_t>(crc >> 24)};
    const uint64_t central = e.name_at - kCentralBytes + kCentralCrc;
    const uint32_t before = read_u32(original, central);
    found[i].push_back({central, bytes});
    if (read_u32(original, e.local + kLocalCrc) == before)
      found[i].push_back({e.local + kLocalCrc, bytes});
    if ((e.flags & kDescriptorFollows) == 0) return;
    const uint64_t descriptor = read_u32(original, end) == kDescriptor ? end + 4 : end;
    if (descriptor + 4 <= e.limit && read_u32(original, descriptor) == before)
      found[i].push_back({descriptor, bytes});
  });
  std::vector<Patch> out;
  for (const auto& f : found) out.insert(out.end(), f.begin(), f.end());
  std::sort(out.begin(), out.end(), [](const Patch& a, const Patch& b) { return a.at < b.at; });
  return out;
}
}  // namespace gramzip::zip
