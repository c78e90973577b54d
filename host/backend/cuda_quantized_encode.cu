// SPDX-License-Identifier: Apache-2.0
// Quantized weights on the device: numbers of levels, classes, counts, blocks; what they decide is
// decided on the host in between, as for the CPU.
#include <algorithm>

#include "gramzip/core/quant.h"
#include "host/backend/cpu_blocks.h"
#include "host/backend/cuda_backend.h"
#include "host/backend/encode_batch.h"
#include "host/backend/quant_plan.h"

namespace gramzip {
using namespace kernels;

namespace {
// The arrays that all segments share.
struct Arrays {
  std::vector<QuantCoding> codings;
  std::vector<uint16_t> numbers, phrase_bases;
  std::vector<uint64_t> elements, sampled;
  std::vector<float> values, scales;
  std::vector<uint8_t> zero_points, class_numbers;
  std::vector<ClassCost> costs;
  std::vector<uint32_t> codes;
  uint64_t indexes = 0;
  uint32_t runs = 0, counts = 0, most_bins = 0;
};
template <class T>
uint32_t end_of(const std::vector<T>& v) {
  return static_cast<uint32_t>(v.size());
}

// Tables from elements to numbers of levels; equal elements have the lowest one.
void add_patterns(const quant::Levels& l, uint32_t element, QuantCoding& c, Arrays& a) {
  const uint32_t n = l.count();
  c.numbers_at = end_of(a.numbers);
  c.elements_at = end_of(a.elements);
  if (element <= 2) {
    a.numbers.resize(a.numbers.size() + (size_t{1} << (8 * element)), static_cast<uint16_t>(n));
    for (uint32_t i = n; i-- > 0;)
      a.numbers[c.numbers_at + l.element(i, 0)] = static_cast<uint16_t>(i);
    return;
  }
  std::vector<std::pair<uint64_t, uint16_t>> pairs;
  for (uint32_t i = 0; i < n; ++i) pairs.emplace_back(l.element(i, 0), static_cast<uint16_t>(i));
  std::sort(pairs.begin(), pairs.end());
  for (size_t k = 0; k < pairs.size(); ++k) {
    if (k > 0 && pairs[k].first == pairs[k - 1].first) continue;
    a.elements.push_back(pairs[k].first);
    a.numbers.push_back(pairs[k].second);
  }
  c.element_count = end_of(a.elements) - c.elements_at;
}

void add_scales(const quant::Table& t, QuantCoding& c, Arrays& a) {
  const quant::Levels& l = t.levels;
  c.scaled = true;
  c.zero_points = !l.zero_points.empty();
  c.group = l.group;
  c.phase = t.phase;
  c.values_at = end_of(a.values);
  c.scales_at = end_of(a.scales);
  c.zero_points_at = end_of(a.zero_points);
  for (uint32_t i = 0; i < l.count(); ++i) a.values.push_back(static_cast<float>(l.value(i)));
  a.scales.insert(a.scales.end(), l.scales.begin(), l.scales.end());
  a.zero_points.insert(a.zero_points.end(), l.zero_points.begin(), l.zero_points.end());
}

void add_segment(const QuantPlan& plan, uint32_t element, Arrays& a) {
  QuantCoding c{};
  c.indexes_at = a.indexes;
  c.first_run = a.runs;
  c.levels = plan.table().count();
  c.seen_at = end_of(a.codings) * kSeenWords;
  if (plan.table().levels.group != 0)
    add_scales(plan.table(), c, a);
  else
    add_patterns(plan.table().levels, element, c, a);
  c.class_numbers_at = end_of(a.codings) * kMaxTables;
  a.indexes += round_up(plan.elements(), kLaneGroup);
  a.runs += static_cast<uint32_t>(ceil_div(plan.elements(), kRunElements));
  a.codings.push_back(c);
}

void keep(quant::LevelRange range, QuantCoding& c) {
  c.begin = range.begin;
  c.end = range.end;
}
// Behind the kernel that gives other numbers.
void kept(Arrays& a) {
  for (QuantCoding& c : a.codings) {
    c.levels = c.end - c.begin;
    c.begin = 0;
    c.end = c.levels;
  }
}

void keep_used(const uint32_t* seen, QuantPlan& plan, QuantCoding& c) {
  std::vector<uint32_t> counts(plan.table().count());
  for (uint32_t i = 0; i < counts.size(); ++i) counts[i] = (seen[i / 32] >> (i % 32)) & 1u;
  keep(plan.keep_used(counts), c);
  c.trellis = plan.by_codes() ? plan.trellis() : 0;
}

// The places of the runs that the sample takes.
void list_sample(const QuantPlan& plan, const QuantCoding& c, Arrays& a) {
  for (const uint32_t r : plan.sampled())
    a.sampled.push_back(c.indexes_at + uint64_t{r} * kRunElements);
}

// sampled: the numbers of these runs, one behind the other. Returns the end.
const uint16_t* train(const uint16_t* sampled, QuantPlan& plan, QuantCoding& c, Arrays& a) {
  const model::RunClasses trained = plan.train_classes([&](uint32_t r) {
    const std::span run(sampled, plan.run_size(r));
    sampled += kRunElements;
    return run;
  });
  c.classes = trained.classes;
  c.costs_at = end_of(a.costs);
  // Of an alphabet that the training may have rounded up.
  const uint32_t symbols = (plan.table().count() / plan.quantizers() + 1) * plan.quantizers();
  if (trained.classes > 1)
    a.costs.insert(a.costs.end(), trained.costs.begin(),
                   trained.costs.begin() + symbols * kMaxTables);
  return sampled;
}

void choose_phrases(std::span<const uint8_t> class_ids, QuantPlan& plan, QuantCoding& c,
                    Arrays& a) {
  keep(plan.choose_phrases(class_ids.subspan(c.first_run)), c);
  const std::vector<uint16_t> base = plan.phrase_base();
  c.alphabet = plan.alphabet();
  c.phrase_base_at = end_of(a.phrase_bases);
  a.phrase_bases.insert(a.phrase_bases.end(), base.begin(), base.end());
  c.counts_at = a.counts;
  a.counts += c.classes * c.alphabet;
  a.most_bins = std::max(a.most_bins, c.classes * c.alphabet);
}

void choose_codes(std::span<const uint32_t> all_counts, QuantPlan& plan, QuantCoding& c,
                  Arrays& a) {
  if (plan.by_codes())
    plan.choose_codes(all_counts.subspan(c.counts_at, size_t{c.classes} * c.alphabet));
  c.horner = !plan.runs().empty() && plan.coder() == quant::Coder::horner;
  const quant::SegmentCodes& codes = plan.codes();
  c.classes_left = codes.classes;
  c.codes_at = end_of(a.codes);
  std::copy_n(plan.escapes().begin(), 2, c.escapes);
  a.class_numbers.insert(a.class_numbers.end(), codes.number.begin(), codes.number.end());
  for (const CodeBook& book : codes.books)
    a.codes.insert(a.codes.end(), book.codes.begin(), book.codes.end());
}
}  // namespace

void CudaBackend::encode_quantized(std::span<const SegmentInput> in,
                                   std::span<EncodedSegment* const> out) {
  const QuantEncodeTuning tuning;
  QuantBuffers& q = quant_;
  EncodeBatch batch;
  Arrays a;
  std::vector<QuantPlan> plans;
  for (const SegmentInput& s : in) {
    batch.add(make_quantized_header(s.type, static_cast<uint32_t>(s.content.size())));
    plans.emplace_back(s, batch.segments.back().header);
    add_segment(plans.back(), element_info(s.type).bytes, a);
  }
  const auto segment_count = static_cast<uint32_t>(in.size());
  const auto count = end_of(batch.blocks);
  uint8_t* content = upload_content(in, batch.segments, batch.content_bytes);
  uint8_t* data = data_.reserve(batch.data_bytes);
  const auto* ranges = decoded_ranges_.upload(batch.ranges, stream_);
  BlockState* states = states_.reserve(count);
  QuantEncodeBatch work{
      content, segments_.upload(batch.segments, stream_), blocks_.upload(batch.blocks, stream_),
      states, count, q.codings.upload(a.codings, stream_),
      // A run that is gathered may reach beyond the end.
      q.unit_numbers.reserve(a.indexes + kRunElements), class_ids_.reserve(a.runs)};
  constexpr uint32_t stride = sizeof(BlockState);
  check(checksum(content, ranges, count, &states->decoded_hash, stride, {}, stream_));
  check(classify(content, work.segments, work.blocks, states, count, {}, stream_));

  uint32_t* seen = q.symbols.reserve(size_t{segment_count} * kSeenWords);
  check_cuda(
      cudaMemsetAsync(seen, 0, size_t{segment_count} * kSeenWords * sizeof(uint32_t), stream_),
      "clearing counts");
  check(quant_indexes(work, q.numbers.upload(a.numbers, stream_),
                      exact_.upload(a.elements, stream_), q.values.upload(a.values, stream_),
                      q.scales.upload(a.scales, stream_),
                      q.zero_points.upload(a.zero_points, stream_), seen, tuning, stream_));
  std::vector<BlockState> host_states = states_.download(count, stream_);
  const std::vector<uint32_t> host_seen =
      q.symbols.download(size_t{segment_count} * kSeenWords, stream_);
  for (uint32_t i = 0; i < segment_count; ++i) {
    plans[i].find_runs([&](uint32_t b) {
      return host_states[batch.segments[i].first_block + b].mode == BlockMode::raw;
    });
    keep_used(host_seen.data() + a.codings[i].seen_at, plans[i], a.codings[i]);
    if (plans[i].by_codes()) list_sample(plans[i], a.codings[i], a);
  }
  work.codings = q.codings.upload(a.codings, stream_);
  check(keep_levels(work, tuning, stream_));
  kept(a);
  work.codings = q.codings.upload(a.codings, stream_);
  check(trellis_symbols(work, tuning, stream_));

  const auto sampled_count = end_of(a.sampled);
  check(gather_runs(work.indexes, q.from.upload(a.sampled, stream_), sampled_count,
                    q.sampled.reserve(size_t{sampled_count} * kRunElements), stream_));
  const std::vector<uint16_t> sampled =
      q.sampled.download(size_t{sampled_count} * kRunElements, stream_);
  const uint16_t* next = sampled.data();
  for (uint32_t i = 0; i < segment_count; ++i) {
    a.codings[i].classes = 1;
    if (plans[i].by_codes()) next = train(next, plans[i], a.codings[i], a);
  }
  work.codings = q.codings.upload(a.codings, stream_);
  check(quant_classes(work, costs_.upload(a.costs, stream_), tuning, stream_));
  const std::vector<uint8_t> class_ids = class_ids_.download(a.runs, stream_);
  for (uint32_t i = 0; i < segment_count; ++i)
    if (plans[i].by_codes()) choose_phrases(class_ids, plans[i], a.codings[i], a);
  work.codings = q.codings.upload(a.codings, stream_);
  check(keep_levels(work, tuning, stream_));
  kept(a);

  uint32_t* counts = counts_.reserve(a.counts);
  if (a.counts > 0)
    check_cuda(cudaMemsetAsync(counts, 0, a.counts * sizeof(uint32_t), stream_), "clearing counts");
  const auto* phrase_bases = q.phrase_bases.upload(a.phrase_bases, stream_);
  work.codings = q.codings.upload(a.codings, stream_);
  check(quant_count(work, phrase_bases, a.most_bins, counts, tuning, stream_));
  const std::vector<uint32_t> host_counts = counts_.download(a.counts, stream_);
  for (uint32_t i = 0; i < segment_count; ++i) choose_codes(host_counts, plans[i], a.codings[i], a);
  work.codings = q.codings.upload(a.codings, stream_);
  const QuantCodes codes{phrase_bases, q.class_numbers.upload(a.class_numbers, stream_),
                         codes_.upload(a.codes, stream_)};
  uint32_t* lane_words = lane_words_.reserve(size_t{count} * kLanes);
  HashRange* coded_ranges = coded_ranges_.reserve(count);
  SegmentTotals* totals = totals_.reserve(segment_count);
  check(quant_measure(work, codes, lane_words, tuning, stream_));
  check(digits_measure(work, tuning, stream_));
  check(encode_layout(work.segments, segment_count, states, coded_ranges, totals, stream_));
  check(quant_write(work, codes, lane_words, data, tuning, stream_));
  check(digits_write(work, data, tuning, stream_));
  check(checksum(data, coded_ranges, count, &states->coded_hash, stride, {}, stream_));

  host_states = states_.download(count, stream_);
  const std::vector<SegmentTotals> host_totals = totals_.download(segment_count, stream_);
  for (uint32_t i = 0; i < segment_count; ++i) {
    take_blocks(batch.segments[i], host_states, data, host_totals[i].data_bytes, *out[i]);
    plans[i].finish(host_totals[i].coded > 0, *out[i]);
  }
  check_cuda(cudaStreamSynchronize(stream_), "encoding");
}

void CudaBackend::encode_levels(std::span<const SegmentInput> in,
                                std::span<EncodedSegment* const> out) {
  encode_quantized(in, out);
  std::vector<SegmentInput> doubtful;
  std::vector<EncodedSegment*> coded;
  for (size_t i = 0; i < in.size(); ++i) {
    if (!cpu::levels_are_doubtful(in[i], *out[i])) continue;
    doubtful.push_back(in[i]);
    coded.push_back(out[i]);
  }
  if (doubtful.empty()) return;
  std::vector<EncodedSegment> others(doubtful.size());
  std::vector<EncodedSegment*> others_out;
  for (EncodedSegment& s : others) others_out.push_back(&s);
  encode_without_base(doubtful, others_out);
  for (size_t i = 0; i < others.size(); ++i)
    if (cpu::coded_size(others[i]) < cpu::coded_size(*coded[i])) std::swap(others[i], *coded[i]);
}
}  // namespace gramzip
