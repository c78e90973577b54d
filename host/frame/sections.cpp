// SPDX-License-Identifier: Apache-2.0
#include "host/frame/sections.h"

#include <cstring>

#include "gramzip/core/quant.h"
#include "gramzip/core/wire.h"
#include "host/base/error.h"
#include "host/frame/model_wire.h"

namespace gramzip::frame {
namespace {
constexpr uint8_t kArchiveMagic[8] = {0x89, 'G', 'R', 'Z', '\r', '\n', 0x1a, '\n'};
constexpr const char* kFeatureNames[] = {"lossy", "delta", "model", "reference"};

// Of codec quantized, with the smallest elements and groups.
constexpr uint64_t kMaxGroups = kMaxSegmentBytes / quant::kMinGroup + 1;
constexpr uint64_t kMaxSegmentMeta = 64 + uint64_t{kMaxTables} * kMaxTableBytes + 8 +
                                     uint64_t{kMaxBlocks} * 24 + quant::kMaxFixedBytes +
                                     kMaxGroups * quant::kMaxGroupBytes;

[[noreturn]] void corrupt(const std::string& where, const char* what) {
  fail(ErrorCode::corrupt, where + ": " + what);
}
void expect_hash(const uint8_t* p, size_t n, const std::string& where) {
  if (hash64({p, n}) != load_le<uint64_t>(p + n)) corrupt(where, "its hash does not match");
}
void expect_zero(const uint8_t* p, size_t n, const std::string& where) {
  if (!all_zero(p, n)) corrupt(where, "a reserved byte is set");
}
HashFields fields(const Hash128& h) { return {h.low, h.high}; }
Hash128 load_hash128(const uint8_t* p) { return {load_le<uint64_t>(p), load_le<uint64_t>(p + 8)}; }
}  // namespace

const char* section_name(SectionType t) {
  switch (t) {
    case SectionType::members:
      return "members";
    case SectionType::segment:
      return "segment";
    case SectionType::index:
      return "index";
    case SectionType::model:
      return "model";
    case SectionType::tensors:
      return "tensor directory";
    case SectionType::note:
      return "note";
  }
  return "unknown";
}

bool is_archive_magic(const uint8_t* p, size_t n) {
  return n >= sizeof kArchiveMagic && std::memcmp(p, kArchiveMagic, sizeof kArchiveMagic) == 0;
}

void store_archive_header(uint8_t* p, const ArchiveHeader& h) {
  std::memset(p, 0, kArchiveHeaderBytes);
  std::memcpy(p, kArchiveMagic, sizeof kArchiveMagic);
  store_le<uint16_t>(p + 8, kVersion);
  store_le<uint32_t>(p + 12, h.features);
  store_le<uint64_t>(p + 16, h.window);
  store_hash128(p + 32, fields(h.base.hash));
  store_le<uint64_t>(p + 48, h.base.bytes);
  store_le<uint64_t>(p + 120, hash64({p, 120}));
}

ArchiveHeader load_archive_header(const uint8_t* p, const std::string& where) {
  if (!is_archive_magic(p, kArchiveHeaderBytes))
    fail(ErrorCode::not_an_archive, where + ": not a gramzip archive");
  // The version comes before the hash: a later version may hash differently.
  if (const uint16_t version = load_le<uint16_t>(p + 8); version != kVersion)
    fail(ErrorCode::unsupported, where + ": format version " + std::to_string(version) +
                                     ", but this gramzip reads version 1; use a newer one");
  expect_hash(p, 120, where);
  ArchiveHeader h;
  h.features = load_le<uint32_t>(p + 12);
  constexpr uint32_t kKnown = kFeatureLossy | kFeatureDelta | kFeatureModels | kFeatureReferences;
  for (uint32_t bit = 0; bit < 32; ++bit) {
    if ((((h.features & ~kKnown) >> bit) & 1u) == 0) continue;
    const std::string name = bit < 4 ? " (" + std::string(kFeatureNames[bit]) + ")" : "";
    fail(ErrorCode::unsupported, where + ": needs feature " + std::to_string(bit) + name +
                                     ", which this gramzip does not have; use a newer one");
  }
  expect_zero(p + 10, 2, where);
  h.window = load_le<uint64_t>(p + 16);
  if (h.window != 0 && !h.has(kFeatureReferences))
    corrupt(where, "a reference window without references");
  expect_zero(p + 24, 8, where);
  h.base = {load_le<uint64_t>(p + 48), load_hash128(p + 32)};
  if (h.base != ContentId{} && !h.has(kFeatureDelta)) corrupt(where, "a base without deltas");
  expect_zero(p + 56, 64, where);
  return h;
}

void store_section_header(uint8_t* p, SectionHeader& h) {
  h.header_hash = store_section_fields(p, {static_cast<uint8_t>(h.type), h.ordinal, h.meta_bytes,
                                           h.data_bytes, h.content_offset, h.meta_hash});
}

SectionHeader load_section_header(const uint8_t* p, const std::string& where) {
  if (load_le<uint32_t>(p) != kSectionMagic) corrupt(where, "does not start as a section does");
  expect_hash(p, 56, where);
  SectionHeader h{};
  h.type = static_cast<SectionType>(p[4]);
  h.ordinal = load_le<uint64_t>(p + 8);
  h.meta_bytes = load_le<uint64_t>(p + 16);
  h.data_bytes = load_le<uint64_t>(p + 24);
  h.content_offset = load_le<uint64_t>(p + 32);
  h.meta_hash = load_le<uint64_t>(p + 40);
  h.header_hash = load_le<uint64_t>(p + 56);
  expect_zero(p + 5, 3, where);
  expect_zero(p + 48, 8, where);
  switch (h.type) {
    case SectionType::members:
      if (h.meta_bytes == 0 || h.meta_bytes > kMaxMembersMeta || h.data_bytes != 0)
        corrupt(where, "a members section of impossible size");
      break;
    case SectionType::segment:
      if (h.meta_bytes > kMaxSegmentMeta || h.data_bytes % kBlockAlign != 0 ||
          h.data_bytes > uint64_t{kMaxSegmentBytes} + uint64_t{kMaxBlocks} * kBlockAlign)
        corrupt(where, "a segment of impossible size");
      break;
    case SectionType::index:
      if (h.meta_bytes > (uint64_t{1} << 56) || h.data_bytes != 0)
        corrupt(where, "an index of impossible size");
      break;
    case SectionType::model:
      if (h.meta_bytes < kModelHeaderBytes || h.meta_bytes > kMaxModelBytes || h.data_bytes != 0)
        corrupt(where, "a model of impossible size");
      break;
    case SectionType::note:
      if (h.meta_bytes == 0 || h.meta_bytes > kMaxNoteBytes || h.data_bytes != 0)
        corrupt(where, "a note of impossible size");
      break;
    case SectionType::tensors:
      fail(ErrorCode::unsupported,
           where + ": a " + section_name(h.type) +
               " section, which this gramzip does not know; use a newer one");
    default:
      fail(ErrorCode::unsupported, where + ": section type " + std::to_string(p[4]) +
                                       ", which this gramzip does not know; use a newer one");
  }
  return h;
}

void store_trailer(uint8_t* p, const Trailer& t) {
  store_trailer_fields(p, {t.index_offset, t.archive_bytes, t.content_bytes, fields(t.content_hash),
                           fields(t.index_hash)});
}

Trailer load_trailer(const uint8_t* p, const std::string& where) {
  if (load_le<uint64_t>(p) != kTrailerMagic) corrupt(where, "does not start as a trailer does");
  expect_hash(p, 120, where);
  expect_zero(p + 64, 56, where);
  return {load_le<uint64_t>(p + 8), load_le<uint64_t>(p + 16), load_le<uint64_t>(p + 24),
          load_hash128(p + 32), load_hash128(p + 48)};
}
}  // namespace gramzip::frame
