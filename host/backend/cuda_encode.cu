// SPDX-License-Identifier: Apache-2.0
// Encoding a batch: upload, hashes, modes; classes of runs are trained on the host; then the class
// of each run, counts, codes, sizes, offsets, blocks, hashes; then download.
#include <algorithm>
#include <cstring>

#include "gramzip/core/fast.h"
#include "gramzip/core/table_wire.h"
#include "host/backend/class_segment.h"
#include "host/backend/cuda_backend.h"
#include "host/backend/encode_batch.h"
#include "host/model/run_classes.h"

namespace gramzip {
using namespace kernels;

namespace {
// A batch of segments as the kernels see it.
struct Batch : EncodeBatch {
  std::vector<EncodePlaces> places;  // as segments
  std::vector<Alphabet> alphabets;   // of all segments' classes
  std::vector<ClassCost> costs;
  std::vector<uint64_t> exact;  // kMaxExactValues places a segment that has some
  uint64_t elements_bytes = 0;
  uint32_t runs = 0, symbols = 0;
  uint32_t most_symbols = 0;  // of an alphabet
  uint32_t most_bins = 0;     // of a segment whose runs have classes
};

// What is known before training.
Batch lay_out(std::span<const SegmentInput> in) {
  Batch batch;
  for (const SegmentInput& s : in) {
    std::vector<uint64_t> exact = exact_values(s);
    const SegmentHeader h = start_header(s, exact);
    const auto exact_at = static_cast<uint32_t>(batch.exact.size());
    if (!exact.empty()) {
      exact.resize(kMaxExactValues, exact.back());
      batch.exact.insert(batch.exact.end(), exact.begin(), exact.end());
    }
    batch.places.push_back({batch.content_bytes, 1, 0, 0, 0, exact_at, 0});
    batch.add(h);
  }
  // Segments with a period have a second place, behind all content.
  batch.elements_bytes = batch.content_bytes;
  for (size_t i = 0; i < in.size(); ++i) {
    const DeviceSegment& d = batch.segments[i];
    EncodePlaces& p = batch.places[i];
    p.runs_at = batch.runs;
    if (d.header.period > 0) {
      p.elements_at = batch.elements_bytes;
      batch.elements_bytes += round_up(d.header.decoded_bytes, 128);
    }
    if (d.header.codec != Codec::bytes) batch.runs += d.header.blocks * runs_of_a_block(d.header);
  }
  return batch;
}

// Trains the classes of each segment that has some, and gives alphabets their places.
void train(Batch& batch, std::span<const SegmentInput> in, std::span<const BlockState> states) {
  std::vector<BlockRecord> records;
  for (size_t i = 0; i < in.size(); ++i) {
    DeviceSegment& d = batch.segments[i];
    EncodePlaces& p = batch.places[i];
    if (d.header.codec != Codec::bytes) {
      records.clear();
      for (uint32_t b = 0; b < d.header.blocks; ++b)
        records.push_back({states[d.first_block + b].mode, 0, 0, 0});
      const model::RunClasses classes =
          model::train_run_classes(in[i].content, d.header, records,
                                   {batch.exact.data() + p.exact_at, d.header.exact_values});
      d.header.symbol_bits = static_cast<uint8_t>(classes.symbol_bits);
      d.header.zero_bits = static_cast<uint8_t>(classes.zero_bits);
      p.classes = classes.classes;
      p.costs_at = static_cast<uint32_t>(batch.costs.size());
      batch.costs.insert(batch.costs.end(), classes.costs.begin(), classes.costs.end());
      batch.most_bins = std::max(batch.most_bins, p.classes * d.header.alphabet());
    }
    p.first_alphabet = static_cast<uint32_t>(batch.alphabets.size());
    p.symbols_at = batch.symbols;
    const auto symbols = static_cast<uint16_t>(d.header.alphabet());
    for (uint32_t c = 0; c < p.classes; ++c) {
      batch.alphabets.push_back({batch.symbols, symbols, d.header.code_limit});
      batch.symbols += symbols;
    }
    batch.most_symbols = std::max<uint32_t>(batch.most_symbols, symbols);
  }
}

bool any_bytes(const Batch& batch) {
  return std::ranges::any_of(batch.segments,
                             [](const DeviceSegment& d) { return d.header.codec == Codec::bytes; });
}

// The tables of a segment's classes that have symbols, on the wire.
struct Tables {
  std::vector<uint8_t> wire;
  uint32_t count = 0;
  uint64_t code_bits = 0;
};
Tables make_tables(const EncodePlaces& p, uint32_t symbols, std::span<const CodeSummary> summaries,
                   const uint8_t* lengths) {
  Tables t;
  for (uint32_t c = 0; c < p.classes; ++c) {
    const CodeSummary& s = summaries[p.first_alphabet + c];
    if (s.used == 0) continue;
    const size_t at = t.wire.size();
    t.wire.resize(at + table_wire_bytes(symbols));
    t.wire.resize(at + store_table(lengths + p.symbols_at + size_t{c} * symbols, symbols, s.used,
                                   s.lone, t.wire.data() + at));
    ++t.count;
    t.code_bits += s.bits;
  }
  return t;
}
}  // namespace

void CudaBackend::encode(std::span<const SegmentInput> in, std::span<EncodedSegment> out) {
  const std::lock_guard lock(mutex_);
  check_cuda(cudaSetDevice(device_), "choosing the device");
  std::vector<SegmentInput> coded, text, with_base, levels;
  std::vector<EncodedSegment*> coded_out, text_out, with_base_out, levels_out;
  uint64_t text_bytes = 0;
  const auto flush_text = [&] {
    if (!text.empty()) encode_text(text, text_out);
    text.clear();
    text_out.clear();
    text_bytes = 0;
  };
  for (size_t i = 0; i < in.size(); ++i) {
    if (in[i].text == nullptr && in[i].levels != nullptr) {
      levels.push_back(in[i]);
      levels_out.push_back(&out[i]);
      continue;
    }
    if (in[i].text == nullptr && !in[i].base.empty()) {
      with_base.push_back(in[i]);
      with_base_out.push_back(&out[i]);
      continue;
    }
    if (in[i].text == nullptr) {
      coded.push_back(in[i]);
      coded_out.push_back(&out[i]);
      continue;
    }
    if (text_bytes + in[i].content.size() > kTextEncodeBatch) flush_text();
    text.push_back(in[i]);
    text_out.push_back(&out[i]);
    text_bytes += in[i].content.size();
  }
  flush_text();
  encode_without_base(coded, coded_out);
  if (!with_base.empty()) encode_with_base(with_base, with_base_out);
  if (!levels.empty()) encode_levels(levels, levels_out);
}

void CudaBackend::encode_without_base(std::span<const SegmentInput> in,
                                      std::span<EncodedSegment* const> out) {
  std::vector<SegmentInput> fast_in, coded;
  std::vector<EncodedSegment*> fast_out, coded_out;
  for (size_t i = 0; i < in.size(); ++i) {
    const bool is_fast = in[i].fast && fast::codes(in[i].type);
    (is_fast ? fast_in : coded).push_back(in[i]);
    (is_fast ? fast_out : coded_out).push_back(out[i]);
  }
  if (!coded.empty()) encode_coded(coded, coded_out);
  if (!fast_in.empty()) encode_fast(fast_in, fast_out);
}

uint8_t* CudaBackend::upload_content(std::span<const SegmentInput> in,
                                     std::span<const DeviceSegment> segments, uint64_t bytes) {
  uint8_t* content = content_.reserve(bytes);
  for (size_t i = 0; i < in.size(); ++i)
    check_cuda(cudaMemcpyAsync(content + segments[i].content_at, in[i].content.data(),
                               in[i].content.size(), cudaMemcpyHostToDevice, stream_),
               "upload");
  return content;
}

void CudaBackend::encode_coded(std::span<const SegmentInput> in,
                               std::span<EncodedSegment* const> out) {
  Batch batch = lay_out(in);
  const auto count = static_cast<uint32_t>(batch.blocks.size()),
             segment_count = static_cast<uint32_t>(in.size());
  uint8_t* content = upload_content(in, batch.segments, batch.elements_bytes);
  uint8_t* data = data_.reserve(batch.data_bytes);
  const auto* segments = segments_.upload(batch.segments, stream_);
  const auto* blocks = blocks_.upload(batch.blocks, stream_);
  const auto* ranges = decoded_ranges_.upload(batch.ranges, stream_);
  BlockState* states = states_.reserve(count);
  constexpr uint32_t stride = sizeof(BlockState);
  check(checksum(content, ranges, count, &states->decoded_hash, stride, {}, stream_));
  check(classify(content, segments, blocks, states, count, {}, stream_));

  const bool any_classes = batch.runs > 0;
  train(batch, in, any_classes ? states_.download(count, stream_) : std::vector<BlockState>{});
  const auto alphabet_count = static_cast<uint32_t>(batch.alphabets.size());
  if (any_classes) segments = segments_.upload(batch.segments, stream_);
  const auto* places = places_.upload(batch.places, stream_);
  const auto* alphabets = alphabets_.upload(batch.alphabets, stream_);
  const auto* costs = costs_.upload(batch.costs, stream_);
  const auto* exact = exact_.upload(batch.exact, stream_);
  uint8_t* class_ids = class_ids_.reserve(batch.runs);
  uint32_t* counts = counts_.reserve(batch.symbols);
  uint32_t* codes = codes_.reserve(batch.symbols);
  uint8_t* lengths = lengths_.reserve(batch.symbols);
  uint32_t* lane_words = lane_words_.reserve(size_t{count} * kLanes);
  CodeSummary* summaries = summaries_.reserve(alphabet_count);
  SegmentTotals* totals = totals_.reserve(segment_count);
  HashRange* coded_ranges = coded_ranges_.reserve(count);
  check_cuda(cudaMemsetAsync(counts, 0, batch.symbols * sizeof(uint32_t), stream_),
             "clearing counts");

  if (batch.elements_bytes > batch.content_bytes)
    check(to_planes(content, segments, places, blocks, states, count, {}, stream_));
  check(assign_classes(content, segments, places, blocks, states, count, costs, exact,
                       batch.most_bins, class_ids, counts, {}, stream_));
  if (any_bytes(batch))
    check(histogram(content, segments, places, blocks, states, count, counts, {}, stream_));
  check(code_lengths(alphabets, alphabet_count, batch.most_symbols, counts, lengths, codes,
                     summaries, {}, stream_));
  const BlockCoding coding{places, summaries, codes, class_ids, exact};
  check(encode_measure(content, segments, blocks, states, count, coding, lane_words, {}, stream_));
  check(encode_layout(segments, segment_count, states, coded_ranges, totals, stream_));
  check(encode_write(content, segments, blocks, states, count, coding, lane_words, data, {},
                     stream_));
  check(checksum(data, coded_ranges, count, &states->coded_hash, stride, {}, stream_));

  const std::vector<BlockState> host_states = states_.download(count, stream_);
  const std::vector<SegmentTotals> host_totals = totals_.download(segment_count, stream_);
  const std::vector<CodeSummary> host_summaries = summaries_.download(alphabet_count, stream_);
  const std::vector<uint8_t> host_lengths = lengths_.download(batch.symbols, stream_);
  std::vector<SegmentInput> as_bytes;
  std::vector<EncodedSegment*> as_bytes_out;
  for (uint32_t i = 0; i < segment_count; ++i) {
    const SegmentHeader& h = batch.segments[i].header;
    const EncodePlaces& p = batch.places[i];
    Tables t = make_tables(p, h.alphabet(), host_summaries, host_lengths.data());
    if (h.codec == Codec::planes && t.count > 0 &&
        bytes_suffice({t.code_bits, t.wire.size(), t.count, model::count_runs(h).count},
                      sum_of_classes(p))) {
      as_bytes.push_back({ElementType::bytes, in[i].content});
      as_bytes_out.push_back(out[i]);
      continue;
    }
    EncodedSegment& s = *out[i];
    take_blocks(batch.segments[i], host_states, data, host_totals[i].data_bytes, s);
    if (host_totals[i].coded == 0) {  // nothing has exact values or tables then
      if (h.codec == Codec::exact_floats) s.header.codec = Codec::floats;
      s.header.exact_values = 0;
      continue;
    }
    s.tables.assign(h.exact_bytes(), 0);
    for (uint32_t d = 0; d < h.exact_values; ++d)
      store_element(s.tables.data(), d, element_info(h.type).bytes, batch.exact[p.exact_at + d]);
    s.tables.insert(s.tables.end(), t.wire.begin(), t.wire.end());
    s.header.tables = static_cast<uint8_t>(t.count);
    s.header.run_log2 = t.count > 1 ? 8 : 0;
    s.header.table_bytes = static_cast<uint32_t>(s.tables.size());
  }
  check_cuda(cudaStreamSynchronize(stream_), "encoding");
  if (!as_bytes.empty()) encode_coded(as_bytes, as_bytes_out);
}

std::vector<uint32_t> CudaBackend::sum_of_classes(const EncodePlaces& p) const {
  constexpr uint32_t symbols = 256;
  std::vector<uint32_t> counts(size_t{p.classes} * symbols), sum(symbols, 0);
  check_cuda(cudaMemcpyAsync(counts.data(), counts_.get() + p.symbols_at,
                             counts.size() * sizeof(uint32_t), cudaMemcpyDeviceToHost, stream_),
             "download");
  check_cuda(cudaStreamSynchronize(stream_), "download");
  for (size_t i = 0; i < counts.size(); ++i) sum[i % symbols] += counts[i];
  return sum;
}

void CudaBackend::take_blocks(const DeviceSegment& segment, std::span<const BlockState> states,
                              const uint8_t* data, uint32_t data_bytes, EncodedSegment& out) {
  out.header = segment.header;
  out.tables.clear();
  out.records.clear();
  for (uint32_t b = 0; b < out.header.blocks; ++b) {
    const BlockState& state = states[segment.first_block + b];
    out.records.push_back({state.mode, state.coded_bytes, state.coded_hash, state.decoded_hash});
  }
  out.data.resize(data_bytes);
  if (!out.data.empty())
    check_cuda(cudaMemcpyAsync(out.data.data(), data + segment.data_at, out.data.size(),
                               cudaMemcpyDeviceToHost, stream_),
               "download");
}
}  // namespace gramzip
