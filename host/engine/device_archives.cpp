// SPDX-License-Identifier: Apache-2.0
#include "host/engine/device_archives.h"

#include <algorithm>

#include "host/backend/plain_segment.h"
#include "host/base/error.h"
#include "host/engine/engine.h"
#include "host/frame/writer.h"

namespace gramzip {
namespace {
std::string codec_name(Codec c) {
  switch (c) {
    case Codec::ngram:
      return "n-gram text";
    case Codec::quantized:
      return "quantized weights";
    default:
      return "references";
  }
}

// A segment of a delta refers to bytes of the base that its archive names, at a place that the
// device can read; all archives of a file name the same.
void require_base_place(const ArchiveReader& reader, const ArchiveReader::SegmentPlace& p) {
  const SegmentHeader& h = p.meta.header;
  if (!h.of_base) return;
  const frame::ContentId& base = reader.headers().front().base;
  for (const frame::ArchiveHeader& other : reader.headers())
    if (other.base != base)
      fail(ErrorCode::unsupported,
           "archives of one file with several bases are not decoded by the device interface");
  if (h.reference_at > base.bytes || h.decoded_bytes > base.bytes - h.reference_at)
    fail(ErrorCode::corrupt, p.where + ": it refers to bytes behind the end of the base");
  if (h.reference_at % device::kBaseAlign != 0)
    fail(
        ErrorCode::unsupported,
        p.where +
            ": it refers to an uneven place of the base, which the device interface does not read");
}

// An archive of one nameless member.
void write_plain_archive(std::span<const uint8_t> content, const EncodedSegment* segment,
                         Sink& out) {
  frame::ArchiveWriter writer(out);
  const frame::MemberRecord member{0, 0644, 0, ""};
  writer.members({&member, 1});
  if (segment != nullptr) writer.segment(*segment);
  const Hash128 hash = hash128(content);
  writer.finish({{0, content.size(), hash}}, hash);
}

class BytesSink final : public Sink {
 public:
  void write(std::span<const uint8_t> b) override { bytes.insert(bytes.end(), b.begin(), b.end()); }
  std::vector<uint8_t> bytes;
};

// The archive of an empty array: what all have in common, and an index and a trailer.
std::vector<uint8_t> empty_archive() {
  BytesSink out;
  write_plain_archive({}, nullptr, out);
  return std::move(out.bytes);
}
// Header, and a members section with one record of 16 bytes.
constexpr uint64_t kHeadBytes = kArchiveHeaderBytes + section_bytes(16, 0);
constexpr uint64_t kTailBytes =
    section_bytes(kIndexFixedBytes + 2 * kSectionEntryBytes + kMemberEntryBytes, 0) + kTrailerBytes;
}  // namespace

std::unique_ptr<device::DecodePlan> plan_device_decode(
    std::span<const std::shared_ptr<RandomSource>> archives,
    std::optional<std::vector<device::PlannedItem>> items, const device::Allocator& allocator,
    device::Stream stream) {
  std::vector<std::unique_ptr<ArchiveReader>> readers;
  for (const auto& a : archives) readers.push_back(std::make_unique<ArchiveReader>(a));
  if (!items) {
    items.emplace();
    for (size_t i = 0; i < readers.size(); ++i)
      items->push_back({i, 0, readers[i]->content_bytes()});
  }
  std::vector<std::vector<bool>> wanted(readers.size());
  for (size_t i = 0; i < readers.size(); ++i)
    wanted[i].resize(readers[i]->segments().size(), false);
  for (size_t i = 0; i < items->size(); ++i) {
    const device::PlannedItem& item = (*items)[i];
    const auto refuse = [i](const char* what) {
      fail(ErrorCode::invalid_argument, "item " + std::to_string(i) + ": " + what);
    };
    if (item.archive >= readers.size()) refuse("there is no such archive");
    ArchiveReader& reader = *readers[item.archive];
    if (item.begin > reader.content_bytes() || item.size > reader.content_bytes() - item.begin)
      refuse("beyond the content of its archive");
    if (item.size == 0) continue;
    const auto& segments = reader.segments();
    for (size_t s = reader.segment_at(item.begin);
         s < segments.size() && segments[s].content_offset < item.begin + item.size; ++s)
      wanted[item.archive][s] = true;
  }
  std::vector<ArchiveReader::SegmentPlace> places;  // views point into it
  std::vector<std::pair<size_t, uint64_t>> owners;
  for (size_t a = 0; a < readers.size(); ++a)
    for (size_t s = 0; s < wanted[a].size(); ++s) {
      if (!wanted[a][s]) continue;
      places.push_back(readers[a]->segment_place(s));
      if (!device::decodes(places.back().meta.header.codec))
        fail(ErrorCode::unsupported, places.back().where + ": " +
                                         codec_name(places.back().meta.header.codec) +
                                         " are not decoded by the device interface");
      owners.emplace_back(a, readers[a]->segments()[s].content_offset);
      require_base_place(*readers[a], places.back());
    }
  std::vector<device::PlannedSegment> segments;
  for (size_t i = 0; i < places.size(); ++i)
    segments.push_back({places[i].meta.view({}), owners[i].first, places[i].data_at,
                        owners[i].second, places[i].meta.header.of_base});
  return device::plan_decode(readers.size(), segments, *items, allocator, stream);
}

void compress_array(std::span<const uint8_t> array, ElementType type, uint32_t segment_bytes,
                    Sink& out) {
  if (array.empty()) return out.write(empty_archive());
  EncodedSegment segment;
  for (size_t at = 0; at < array.size(); at += segment_bytes) {
    const auto content = array.subspan(at, std::min<size_t>(segment_bytes, array.size() - at));
    cpu::encode_plain(type, content, segment);
    write_plain_archive(content, &segment, out);
  }
}

uint64_t compress_array_bound(uint64_t size, ElementType type, uint32_t segment_bytes) {
  if (size == 0) return empty_archive().size();
  const auto bound = [type](uint32_t bytes) {
    const SegmentHeader h = make_plain_header(type, bytes);
    const uint64_t meta = plain_meta_bound(h);
    return kHeadBytes + section_bytes(meta, segment_data_bound(bytes, h.blocks)) + kTailBytes;
  };
  const uint64_t whole = size / segment_bytes, each = bound(segment_bytes);
  const auto rest = static_cast<uint32_t>(size % segment_bytes);
  const uint64_t last = rest == 0 ? 0 : bound(rest);
  return whole > (UINT64_MAX - last) / each ? UINT64_MAX : whole * each + last;
}

std::unique_ptr<device::EncodePlan> plan_device_encode(std::span<const device::PlannedArray> arrays,
                                                       uint32_t segment_bytes,
                                                       const device::Allocator& allocator,
                                                       device::Stream stream) {
  device::ArchiveHead head;
  head.empty = empty_archive();
  head.bytes.assign(head.empty.begin(), head.empty.begin() + kHeadBytes);
  head.members_header_hash =
      load_le<uint64_t>(head.bytes.data() + kArchiveHeaderBytes + kSectionHeaderBytes - 8);
  std::vector<uint64_t> bounds;
  for (const device::PlannedArray& a : arrays)
    bounds.push_back(compress_array_bound(a.size, a.type, segment_bytes));
  return device::plan_encode(arrays, bounds, segment_bytes, head, allocator, stream);
}
}  // namespace gramzip
