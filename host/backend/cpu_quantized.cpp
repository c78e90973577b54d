// SPDX-License-Identifier: Apache-2.0
// Encoding of codec quantized: indexes of levels, then symbols along a trellis or phrases, classes
// and codes by cost, or digits.
#include "host/backend/cpu_quantized.h"

#include "gramzip/core/quant.h"
#include "host/backend/cpu_blocks.h"
#include "host/backend/quant_plan.h"
#include "host/cpu/huffman_encode.h"
#include "host/cpu/quant_decode.h"
#include "host/cpu/quant_encode.h"
#include "host/cpu/quantize.h"

namespace gramzip::cpu {
namespace {
using Bytes = std::span<const uint8_t>;

// What the passes over a segment keep from call to call.
struct Space {
  std::vector<uint16_t> indexes;      // of every element; along a trellis, its symbol
  std::vector<uint16_t> symbols;      // of a lane, from the place of its first element on
  std::vector<uint16_t> run_symbols;  // how many begin in each run
  std::vector<uint8_t> class_ids;     // of every run
  std::vector<uint32_t> counts;       // [class][symbol]
  EncodeTables tables;
  QuantEncoder encoder;
};

class Encoder {
 public:
  Encoder(const SegmentInput& in, EncodedSegment& out, Space& space)
      : in_(in),
        out_(out),
        s_(space),
        h_(out.header),
        element_(element_info(in.type).bytes),
        plan_(in, h_ = make_quantized_header(in.type, static_cast<uint32_t>(in.content.size()))) {}

  void encode() {
    out_.records.assign(h_.blocks, {});
    choose_modes(in_.content, h_, element_, out_.records, repeat_of_);
    s_.indexes.resize(plan_.elements());
    level_indexes(plan_.table().levels, plan_.table().phase, in_.content, s_.indexes);
    plan_.find_runs([this](uint32_t b) { return is_coded(b); });
    s_.class_ids.assign(ceil_div(plan_.elements(), kRunElements), 0);
    keep_used();
    if (plan_.by_codes()) {
      walk_trellis();
      choose_classes();
      keep(plan_.choose_phrases(s_.class_ids));
      parse();
      plan_.choose_codes(s_.counts);
    }
    plan_.finish(write(), out_);
  }

 private:
  bool is_coded(uint32_t b) const { return out_.records[b].mode == BlockMode::raw; }
  uint32_t block_elements(uint32_t b) const { return h_.block_bytes(b) / element_; }
  uint32_t runs_per_block() const { return (1u << h_.block_log2) / element_ / kRunElements; }
  // Run r of the segment, whose last block alone may end in a short one.
  std::span<uint16_t> run(uint32_t r) const {
    return std::span(s_.indexes).subspan(size_t{r} * kRunElements, plan_.run_size(r));
  }

  void keep_used() {
    std::vector<uint32_t> counts(plan_.table().count() + 1, 0);
    for (const uint32_t r : plan_.runs())
      for (const uint16_t i : run(r)) ++counts[i];
    levels_ = plan_.table().count();
    keep(plan_.keep_used(std::span(counts).first(levels_)));
  }
  // Other levels than these become escapes.
  void keep(quant::LevelRange range) {
    const uint32_t begin = range.begin, end = range.end;
    if (begin == 0 && end == levels_) return;
    levels_ = end - begin;
    const auto escape = static_cast<uint16_t>(levels_);
    for (uint16_t& i : s_.indexes)
      i = i >= begin && i < end ? static_cast<uint16_t>(i - begin) : escape;
  }

  void walk_trellis() {
    if (plan_.trellis() == 0) return;
    const quant::Trellis trellis = quant::trellis_of(plan_.trellis());
    for (const uint32_t r : plan_.runs())
      quant::trellis_symbols(trellis, levels_, plan_.run_size(r), run(r).data());
  }

  void choose_classes() {
    const model::RunClasses trained =
        plan_.train_classes([this](uint32_t r) { return std::span<const uint16_t>(run(r)); });
    if (trained.classes > 1)
      for (const uint32_t r : plan_.runs())
        encode_loops().choose_classes(run(r).data(), plan_.run_size(r), trained.costs.data(),
                                      trained.classes, &s_.class_ids[r]);
  }

  void parse() {
    const uint32_t alphabet = plan_.alphabet();
    const std::vector<uint16_t> base = plan_.phrase_base();
    s_.symbols.resize(plan_.elements());
    s_.run_symbols.assign(s_.class_ids.size(), 0);
    s_.counts.assign(size_t{plan_.classes()} * alphabet, 0);
    for (uint32_t block = 0; block < h_.blocks; ++block) {
      if (!is_coded(block)) continue;
      const uint32_t n = block_elements(block), at = h_.block_begin(block) / element_;
      uint16_t* const run_symbols = s_.run_symbols.data() + size_t{block} * runs_per_block();
      const uint8_t* const ids = s_.class_ids.data() + size_t{block} * runs_per_block();
      for (uint32_t lane = 0; lane < kLanes; ++lane) {
        const quant::LaneSpan span = quant::lane_span(n, lane);
        uint16_t* symbols = s_.symbols.data() + at + span.begin;
        quant::parse_lane(s_.indexes.data() + at, span.begin, span.end, levels_, base.data(),
                          [&](uint32_t symbol, uint32_t first) {
                            const uint32_t run = first / kRunElements;
                            ++s_.counts[size_t{ids[run]} * alphabet + symbol];
                            ++run_symbols[run];
                            *symbols++ = static_cast<uint16_t>(symbol);
                          });
      }
    }
  }

  // False if no block is coded.
  bool write() {
    switch (plan_.runs().empty() ? quant::Coder::horner : plan_.coder()) {
      case quant::Coder::huffman: {
        const quant::Phrases phrases =
            quant::make_phrases(plan_.table().count(), plan_.table().expansions);
        std::vector<uint8_t> lengths(plan_.alphabet());
        for (uint32_t s = 0; s < lengths.size(); ++s)
          lengths[s] = static_cast<uint8_t>(phrases.length(s));
        lengths[levels_] = 1;
        return write_codes(lengths);
      }
      case quant::Coder::trellis:
        return write_codes(std::vector<uint8_t>(plan_.alphabet(), 1));
      case quant::Coder::horner:
        break;
    }
    return write_blocks(
        in_.content, element_, repeat_of_, out_, [this](uint32_t b, Bytes block, uint8_t* to) {
          const auto indexes =
              std::span(s_.indexes).subspan(h_.block_begin(b) / element_, block_elements(b));
          return encode_horner(block, element_, levels_, indexes, to);
        });
  }
  bool write_codes(std::span<const uint8_t> phrase_lengths) {
    const quant::SegmentCodes& codes = plan_.codes();
    for (uint8_t& id : s_.class_ids) id = codes.number[id];
    make_encode_tables(codes.books, 0, s_.tables);
    return write_blocks(
        in_.content, element_, repeat_of_, out_, [&](uint32_t b, Bytes block, uint8_t* to) {
          const size_t first = size_t{b} * runs_per_block();
          const size_t n = ceil_div(block_elements(b), kRunElements);
          const Bytes ids(s_.class_ids.data() + first, codes.classes > 1 ? n : 0);
          return s_.encoder.encode(
              {block, element_, codes.classes, plan_.escapes(),
               s_.symbols.data() + first * kRunElements, s_.run_symbols.data() + first},
              phrase_lengths, s_.tables, ids, to);
        });
  }

  const SegmentInput& in_;
  EncodedSegment& out_;
  Space& s_;
  SegmentHeader& h_;
  uint32_t element_;
  QuantPlan plan_;
  std::vector<uint32_t> repeat_of_;
  uint32_t levels_ = 0;  // N, the number of no level
};
}  // namespace

void encode_quantized(const SegmentInput& in, EncodedSegment& out) {
  thread_local Space space;
  out.header = {};
  Encoder(in, out, space).encode();
}

bool levels_are_doubtful(const SegmentInput& in, const EncodedSegment& coded) {
  // Nobody else halves the bytes of levels that do not halve here.
  return 2 * coded_size(coded) > in.content.size();
}

void encode_levels(const SegmentInput& in, const EncodeAlone& without_levels, EncodedSegment& out) {
  encode_quantized(in, out);
  if (!levels_are_doubtful(in, out)) return;
  EncodedSegment other;
  without_levels(in, other);
  if (coded_size(other) < coded_size(out)) std::swap(other, out);
}

void decode_quantized(const DecodeRequest& r) {
  thread_local QuantDecoder decoder;
  const SegmentHeader& h = r.segment.header;
  const QuantDecodeTables tables(r.segment);
  decode_blocks(r, [&](uint32_t b, Bytes coded, std::span<uint8_t> out) {
    return decoder.decode(coded, h, tables, h.block_begin(b) / element_info(h.type).bytes, out);
  });
}
}  // namespace gramzip::cpu
