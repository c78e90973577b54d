// SPDX-License-Identifier: Apache-2.0
// Makes the hashes of an archive fit what stands in it (docs/format.md, 2), so that what the fuzzer
// changes is met by the checks behind them. Hashes of decoded content are left as they are.
#pragma once
#include <map>

#include "gramzip/core/format.h"
#include "host/base/checksum.h"
#include "host/frame/sections.h"

namespace gramzip::test {
inline void store_hash128(uint8_t* p, const Hash128& h) {
  store_le<uint64_t>(p, h.low);
  store_le<uint64_t>(p + 8, h.high);
}

// The coded hashes of the block records at the end of a segment's meta.
inline void reseal_blocks(std::span<uint8_t> meta, std::span<const uint8_t> data) {
  if (meta.size() < kSegmentHeaderBytes) return;
  const uint64_t blocks = load_le<uint32_t>(meta.data() + 8);
  if (blocks > (meta.size() - kSegmentHeaderBytes) / kBlockRecordBytes) return;
  uint64_t at = 0;
  for (uint64_t b = 0; b < blocks; ++b) {
    uint8_t* record = meta.data() + meta.size() - (blocks - b) * kBlockRecordBytes;
    const uint64_t bytes = load_le<uint32_t>(record + 4);
    if (at > data.size() || bytes > data.size() - at) return;
    store_le<uint64_t>(record + 8, hash64(data.subspan(at, bytes)));
    at = round_up(at + bytes, kBlockAlign);
  }
}

inline void reseal(std::span<uint8_t> file) {
  using namespace frame;
  size_t begin = 0;  // of an archive
  while (file.size() - begin >= kArchiveHeaderBytes) {
    uint8_t* const archive = file.data() + begin;
    const size_t room = file.size() - begin;
    store_le<uint64_t>(archive + 120, hash64({archive, 120}));
    std::map<uint64_t, uint64_t> header_hashes;  // of sections, by place
    Hash128 index_hash{};
    bool index = false;
    uint64_t at = kArchiveHeaderBytes;
    while (!index && at + kSectionHeaderBytes <= room) {
      uint8_t* const header = archive + at;
      const uint64_t meta_bytes = load_le<uint64_t>(header + 16);
      const uint64_t data_bytes = load_le<uint64_t>(header + 24);
      if (meta_bytes > room - at - kSectionHeaderBytes) return;
      const std::span<uint8_t> meta(header + kSectionHeaderBytes, meta_bytes);
      const uint64_t data_at = at + round_up(kSectionHeaderBytes + meta_bytes, kBlockAlign);
      if (data_at > room || data_bytes > room - data_at) return;
      const auto type = static_cast<SectionType>(header[4]);
      if (type == SectionType::segment) reseal_blocks(meta, {archive + data_at, data_bytes});
      if ((index = type == SectionType::index) && meta_bytes >= 16) {
        const uint64_t sections = load_le<uint64_t>(meta.data());
        for (uint64_t i = 0; i < sections && 16 + 48 * (i + 1) <= meta_bytes; ++i) {
          uint8_t* const entry = meta.data() + 16 + 48 * i;
          const auto known = header_hashes.find(load_le<uint64_t>(entry));
          if (known != header_hashes.end()) store_le<uint64_t>(entry + 32, known->second);
        }
        index_hash = hash128(meta);
      }
      store_le<uint64_t>(header + 40, hash64(meta));
      store_le<uint64_t>(header + 56, hash64({header, 56}));
      header_hashes[at] = load_le<uint64_t>(header + 56);
      at = round_up(data_at + data_bytes, kSectionAlign);
      if (at > room) return;
    }
    if (!index || room - at < kTrailerBytes) return;
    store_hash128(archive + at + 48, index_hash);
    store_le<uint64_t>(archive + at + 120, hash64({archive + at, 120}));
    begin += at + kTrailerBytes;
  }
}
}  // namespace gramzip::test
