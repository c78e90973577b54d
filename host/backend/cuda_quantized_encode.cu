// SPDX-License-Identifier: Apache-2.0
// Quantized weights on the device: numbers of levels, classes, counts, blocks; what they decide is
// decided on the host in between, as for the CPU.
#include <algorithm>

#include "gramzip/core/quant.h"
#include "host/backend/cpu_blocks.h"
#include "host/backend/cuda_backend.h"
#include "host/backend/encode_batch.h"
#include "host/model/phrase_choice.h"
#include "host/model/quant_codes.h"
#include "host/model/quant_table.h"

namespace gramzip {
using namespace kernels;

namespace {
// What is known of a segment on the host.
struct Segment {
  quant::Table table;
  quant::CoderChoice choice;
  std::vector<uint32_t> runs;     // numbers of those that are to be coded
  std::vector<uint32_t> sampled;  // of these
  quant::LevelSample sample;
  quant::SegmentCodes codes;

  bool has_phrases() const { return !runs.empty() && choice != quant::CoderChoice::horner; }
};

// The arrays that all segments share.
struct Arrays {
  std::vector<QuantCoding> codings;
  std::vector<uint16_t> numbers, phrase_bases;
  std::vector<uint64_t> elements, sampled;
  std::vector<float> values, scales;
  std::vector<uint8_t> zero_points, table_numbers;
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

void add_segment(const SegmentInput& in, const SegmentHeader& h, std::vector<Segment>& segments,
                 Arrays& a) {
  const uint32_t element = element_info(h.type).bytes, n = h.decoded_bytes / element;
  Segment s;
  s.table = quant::make_table(*in.levels, in.first_element, n);
  s.choice = in.levels->coder;
  QuantCoding c{};
  c.indexes_at = a.indexes;
  c.first_run = a.runs;
  c.levels = s.table.count();
  c.seen_at = end_of(a.codings) * kSeenWords;
  if (s.table.levels.group != 0)
    add_scales(s.table, c, a);
  else
    add_patterns(s.table.levels, element, c, a);
  c.table_numbers_at = end_of(a.codings) * kMaxTables;
  a.indexes += round_up(n, kLaneGroup);
  a.runs += static_cast<uint32_t>(ceil_div(n, kRunElements));
  a.codings.push_back(c);
  segments.push_back(std::move(s));
}

// Levels begin to end - 1 stay.
void keep(Segment& s, QuantCoding& c, uint32_t begin, uint32_t end) {
  c.begin = begin;
  c.end = end;
  if (end - begin < s.table.count()) quant::keep_levels(s.table, begin, end);
}
// Behind the kernel that gives other numbers.
void kept(Arrays& a) {
  for (QuantCoding& c : a.codings) {
    c.levels = c.end - c.begin;
    c.begin = 0;
    c.end = c.levels;
  }
}

void keep_used(const uint32_t* seen, Segment& s, QuantCoding& c) {
  std::vector<uint32_t> counts(s.table.count());
  for (uint32_t i = 0; i < counts.size(); ++i) counts[i] = (seen[i / 32] >> (i % 32)) & 1u;
  const quant::LevelRange used = quant::used_levels(counts, false);
  keep(s, c, used.begin, used.end);
}

// run(r): the numbers of run r.
template <class Run>
quant::LevelSample sample_of(const Segment& s, const Run& run) {
  return quant::sample_levels(s.table.count(), s.runs, run);
}

// Which runs the sample takes; their places in a.sampled.
void list_sample(uint32_t n, const QuantCoding& c, Segment& s, Arrays& a) {
  const std::vector<uint16_t> nothing(kRunElements);
  sample_of(s, [&](uint32_t r) {
    s.sampled.push_back(r);
    a.sampled.push_back(c.indexes_at + uint64_t{r} * kRunElements);
    return std::span(nothing).first(std::min(kRunElements, n - r * kRunElements));
  });
}

void train(uint32_t n, const uint16_t* sampled, Segment& s, QuantCoding& c, Arrays& a) {
  const uint16_t* next = sampled;
  s.sample = sample_of(s, [&](uint32_t r) {
    const std::span run(next, std::min(kRunElements, n - r * kRunElements));
    next += kRunElements;
    return run;
  });
  const model::RunClasses trained = quant::train_level_classes(s.sample);
  c.classes = trained.classes;
  c.costs_at = end_of(a.costs);
  if (trained.classes > 1)
    a.costs.insert(a.costs.end(), trained.costs.begin(),
                   trained.costs.begin() + (s.table.count() + 1) * kMaxTables);
}

void choose_phrases(std::span<const uint8_t> class_ids, uint32_t element, Segment& s,
                    QuantCoding& c, Arrays& a) {
  std::vector<uint8_t> of_sample;
  for (const uint32_t r : s.sample.numbers)
    of_sample.push_back(c.classes > 1 ? class_ids[c.first_run + r] : uint8_t{0});
  quant::PhraseChoice choice = quant::choose_phrases(s.sample, of_sample, c.classes, 8 * element,
                                                     s.choice == quant::CoderChoice::zero_runs);
  keep(s, c, choice.begin, choice.end);
  s.table.expansions = std::move(choice.expansions);
  const std::vector<uint16_t> base = quant::make_phrase_base(s.table.count(), s.table.expansions);
  c.alphabet = end_of(base);
  c.phrase_base_at = end_of(a.phrase_bases);
  a.phrase_bases.insert(a.phrase_bases.end(), base.begin(), base.end());
  c.counts_at = a.counts;
  a.counts += c.classes * c.alphabet;
  a.most_bins = std::max(a.most_bins, c.classes * c.alphabet);
}

bool horner_is_less(const Segment& s, const SegmentHeader& h, std::span<const BlockState> blocks,
                    uint32_t escapes) {
  const uint32_t levels = s.table.count(), element = element_info(h.type).bytes;
  if (levels < 2) return false;
  uint64_t horner = uint64_t{escapes} * (4 + element);
  for (uint32_t b = 0; b < h.blocks; ++b)
    if (blocks[b].mode == BlockMode::raw)
      horner += quant::plan_horner(h.block_bytes(b) / element, element, levels, 0).bytes;
  return horner < s.codes.bits / 8 + uint64_t{escapes} * element + 2 * s.table.expansions.size();
}

void choose_codes(std::span<const uint32_t> all_counts, const SegmentHeader& h,
                  std::span<const BlockState> blocks, Segment& s, QuantCoding& c, Arrays& a) {
  if (s.has_phrases()) {
    const auto counts = all_counts.subspan(c.counts_at, size_t{c.classes} * c.alphabet);
    s.codes = quant::choose_codes(counts, c.alphabet, 1, end_of(s.runs));
    uint32_t escapes = 0;
    for (uint32_t k = 0; k < c.classes; ++k) escapes += counts[k * c.alphabet + s.table.escape()];
    c.horner = s.choice == quant::CoderChoice::automatic && horner_is_less(s, h, blocks, escapes);
  } else {
    c.horner = !s.runs.empty();
  }
  if (c.horner) {
    s.table.expansions.clear();
    s.codes = {};
  }
  c.tables = end_of(s.codes.books);
  c.codes_at = end_of(a.codes);
  a.table_numbers.insert(a.table_numbers.end(), s.codes.number.begin(), s.codes.number.end());
  for (const CodeBook& book : s.codes.books)
    a.codes.insert(a.codes.end(), book.codes.begin(), book.codes.end());
}

void finish(bool any_coded, const QuantCoding& c, Segment& s, EncodedSegment& out) {
  if (!any_coded) {
    s.table.expansions.clear();
    s.codes.books.clear();
  }
  SegmentHeader& h = out.header;
  h.coder =
      static_cast<uint8_t>(any_coded && c.horner ? quant::Coder::horner : quant::Coder::huffman);
  out.tables.clear();
  quant::store_quant_table(s.table, out.tables);
  quant::store_codes(s.codes.books, out.tables);
  h.tables = static_cast<uint8_t>(s.codes.books.size());
  h.run_log2 = s.codes.books.size() > 1 ? 8 : 0;
  h.table_bytes = end_of(out.tables);
}
}  // namespace

void CudaBackend::encode_quantized(std::span<const SegmentInput> in,
                                   std::span<EncodedSegment* const> out) {
  const QuantEncodeTuning tuning;
  QuantBuffers& q = quant_;
  EncodeBatch batch;
  Arrays a;
  std::vector<Segment> segments;
  for (const SegmentInput& s : in) {
    batch.add(make_quantized_header(s.type, static_cast<uint32_t>(s.content.size())));
    add_segment(s, batch.segments.back().header, segments, a);
  }
  const auto segment_count = static_cast<uint32_t>(in.size());
  const auto header = [&](uint32_t i) -> const SegmentHeader& { return batch.segments[i].header; };
  const auto elements = [&](uint32_t i) {
    return header(i).decoded_bytes / element_info(header(i).type).bytes;
  };
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
    const uint32_t of_block =
        (1u << header(i).block_log2) / element_info(header(i).type).bytes / kRunElements;
    for (uint32_t r = 0; r < ceil_div(elements(i), kRunElements); ++r)
      if (host_states[batch.segments[i].first_block + r / of_block].mode == BlockMode::raw)
        segments[i].runs.push_back(r);
    keep_used(host_seen.data() + a.codings[i].seen_at, segments[i], a.codings[i]);
    if (segments[i].has_phrases()) list_sample(elements(i), a.codings[i], segments[i], a);
  }
  work.codings = q.codings.upload(a.codings, stream_);
  check(keep_levels(work, tuning, stream_));
  kept(a);

  const auto sampled_count = end_of(a.sampled);
  check(gather_runs(work.indexes, q.from.upload(a.sampled, stream_), sampled_count,
                    q.sampled.reserve(size_t{sampled_count} * kRunElements), stream_));
  const std::vector<uint16_t> sampled =
      q.sampled.download(size_t{sampled_count} * kRunElements, stream_);
  size_t at = 0;
  for (uint32_t i = 0; i < segment_count; ++i) {
    a.codings[i].classes = 1;
    if (!segments[i].has_phrases()) continue;
    train(elements(i), sampled.data() + at, segments[i], a.codings[i], a);
    at += segments[i].sampled.size() * kRunElements;
  }
  work.codings = q.codings.upload(a.codings, stream_);
  check(quant_classes(work, costs_.upload(a.costs, stream_), tuning, stream_));
  const std::vector<uint8_t> class_ids = class_ids_.download(a.runs, stream_);
  for (uint32_t i = 0; i < segment_count; ++i)
    if (segments[i].has_phrases())
      choose_phrases(class_ids, element_info(header(i).type).bytes, segments[i], a.codings[i], a);
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
  for (uint32_t i = 0; i < segment_count; ++i)
    choose_codes(host_counts, header(i),
                 std::span(host_states).subspan(batch.segments[i].first_block), segments[i],
                 a.codings[i], a);
  work.codings = q.codings.upload(a.codings, stream_);
  const QuantCodes codes{phrase_bases, q.table_numbers.upload(a.table_numbers, stream_),
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
    finish(host_totals[i].coded > 0, a.codings[i], segments[i], *out[i]);
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
