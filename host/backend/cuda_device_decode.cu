// SPDX-License-Identifier: Apache-2.0
// Decoding from and to the caller's device memory: the plan's image holds all that the host knows;
// a call binds it to addresses, then runs the decoders as cuda_decode.cu does.
#include "host/backend/decode_batch.h"
#include "host/backend/device_image.h"
#include "kernels/checksum.h"
#include "kernels/delta_decode.h"
#include "kernels/fast_decode.h"
#include "kernels/planes.h"

namespace gramzip::device {
using namespace kernels;

namespace {
class CudaDecodePlan final : public DecodePlan {
 public:
  CudaDecodePlan(size_t archives, std::span<const PlannedSegment> segments,
                 std::span<const PlannedItem> items, const Allocator& allocator)
      : image_(allocator), archive_bytes_(archives, false), with_base_(archives, false) {
    for (const PlannedSegment& s : segments) add_segment(s);
    for (const PlannedItem& item : items) add_item(segments, item);
    fill_image();
    lay_out_temp();
  }
  ~CudaDecodePlan() override { image_.release(nullptr); }
  void upload(cudaStream_t stream) { image_.upload(stream); }
  void release(Stream stream) override { image_.release(stream); }
  void decode(const void* const* archives, const void* const* bases, void* const* outputs,
              Temp temp, uint32_t* statuses, uint32_t* bad, Stream stream) const override;

 private:
  void add_segment(const PlannedSegment& s) {
    batch_.add_segment(s.view, s.data_at, [](uint32_t) { return true; });
    const auto number = static_cast<uint32_t>(archive_of_.size());
    archive_of_.push_back(static_cast<uint32_t>(s.archive));
    segment_of_.resize(batch_.states.size(), number);
    archive_bytes_[s.archive] = true;
    if (s.of_base) with_base_[s.archive] = true;
  }

  // The groups of a codec's blocks, how many a group has, and the most tables of a segment.
  struct GroupList {
    std::vector<DecodeGroup>& groups;
    uint32_t blocks;
    uint32_t& most_tables;
  };
  GroupList groups_of(Codec codec) {
    switch (codec) {
      case Codec::fast_floats:
        return {fast_groups_, FastTuning().warps, most_fast_tables_};
      case Codec::delta:
        return {delta_groups_, DeltaTuning().warps, most_delta_tables_};
      case Codec::sparse_delta:
        return {sparse_groups_, 1, most_delta_tables_};
      default:
        return {groups_, DecodeTuning().warps, most_tables_};
    }
  }

  // The blocks of a segment that hold some of the item.
  void add_item(std::span<const PlannedSegment> segments, const PlannedItem& item) {
    const uint64_t end = item.begin + item.size;
    items_.push_back({item.size, outputs_.size(), 0});
    const auto first = std::ranges::partition_point(segments, [&](const PlannedSegment& s) {
      return s.archive < item.archive || (s.archive == item.archive &&
                                          s.content_at + s.view.header.decoded_bytes <= item.begin);
    });
    for (auto i = static_cast<size_t>(first - segments.begin());
         i < segments.size() && segments[i].archive == item.archive && segments[i].content_at < end;
         ++i) {
      const PlannedSegment& s = segments[i];
      const SegmentHeader& h = s.view.header;
      const auto [groups, warps, most] = groups_of(h.codec);
      most = std::max<uint32_t>(most, h.tables);
      uint32_t in_group = warps;
      for (uint32_t b = 0; b < h.blocks; ++b) {
        const uint64_t at = s.content_at + h.block_begin(b);
        if (at >= end || at + h.block_bytes(b) <= item.begin) continue;
        if (in_group == warps) {
          groups.push_back(
              {static_cast<uint32_t>(i), b, 0, static_cast<uint32_t>(outputs_.size())});
          in_group = 0;
        }
        groups.back().count = ++in_group;
        add_block(s, b, at, item);
      }
    }
    items_.back().blocks = outputs_.size() - items_.back().first_block;
  }

  void add_block(const PlannedSegment& s, uint32_t b, uint64_t at, const PlannedItem& item) {
    const SegmentHeader& h = s.view.header;
    const uint32_t size = h.block_bytes(b);
    const uint64_t end = std::min(at + size, item.begin + item.size);
    const auto number = static_cast<uint32_t>(items_.size() - 1);
    const bool whole = at >= item.begin && end == at + size;
    const bool direct = whole && (at - item.begin) % kArrayAlign == 0;
    DecodeOutput o{0, 0, size, 0, h.split().bytes, BlockStatus::ok};
    if (direct) {
      o.at = at - item.begin;
    } else {
      const uint64_t from = std::max(at, item.begin);
      parts_.push_back({static_cast<uint32_t>(outputs_.size()), number,
                        static_cast<uint32_t>(from - at), static_cast<uint32_t>(end - from),
                        from - item.begin});
      o.at = staging_bytes_;
      staging_bytes_ += round_up(size, kArrayAlign);
    }
    if (s.of_base) o.base_at = h.reference_at + h.block_begin(b);
    with_planes_ |= h.period > 0;
    if (h.period > 0 || h.codec == Codec::sparse_delta) {
      o.planes_at = staging_bytes_;
      staging_bytes_ += round_up(size, kArrayAlign);
    }
    outputs_.push_back(o);
    item_of_.push_back(direct ? number : DecodeTemplate::kStaged);
    output_archive_.push_back(static_cast<uint32_t>(s.archive));
    expected_.push_back(s.view.records[b].decoded_hash);
  }

  void fill_image() {
    blocks_ = outputs_.size();
    segments_at_ = image_.add(batch_.segments);
    archive_of_at_ = image_.add(archive_of_);
    states_at_ = image_.add(batch_.states);
    coded_ranges_at_ = image_.add(batch_.coded_ranges);
    segment_of_at_ = image_.add(segment_of_);
    tables_at_ = image_.add(batch_.tables);
    lengths_at_ = image_.add(batch_.lengths);
    limits_at_ = image_.add(batch_.limits);
    exact_at_ = image_.add(batch_.exact);
    fast_entries_at_ = image_.add(batch_.fast_entries);
    contexts_at_ = image_.add(batch_.contexts);
    groups_at_ = image_.add(groups_);
    fast_groups_at_ = image_.add(fast_groups_);
    delta_groups_at_ = image_.add(delta_groups_);
    sparse_groups_at_ = image_.add(sparse_groups_);
    output_archive_at_ = image_.add(output_archive_);
    outputs_at_ = image_.add(outputs_);
    item_of_at_ = image_.add(item_of_);
    expected_at_ = image_.add(expected_);
    parts_at_ = image_.add(parts_);
  }

  void lay_out_temp() {
    Layout temp;
    bound_segments_ = temp.add<DeviceSegment>(batch_.segments.size());
    bound_coded_ = temp.add<HashRange>(batch_.states.size());
    bound_outputs_ = temp.add<DecodeOutput>(outputs_.size());
    decoded_ranges_ = temp.add<HashRange>(outputs_.size());
    hashes_ = temp.add<uint64_t>(std::max(batch_.states.size(), outputs_.size()));
    if (global_tables()) entries_ = temp.add<uint16_t>(batch_.tables.size() * kTableEntries);
    staging_ = temp.add<uint8_t>(staging_bytes_);
    temp_bytes_ = temp.bytes();
  }
  bool global_tables() const {
    return most_tables_ > DecodeTuning().shared_tables || !sparse_groups_.empty() ||
           most_delta_tables_ > DeltaTuning().shared_tables;
  }
  bool needs_bases() const { return !delta_groups_.empty() || !sparse_groups_.empty(); }

  Image image_;
  DecodeBatch batch_;
  std::vector<bool> archive_bytes_, with_base_;  // whether an archive's bytes, or base's, are read
  std::vector<uint32_t> archive_of_, segment_of_, item_of_, output_archive_;
  std::vector<DecodeGroup> groups_, fast_groups_, delta_groups_, sparse_groups_;
  std::vector<DecodeOutput> outputs_;
  std::vector<StagedPart> parts_;
  std::vector<uint64_t> expected_;
  uint32_t most_tables_ = 0, most_fast_tables_ = 0, most_delta_tables_ = 0;
  uint64_t staging_bytes_ = 0;
  bool with_planes_ = false;
  // in the image
  Place<DeviceSegment> segments_at_;
  Place<BlockState> states_at_;
  Place<HashRange> coded_ranges_at_;
  Place<DeviceTable> tables_at_;
  Place<uint8_t> lengths_at_, limits_at_;
  Place<uint64_t> exact_at_, expected_at_;
  Place<uint16_t> fast_entries_at_, contexts_at_;
  Place<DecodeGroup> groups_at_, fast_groups_at_, delta_groups_at_, sparse_groups_at_;
  Place<DecodeOutput> outputs_at_;
  Place<uint32_t> archive_of_at_, segment_of_at_, item_of_at_, output_archive_at_;
  Place<StagedPart> parts_at_;
  // in the temp
  Place<DeviceSegment> bound_segments_;
  Place<HashRange> bound_coded_, decoded_ranges_;
  Place<DecodeOutput> bound_outputs_;
  Place<uint64_t> hashes_;
  Place<uint16_t> entries_;
  Place<uint8_t> staging_;
};

void CudaDecodePlan::decode(const void* const* archives, const void* const* bases,
                            void* const* outputs, Temp temp, uint32_t* statuses, uint32_t* bad,
                            Stream stream) const {
  check_temp(temp, temp_bytes_);
  const auto from = all_owners(archives, archive_bytes_.size(), kArchiveAlign, "archive",
                               [&](size_t i) { return archive_bytes_[i]; });
  const auto to = all_owners(const_cast<const void* const*>(outputs), items_.size(), kArrayAlign,
                             "output", [&](size_t i) { return items_[i].output_bytes > 0; });
  std::vector<Owners> of_base;
  if (needs_bases())
    of_base = all_owners(bases, with_base_.size(), kBaseAlign, "base",
                         [&](size_t i) { return with_base_[i]; });
  require_aligned(bad, alignof(uint32_t), "bad_blocks");
  const auto count = static_cast<uint32_t>(outputs_.size());
  if (count > 0) require_aligned(statuses, alignof(uint32_t), "block_status");

  const void* image = image_.device();
  const DecodeTemplate plan{segments_at_.in(image),
                            archive_of_at_.in(image),
                            static_cast<uint32_t>(batch_.segments.size()),
                            coded_ranges_at_.in(image),
                            segment_of_at_.in(image),
                            static_cast<uint32_t>(batch_.states.size()),
                            outputs_at_.in(image),
                            item_of_at_.in(image),
                            output_archive_at_.in(image),
                            count};
  const DecodeBound bound{bound_segments_.in(temp.p), bound_coded_.in(temp.p),
                          bound_outputs_.in(temp.p), decoded_ranges_.in(temp.p)};
  for (const Owners& o : from) enqueued(bind_archives(plan, bound, o, {}, stream));
  for (const Owners& o : to)
    enqueued(bind_outputs(plan, bound, o, o.first == 0, place_of(staging_.in(temp.p)), {}, stream));

  for (const Owners& o : of_base) enqueued(bind_bases(plan, bound, o, {}, stream));

  const uint8_t* data = address_base();
  auto* content = const_cast<uint8_t*>(address_base());
  const auto* states = states_at_.in(image);
  const auto* tables = tables_at_.in(image);
  const auto* lengths = lengths_at_.in(image);
  uint64_t* hashes = hashes_.in(temp.p);
  uint16_t* entries = nullptr;
  if (global_tables()) {
    entries = entries_.in(temp.p);
    enqueued(build_tables(tables, lengths, limits_at_.in(image),
                          static_cast<uint32_t>(batch_.tables.size()), entries, stream));
  }
  enqueued(
      checksum(data, bound.coded_ranges, plan.block_count, hashes, sizeof(uint64_t), {}, stream));
  enqueued(huffman_decode(groups_at_.in(image), static_cast<uint32_t>(groups_.size()),
                          bound.segments, states, hashes, tables, lengths, entries,
                          exact_at_.in(image), data, most_tables_, content, bound.outputs, {},
                          stream));
  enqueued(fast_decode(fast_groups_at_.in(image), static_cast<uint32_t>(fast_groups_.size()),
                       bound.segments, states, hashes, tables,
                       reinterpret_cast<const FastEntries*>(fast_entries_at_.in(image)), data,
                       most_fast_tables_, content, bound.outputs, {}, stream));
  if (needs_bases()) {
    const BaseBatch with_base{bound.segments,         states,  hashes, tables, lengths,
                              contexts_at_.in(image), entries, data,   data,   content,
                              bound.outputs};
    enqueued(delta_decode(with_base, delta_groups_at_.in(image),
                          static_cast<uint32_t>(delta_groups_.size()), most_delta_tables_, {},
                          stream));
    enqueued(sparse_decode(with_base, sparse_groups_at_.in(image),
                           static_cast<uint32_t>(sparse_groups_.size()), stream));
  }
  if (with_planes_) enqueued(from_planes(content, bound.outputs, count, {}, stream));
  enqueued(checksum(content, bound.decoded_ranges, count, hashes, sizeof(uint64_t), {}, stream));
  enqueued(judge_decoded(expected_at_.in(image), hashes, bound.outputs, count, stream));
  for (const Owners& o : to)
    enqueued(copy_parts(parts_at_.in(image), static_cast<uint32_t>(parts_.size()), bound.outputs, o,
                        {}, stream));
  enqueued(report(bound.outputs, count, statuses, bad, {}, stream));
}
}  // namespace

bool decodes(Codec codec) {
  switch (codec) {
    case Codec::bytes:
    case Codec::floats:
    case Codec::exact_floats:
    case Codec::planes:
    case Codec::fast_floats:
    case Codec::delta:
    case Codec::sparse_delta:
      return true;
    default:
      return false;
  }
}

std::unique_ptr<DecodePlan> plan_decode(size_t archives, std::span<const PlannedSegment> segments,
                                        std::span<const PlannedItem> items,
                                        const Allocator& allocator, Stream stream) {
  auto plan = std::make_unique<CudaDecodePlan>(archives, segments, items, allocator);
  plan->upload(stream);
  return plan;
}
}  // namespace gramzip::device
