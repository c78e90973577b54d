// SPDX-License-Identifier: Apache-2.0
// Random access: single blocks of archives whose indexes are known.
#include <algorithm>
#include <exception>

#include "host/engine/archive_impl.h"
#include "host/engine/decode_blocks.h"
#include "host/engine/pipeline.h"
#include "host/frame/stream_reader.h"

namespace gramzip {
frame::SegmentMeta ArchiveReader::Impl::meta_of(const Place& p, frame::SectionHeader& h) const {
  h = section_header(p.entry, p.archive_at);
  const std::string where = frame::place_of(h, p.entry.offset);
  frame::SegmentMeta m = read_segment_meta(*in, p.archive_at + p.entry.offset, h, where);
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
  return find_model(m, {}, headers[p.archive].features, given, where);
}

BasePtr ArchiveReader::Impl::base_of(size_t archive, const DecompressOptions& options) {
  if (!headers[archive].has(frame::kFeatureDelta)) return nullptr;
  const std::lock_guard lock(bases_mutex);
  BasePtr& base = bases[archive];
  if (!base) base = require_base(headers[archive], options);
  return base;
}

// The segment that holds that byte of an archive's content.
EarlierSegment ArchiveReader::Impl::earlier(size_t archive, uint64_t content_offset) const {
  const auto begin = places.begin() + static_cast<ptrdiff_t>(first_segments[archive]);
  const auto end = archive + 1 == headers.size()
                       ? places.end()
                       : places.begin() + static_cast<ptrdiff_t>(first_segments[archive + 1]);
  const auto after = std::upper_bound(begin, end, content_offset, [](uint64_t at, const Place& p) {
    return at < p.entry.content_offset;
  });
  const Place& p = *(after - 1);  // there is one: the first begins at 0
  return {in.get(), p.archive_at + p.entry.offset, p.entry.content_offset, p.entry.content_bytes};
}

// Content [begin, end) of a segment, offsets within it.
void ArchiveReader::Impl::decode_segment(size_t segment, uint64_t begin, uint64_t end,
                                         std::vector<uint8_t>& out, Backend& backend,
                                         const DecompressOptions& options) {
  const Place& p = places[segment];
  frame::SectionHeader h{};
  const frame::SegmentMeta m = meta_of(p, h);
  const std::string where = frame::place_of(h, p.entry.offset);
  const BasePtr base = base_of(p.archive, options);
  if (m.header.codec == Codec::reference) {
    // Whole, for its hash.
    out.resize(m.header.decoded_bytes);
    blocks_decoded += decode_reference(
        {m, p.entry.content_offset, headers[p.archive], where},
        [&](uint64_t at) { return earlier(p.archive, at); }, base.get(), backend, out);
    out.resize(end);
    out.erase(out.begin(), out.begin() + static_cast<ptrdiff_t>(begin));
    return;
  }
  const ModelPtr model = model_of(p, m, options.models, where);
  blocks_decoded += decode_part(*in, p.archive_at + p.entry.offset + h.data_at(), h.data_bytes, m,
                                begin, end, model.get(), base.get(), backend, out, where);
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
std::optional<Hash128> ArchiveReader::content_hash() const { return impl_->hash; }
const std::vector<frame::ArchiveHeader>& ArchiveReader::headers() const { return impl_->headers; }
std::string ArchiveReader::note() const {
  if (impl_->notes.empty()) return {};
  const Impl::Place& p = impl_->notes.front();
  const frame::SectionHeader h = impl_->section_header(p.entry, p.archive_at);
  const std::string where = frame::place_of(h, p.entry.offset);
  std::vector<uint8_t> body(h.section_bytes() - frame::kSectionHeaderBytes);
  read_exactly(*impl_->in, p.archive_at + p.entry.offset + frame::kSectionHeaderBytes, body.data(),
               body.size(), where);
  const auto text = frame::split_section(h, body, where).meta;
  return {text.begin(), text.end()};
}
uint64_t ArchiveReader::blocks_decoded() const { return impl_->blocks_decoded; }

SegmentHeader ArchiveReader::segment_header(size_t segment) const {
  frame::SectionHeader h{};
  return impl_->meta_of(impl_->places.at(segment), h).header;
}

ArchiveReader::SegmentPlace ArchiveReader::segment_place(size_t segment) const {
  const Impl::Place& p = impl_->places.at(segment);
  frame::SectionHeader h{};
  frame::SegmentMeta m = impl_->meta_of(p, h);
  return {std::move(m), p.archive_at + p.entry.offset + h.data_at(),
          frame::place_of(h, p.entry.offset)};
}

void ArchiveReader::check_coded(size_t segment) const {
  const Impl::Place& p = impl_->places.at(segment);
  frame::SectionHeader h{};
  const frame::SegmentMeta m = impl_->meta_of(p, h);
  const std::string where = frame::place_of(h, p.entry.offset);
  std::vector<uint8_t> coded;
  for (uint32_t b = 0; b < m.header.blocks; ++b) {
    coded.resize(m.records[b].coded_bytes);
    read_exactly(*impl_->in, p.archive_at + p.entry.offset + h.data_at() + m.offsets[b],
                 coded.data(), coded.size(), where);
    const BlockStatus status =
        hash64(coded) == m.records[b].coded_hash ? BlockStatus::ok : BlockStatus::bad_coded_hash;
    judge({&status, 1}, b, where);
  }
}

size_t ArchiveReader::segment_at(uint64_t content_offset) const {
  const auto& list = impl_->segments;
  return static_cast<size_t>(std::upper_bound(list.begin(), list.end(), content_offset,
                                              [](uint64_t b, const SegmentInfo& s) {
                                                return b < s.content_offset + s.content_bytes;
                                              }) -
                             list.begin());
}

std::vector<uint8_t> ArchiveReader::decode(size_t segment, const DecompressOptions& options) {
  std::unique_ptr<Backend> own;
  if (options.backend == nullptr) own = make_cpu_backend();
  Backend& backend = options.backend != nullptr ? *options.backend : *own;
  std::vector<uint8_t> out;
  impl_->decode_segment(segment, 0, impl_->segments.at(segment).content_bytes, out, backend,
                        options);
  return out;
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
  size_t at = segment_at(begin);
  // A base is checked before anything is written.
  for (size_t s = at; s < list.size() && list[s].content_offset < end; ++s)
    if (s == at || impl_->places[s].archive != impl_->places[s - 1].archive)
      impl_->base_of(impl_->places[s].archive, options);
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
        impl_->decode_segment(item.segment, from, to, item.content, backend, options);
      },
      [&](Item& item) {
        out.write(item.content);
        if (options.progress) options.progress(item.content.size());
      });
}
}  // namespace gramzip
