// SPDX-License-Identifier: Apache-2.0
// Encoding from and to the caller's device memory: the steps of cuda_encode.cu without a decision
// of the host in between, then the framing (kernels/frame).
#include <algorithm>

#include "host/backend/device_coding.h"
#include "host/backend/encode_batch.h"
#include "host/backend/plain_segment.h"
#include "kernels/content_hash.h"
#include "kernels/frame.h"

namespace gramzip::device {
using namespace kernels;

namespace {
// What the kernels of encoding change, for a call: in the temp.
struct EncodeSpace {
  Place<DeviceSegment> segments;
  Place<EncodePlaces> places;
  Place<HashRange> content_ranges, segment_ranges, coded_ranges, meta_ranges;
  Place<BlockState> states;
  Place<uint16_t> keys;
  Place<KeySums> key_sums;
  Place<uint8_t> class_ids, lengths, metas;
  Place<uint32_t> counts, codes, lane_words;
  Place<CodeSummary> summaries;
  Place<SegmentTotals> totals;
  Place<FrameState> frames;
  Place<BlockSums> sums;
  Place<xxh3::Pair> hashes;
  Place<uint64_t> output_at;
};

class CudaEncodePlan final : public EncodePlan {
 public:
  CudaEncodePlan(std::span<const PlannedArray> arrays, std::span<const uint64_t> bounds,
                 uint32_t segment_bytes, const ArchiveHead& head, const Allocator& allocator)
      : image_(allocator),
        members_header_hash_(head.members_header_hash),
        empty_bytes_(static_cast<uint32_t>(head.empty.size())) {
    for (size_t i = 0; i < arrays.size(); ++i) {
      arrays_.push_back({static_cast<uint32_t>(batch_.segments.size()), 0});
      items_.push_back({bounds[i], 0, 0});
      input_bytes_.push_back(arrays[i].size);
      for (uint64_t at = 0; at < arrays[i].size; at += segment_bytes)
        add_segment(static_cast<uint32_t>(i), arrays[i].type, at,
                    static_cast<uint32_t>(std::min<uint64_t>(segment_bytes, arrays[i].size - at)));
    }
    fill_image(head);
    lay_out_temp();
  }
  ~CudaEncodePlan() override { image_.release(nullptr); }
  void upload(cudaStream_t stream) { image_.upload(stream); }
  void release(Stream stream) override { image_.release(stream); }
  void encode(const void* const* inputs, void* const* outputs, Temp temp, uint64_t* sizes,
              Stream stream) const override;

 private:
  // Places of content count from the array's first byte.
  void add_segment(uint32_t array, ElementType type, uint64_t at, uint32_t bytes) {
    const SegmentHeader h = make_plain_header(type, bytes);
    batch_.content_bytes = at;
    batch_.add(h);
    ++arrays_[array].segments;
    array_of_.push_back(array);
    EncodePlaces p{at,   plain_classes(h), static_cast<uint32_t>(alphabets_.size()), symbols_, 0, 0,
                   runs_};
    const uint32_t alphabet = h.alphabet();
    for (uint32_t c = 0; c < p.classes; ++c)
      alphabets_.push_back(
          {symbols_ + c * alphabet, static_cast<uint16_t>(alphabet), h.code_limit});
    symbols_ += p.classes * alphabet;
    most_symbols_ = std::max(most_symbols_, alphabet);
    if (h.codec == Codec::floats) {
      runs_ += h.blocks * runs_of_a_block(h);
      most_bins_ = std::max(most_bins_, p.classes * alphabet);
    } else {
      any_bytes_ = true;
    }
    places_.push_back(p);
    segment_ranges_.push_back({at, bytes});
    most_bytes_ = std::max(most_bytes_, bytes);
    sums_at_.push_back(sums_);
    sums_ += block_sums(bytes);
    meta_at_.push_back(metas_bytes_);
    metas_bytes_ += round_up(plain_meta_bound(h), 128);
  }
  void fill_image(const ArchiveHead& head) {
    segments_at_ = image_.add(batch_.segments);
    blocks_at_ = image_.add(batch_.blocks);
    ranges_at_ = image_.add(batch_.ranges);
    places_at_ = image_.add(places_);
    alphabets_at_ = image_.add(alphabets_);
    segment_ranges_at_ = image_.add(segment_ranges_);
    sums_at_at_ = image_.add(sums_at_);
    meta_at_at_ = image_.add(meta_at_);
    arrays_at_ = image_.add(arrays_);
    array_of_at_ = image_.add(array_of_);
    head_at_ = image_.add(head.bytes);
    empty_at_ = image_.add(head.empty);
  }
  void lay_out_temp() {
    const size_t segments = batch_.segments.size(), blocks = batch_.blocks.size();
    Layout temp;
    space_.segments = temp.add<DeviceSegment>(segments);
    space_.places = temp.add<EncodePlaces>(segments);
    space_.content_ranges = temp.add<HashRange>(blocks);
    space_.segment_ranges = temp.add<HashRange>(segments);
    space_.coded_ranges = temp.add<HashRange>(blocks);
    space_.meta_ranges = temp.add<HashRange>(segments);
    space_.states = temp.add<BlockState>(blocks);
    space_.keys = temp.add<uint16_t>(runs_);
    space_.key_sums = temp.add<KeySums>(segments);
    space_.class_ids = temp.add<uint8_t>(runs_);
    space_.counts = temp.add<uint32_t>(symbols_);
    space_.lengths = temp.add<uint8_t>(symbols_);
    space_.codes = temp.add<uint32_t>(symbols_);
    space_.lane_words = temp.add<uint32_t>(blocks * kLanes);
    space_.summaries = temp.add<CodeSummary>(alphabets_.size());
    space_.totals = temp.add<SegmentTotals>(segments);
    space_.frames = temp.add<FrameState>(segments);
    space_.sums = temp.add<BlockSums>(sums_);
    space_.hashes = temp.add<xxh3::Pair>(segments);
    space_.output_at = temp.add<uint64_t>(arrays_.size());
    space_.metas = temp.add<uint8_t>(metas_bytes_);
    temp_bytes_ = temp.bytes();
  }

  Image image_;
  EncodeBatch batch_;  // its data places are not used
  std::vector<FrameArray> arrays_;
  std::vector<uint32_t> array_of_, sums_at_;
  std::vector<uint64_t> input_bytes_, meta_at_;
  std::vector<EncodePlaces> places_;
  std::vector<Alphabet> alphabets_;
  std::vector<HashRange> segment_ranges_;
  uint64_t members_header_hash_, metas_bytes_ = 0;
  uint32_t empty_bytes_;
  uint32_t symbols_ = 0, runs_ = 0, sums_ = 0, most_symbols_ = 0, most_bins_ = 0, most_bytes_ = 0;
  bool any_bytes_ = false;
  EncodeSpace space_;
  // in the image
  Place<DeviceSegment> segments_at_;
  Place<DeviceBlock> blocks_at_;
  Place<HashRange> ranges_at_, segment_ranges_at_;
  Place<EncodePlaces> places_at_;
  Place<Alphabet> alphabets_at_;
  Place<uint32_t> sums_at_at_, array_of_at_;
  Place<uint64_t> meta_at_at_;
  Place<FrameArray> arrays_at_;
  Place<uint8_t> head_at_, empty_at_;
};

void CudaEncodePlan::encode(const void* const* inputs, void* const* outputs, Temp temp,
                            uint64_t* sizes, Stream stream) const {
  check_temp(temp, temp_bytes_);
  const auto from = all_owners(inputs, arrays_.size(), kArrayAlign, "input",
                               [&](size_t i) { return input_bytes_[i] > 0; });
  const auto to = all_owners(const_cast<const void* const*>(outputs), arrays_.size(), kArchiveAlign,
                             "output", [](size_t) { return true; });
  if (!arrays_.empty()) require_aligned(sizes, alignof(uint64_t), "archive_bytes");

  const void* image = image_.device();
  const auto segment_count = static_cast<uint32_t>(batch_.segments.size());
  const auto count = static_cast<uint32_t>(batch_.blocks.size());
  auto* const segments = space_.segments.in(temp.p);
  auto* const places = space_.places.in(temp.p);
  auto* const states = space_.states.in(temp.p);
  const auto* blocks = blocks_at_.in(image);
  const EncodeTemplate plan{segments_at_.in(image),
                            places_at_.in(image),
                            segment_ranges_at_.in(image),
                            array_of_at_.in(image),
                            segment_count,
                            ranges_at_.in(image),
                            blocks,
                            count,
                            static_cast<uint32_t>(arrays_.size())};
  const EncodeBound bound{segments, places, space_.segment_ranges.in(temp.p),
                          space_.content_ranges.in(temp.p), space_.output_at.in(temp.p)};
  for (size_t i = 0; i < from.size(); ++i)
    enqueued(bind_arrays(plan, bound, from[i], to[i], {}, stream));

  const PlainCoding c{segments,
                      segment_count,
                      places,
                      blocks,
                      count,
                      bound.content_ranges,
                      alphabets_at_.in(image),
                      static_cast<uint32_t>(alphabets_.size()),
                      most_symbols_,
                      symbols_,
                      any_bytes_,
                      most_bins_,
                      states,
                      space_.keys.in(temp.p),
                      space_.key_sums.in(temp.p),
                      space_.class_ids.in(temp.p),
                      space_.lengths.in(temp.p),
                      space_.counts.in(temp.p),
                      space_.codes.in(temp.p),
                      space_.lane_words.in(temp.p),
                      space_.summaries.in(temp.p),
                      space_.totals.in(temp.p),
                      space_.coded_ranges.in(temp.p)};
  code_segments(c, stream);
  auto* const hashes = space_.hashes.in(temp.p);
  enqueued(content_hash(address_base(), bound.segment_ranges, sums_at_at_.in(image), segment_count,
                        most_bytes_, space_.sums.in(temp.p), hashes, {}, stream));

  auto* const frames = space_.frames.in(temp.p);
  auto* const metas = space_.metas.in(temp.p);
  auto* const meta_ranges = space_.meta_ranges.in(temp.p);
  const FrameBatch frame{segments,
                         segment_count,
                         array_of_at_.in(image),
                         arrays_at_.in(image),
                         static_cast<uint32_t>(arrays_.size()),
                         blocks,
                         states,
                         count,
                         c.coding(),
                         c.lengths,
                         c.totals,
                         meta_at_at_.in(image),
                         metas,
                         meta_ranges,
                         frames,
                         c.coded_ranges,
                         hashes,
                         bound.output_at,
                         const_cast<uint8_t*>(address_base()),
                         head_at_.in(image),
                         members_header_hash_,
                         empty_at_.in(image),
                         empty_bytes_};
  enqueued(frame_metas(frame, {}, stream));
  enqueued(frame_places(frame, sizes, {}, stream));
  write_segments(c, stream);
  enqueued(frame_records(frame, {}, stream));
  enqueued(checksum(metas, meta_ranges, segment_count, &frames->meta_hash, sizeof(FrameState), {},
                    stream));
  enqueued(frame_write(frame, {}, stream));
}
}  // namespace

std::unique_ptr<EncodePlan> plan_encode(std::span<const PlannedArray> arrays,
                                        std::span<const uint64_t> bounds, uint32_t segment_bytes,
                                        const ArchiveHead& head, const Allocator& allocator,
                                        Stream stream) {
  auto plan = std::make_unique<CudaEncodePlan>(arrays, bounds, segment_bytes, head, allocator);
  plan->upload(stream);
  return plan;
}
}  // namespace gramzip::device
