// SPDX-License-Identifier: Apache-2.0
// Random access: trailers from the end of the file, indexes, then single blocks.
#include <algorithm>
#include <atomic>
#include <deque>
#include <exception>
#include <mutex>

#include "host/engine/decode_blocks.h"
#include "host/engine/engine.h"
#include "host/engine/model_slots.h"
#include "host/engine/pipeline.h"
#include "host/frame/member_records.h"
#include "host/frame/stream_reader.h"

namespace gramzip {
namespace {
using frame::SectionType;

// One section and where its archive begins in the file.
struct Place {
  frame::SectionEntry entry;
  uint64_t archive_at;
  uint32_t features = 0;                    // of the archive
  size_t models_begin = 0, models_end = 0;  // of a segment: model sections in reach
};

void read_exactly(RandomSource& in, uint64_t at, uint8_t* p, size_t n, const std::string& what) {
  if (in.read_at(at, p, n) < n)
    fail(ErrorCode::truncated, what + ": the archive ends too early; it is truncated");
}
}  // namespace

struct ArchiveReader::Impl {
  std::shared_ptr<RandomSource> in;
  std::vector<Member> members;
  std::vector<SegmentInfo> segments;
  std::vector<Place> places;  // as segments
  std::vector<Place> models;  // model sections
  std::mutex slots_mutex;
  std::deque<std::pair<size_t, std::shared_ptr<ModelSlot>>> slots;  // by model, last used first
  uint64_t content_bytes = 0, archive_bytes = 0;
  std::atomic<uint64_t> blocks_decoded{0};

  void open();
  void load_archive(uint64_t at, uint64_t content, const frame::Index& index, uint32_t features);
  frame::SectionHeader section_header(const frame::SectionEntry& e, uint64_t archive_at) const;
  frame::SegmentMeta meta_of(const Place& p, frame::SectionHeader& h) const;
  std::shared_ptr<ModelSlot> slot(size_t model);
  ModelPtr model_of(const Place& p, const frame::SegmentMeta& m, std::span<const ModelPtr> given,
                    const std::string& where);
  void decode_part(const Place& p, uint64_t begin, uint64_t end, std::vector<uint8_t>& out,
                   Backend& backend, std::span<const ModelPtr> given);
};

// The section's header, which must be the one that the index names.
frame::SectionHeader ArchiveReader::Impl::section_header(const frame::SectionEntry& e,
                                                         uint64_t archive_at) const {
  const std::string where = std::string(section_name(e.type)) + " section (archive offset " +
                            std::to_string(e.offset) + ")";
  uint8_t bytes[frame::kSectionHeaderBytes];
  read_exactly(*in, archive_at + e.offset, bytes, sizeof bytes, where);
  const frame::SectionHeader h = frame::load_section_header(bytes, where);
  if (h.header_hash != e.header_hash || h.type != e.type || h.section_bytes() != e.bytes ||
      h.content_offset != e.content_offset)
    fail(ErrorCode::corrupt, where + ": it is not the section that the index names");
  return h;
}

void ArchiveReader::Impl::open() {
  // Trailers are found back to front, archives are then listed front to back.
  struct Found {
    uint64_t at;
    frame::Trailer trailer;
    frame::Index index;
    uint32_t features = 0;
  };
  std::vector<Found> found;
  uint64_t end = in->size();
  archive_bytes = end;
  do {
    const std::string where =
        end == in->size() ? "trailer"
                          : "trailer of the archive that ends at byte " + std::to_string(end);
    uint8_t head[frame::kArchiveHeaderBytes];
    if (end < frame::kArchiveHeaderBytes + frame::kTrailerBytes) {
      const size_t got = in->read_at(0, head, sizeof head);
      if (!frame::is_archive_magic(head, got))
        fail(ErrorCode::not_an_archive, "archive header: not a gramzip archive");
      fail(ErrorCode::truncated, where + ": the archive is truncated");
    }
    uint8_t bytes[frame::kTrailerBytes];
    read_exactly(*in, end - sizeof bytes, bytes, sizeof bytes, where);
    Found f;
    try {
      f.trailer = frame::load_trailer(bytes, where);
    } catch (const Error&) {
      // Say the more useful thing: not an archive at all, a newer version, or cut off.
      read_exactly(*in, 0, head, sizeof head, "archive header");
      frame::load_archive_header(head, "archive header");
      fail(ErrorCode::truncated,
           where +
               ": not found or damaged; the archive is truncated, or bytes follow it. "
               "Decompressing front to back reads what is there");
    }
    const frame::Trailer& t = f.trailer;
    if (t.archive_bytes > end || t.archive_bytes < sizeof head + sizeof bytes ||
        t.index_offset > t.archive_bytes - sizeof bytes - frame::kSectionHeaderBytes ||
        t.index_offset < sizeof head)
      fail(ErrorCode::corrupt, where + ": it does not describe this archive");
    f.at = end - t.archive_bytes;
    read_exactly(*in, f.at, head, sizeof head, "archive header");
    f.features = frame::load_archive_header(head, "archive header at byte " + std::to_string(f.at));

    const std::string place =
        "index section (archive offset " + std::to_string(t.index_offset) + ")";
    uint8_t section[frame::kSectionHeaderBytes];
    read_exactly(*in, f.at + t.index_offset, section, sizeof section, place);
    const frame::SectionHeader h = frame::load_section_header(section, place);
    if (h.type != SectionType::index ||
        t.index_offset + h.section_bytes() + sizeof bytes != t.archive_bytes ||
        h.content_offset != t.content_bytes)
      fail(ErrorCode::corrupt, place + ": it does not fit its trailer");
    std::vector<uint8_t> body(h.section_bytes() - sizeof section);  // at most the file's size
    read_exactly(*in, f.at + t.index_offset + sizeof section, body.data(), body.size(), place);
    const auto meta = frame::split_section(h, body, place).meta;
    if (!(hash128(meta) == t.index_hash))
      fail(ErrorCode::corrupt, place + ": its hash is not the trailer's");
    f.index = frame::load_index(meta, t.index_offset, t.content_bytes, place);
    if (h.ordinal != f.index.sections.size())
      fail(ErrorCode::corrupt, place + ": sections are missing");
    end = f.at;
    found.push_back(std::move(f));
  } while (end > 0);
  for (auto f = found.rbegin(); f != found.rend(); ++f)
    load_archive(f->at, f->trailer.content_bytes, f->index, f->features);
}

void ArchiveReader::Impl::load_archive(uint64_t at, uint64_t content, const frame::Index& index,
                                       uint32_t features) {
  size_t member = 0;
  const size_t models_before = models.size();
  for (const frame::SectionEntry& e : index.sections) {
    if (e.type == SectionType::segment) {
      segments.push_back(
          {at + e.offset, e.bytes, content_bytes + e.content_offset, e.content_bytes});
      const size_t before = models.size() - models_before;
      places.push_back({e, at, features, models.size() - std::min(before, frame::kModelsInReach),
                        models.size()});
      continue;
    }
    if (e.type == SectionType::model) {
      models.push_back({e, at, features});
      continue;
    }
    const frame::SectionHeader h = section_header(e, at);
    const std::string where = frame::place_of(h, e.offset);
    std::vector<uint8_t> body(h.section_bytes() - frame::kSectionHeaderBytes);
    read_exactly(*in, at + e.offset + frame::kSectionHeaderBytes, body.data(), body.size(), where);
    for (const frame::MemberRecord& r :
         frame::load_members(frame::split_section(h, body, where).meta, where)) {
      if (member >= index.members.size() || index.members[member].start != r.start)
        fail(ErrorCode::corrupt, where + ": its members are not those of the index");
      const frame::MemberEntry& m = index.members[member++];
      if (r.name.empty() && index.members.size() > 1)
        fail(ErrorCode::corrupt, where + ": a member without a name is not the only one");
      members.push_back({r.name, r.mode, static_cast<MemberKind>(r.kind), content_bytes + m.start,
                         m.size, m.hash});
    }
  }
  if (member != index.members.size())
    fail(ErrorCode::corrupt, "index section: it names members that the archive has not");
  content_bytes += content;
}

frame::SegmentMeta ArchiveReader::Impl::meta_of(const Place& p, frame::SectionHeader& h) const {
  h = section_header(p.entry, p.archive_at);
  const std::string where = frame::place_of(h, p.entry.offset);
  std::vector<uint8_t> meta(h.meta_bytes);
  read_exactly(*in, p.archive_at + p.entry.offset + frame::kSectionHeaderBytes, meta.data(),
               meta.size(), where);
  if (hash64(meta) != h.meta_hash)
    fail(ErrorCode::corrupt, where + ": the hash of its meta does not match");
  frame::SegmentMeta m = frame::load_segment_meta(meta, h.data_bytes, where);
  if (m.header.decoded_bytes != p.entry.content_bytes)
    fail(ErrorCode::corrupt, where + ": its size is not the one that the index names");
  return m;
}

// A model section, read or kept from before.
std::shared_ptr<ModelSlot> ArchiveReader::Impl::slot(size_t model) {
  const std::lock_guard lock(slots_mutex);
  const auto known =
      std::find_if(slots.begin(), slots.end(), [model](const auto& s) { return s.first == model; });
  if (known != slots.end()) {
    std::rotate(slots.begin(), known, known + 1);
    return slots.front().second;
  }
  const Place& p = models[model];
  const frame::SectionHeader h = section_header(p.entry, p.archive_at);
  const std::string where = frame::place_of(h, p.entry.offset);
  std::vector<uint8_t> body(h.section_bytes() - frame::kSectionHeaderBytes);
  read_exactly(*in, p.archive_at + p.entry.offset + frame::kSectionHeaderBytes, body.data(),
               body.size(), where);
  slots.emplace_front(
      model, std::make_shared<ModelSlot>(frame::split_section(h, body, where).meta, where));
  if (slots.size() > frame::kModelsInReach) slots.pop_back();
  return slots.front().second;
}

// The newest model section is looked at first: most segments name it, and the others stay unread.
ModelPtr ArchiveReader::Impl::model_of(const Place& p, const frame::SegmentMeta& m,
                                       std::span<const ModelPtr> given, const std::string& where) {
  if (m.header.codec != Codec::ngram) return nullptr;
  // A damaged one matters only if the wanted model is not in another.
  std::exception_ptr damaged;
  for (size_t i = p.models_end; i > p.models_begin; --i) {
    std::shared_ptr<ModelSlot> s;
    try {
      s = slot(i - 1);
    } catch (const Error&) {
      if (!damaged) damaged = std::current_exception();
      continue;
    }
    if (s->id() == m.model_id()) return s->get();
  }
  if (damaged) std::rethrow_exception(damaged);
  return find_model(m, {}, p.features, given, where);
}

// Decodes content [begin, end) of one segment, offsets within it, reading only the blocks concerned
// and the sources of those that are repeats; with codec ngram also all blocks before.
void ArchiveReader::Impl::decode_part(const Place& p, uint64_t begin, uint64_t end,
                                      std::vector<uint8_t>& out, Backend& backend,
                                      std::span<const ModelPtr> given) {
  frame::SectionHeader h{};
  const frame::SegmentMeta m = meta_of(p, h);
  const std::string where = frame::place_of(h, p.entry.offset);
  const uint64_t data_at = p.archive_at + p.entry.offset + h.data_at();
  const ModelPtr model = model_of(p, m, given, where);
  const uint32_t first = model ? 0 : static_cast<uint32_t>(begin >> m.header.block_log2);
  const auto last = static_cast<uint32_t>((end - 1) >> m.header.block_log2);

  std::vector<uint8_t> data(h.data_bytes, 0);
  const auto fetch = [&](uint32_t b) {
    const uint32_t at = m.offsets[b], n = m.offsets[b + 1] - at;
    read_exactly(*in, data_at + at, data.data() + at, n, where);
  };
  for (uint32_t b = first; b <= last; ++b) {
    fetch(b);
    if (m.records[b].mode != BlockMode::repeat || m.records[b].coded_bytes != 4) continue;
    const uint32_t source = load_le<uint32_t>(data.data() + m.offsets[b]);
    if (source < first) fetch(source);
  }
  const uint64_t from = m.header.block_begin(first);
  out.resize(m.header.block_begin(last) + m.header.block_bytes(last) - from);
  decode_blocks(backend, m.view(data, model.get()), first, last - first + 1, out, where);
  blocks_decoded += last - first + 1;
  out.resize(end - from);
  out.erase(out.begin(), out.begin() + static_cast<ptrdiff_t>(begin - from));
}

ArchiveReader::ArchiveReader(std::shared_ptr<RandomSource> source)
    : impl_(std::make_unique<Impl>()) {
  impl_->in = std::move(source);
  impl_->open();
}
ArchiveReader::~ArchiveReader() = default;
const std::vector<Member>& ArchiveReader::members() const { return impl_->members; }
const std::vector<SegmentInfo>& ArchiveReader::segments() const { return impl_->segments; }
uint64_t ArchiveReader::content_bytes() const { return impl_->content_bytes; }
uint64_t ArchiveReader::archive_bytes() const { return impl_->archive_bytes; }
uint64_t ArchiveReader::blocks_decoded() const { return impl_->blocks_decoded; }

SegmentHeader ArchiveReader::segment_header(size_t segment) const {
  frame::SectionHeader h{};
  return impl_->meta_of(impl_->places.at(segment), h).header;
}

void ArchiveReader::read(uint64_t begin, uint64_t end, Sink& out,
                         const DecompressOptions& options) {
  if (begin > end || end > impl_->content_bytes)
    fail(ErrorCode::invalid_argument, "bytes " + std::to_string(begin) + " to " +
                                          std::to_string(end) + " of a content of " +
                                          std::to_string(impl_->content_bytes));
  if (end - begin > options.max_output)
    fail(ErrorCode::limit,
         "the output would exceed the limit of " + std::to_string(options.max_output) + " bytes");
  std::unique_ptr<Backend> own;
  if (options.backend == nullptr) own = make_cpu_backend();
  Backend& backend = options.backend != nullptr ? *options.backend : *own;

  struct Item {
    size_t segment;
    std::vector<uint8_t> content;
  };
  const auto& list = impl_->segments;
  size_t at = static_cast<size_t>(std::upper_bound(list.begin(), list.end(), begin,
                                                   [](uint64_t b, const SegmentInfo& s) {
                                                     return b < s.content_offset + s.content_bytes;
                                                   }) -
                                  list.begin());
  run_pipeline<Item>(
      options.threads,
      [&]() -> std::unique_ptr<Item> {
        if (begin == end || at == list.size() || list[at].content_offset >= end) return nullptr;
        return std::make_unique<Item>(Item{at++, {}});
      },
      [&](Item& item) {
        const SegmentInfo& s = list[item.segment];
        const uint64_t from = std::max(begin, s.content_offset) - s.content_offset;
        const uint64_t to = std::min(end, s.content_offset + s.content_bytes) - s.content_offset;
        impl_->decode_part(impl_->places[item.segment], from, to, item.content, backend,
                           options.models);
      },
      [&](Item& item) {
        out.write(item.content);
        if (options.progress) options.progress(item.content.size());
      });
}
}  // namespace gramzip
