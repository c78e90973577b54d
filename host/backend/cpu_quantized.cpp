// SPDX-License-Identifier: Apache-2.0
// Encoding of codec quantized: indexes of levels, then phrases, classes and codes by cost, or
// digits.
#include "host/backend/cpu_quantized.h"

#include <algorithm>

#include "gramzip/core/quant.h"
#include "host/backend/cpu_blocks.h"
#include "host/cpu/huffman_encode.h"
#include "host/cpu/quant_decode.h"
#include "host/cpu/quant_encode.h"
#include "host/cpu/quantize.h"
#include "host/model/phrase_choice.h"
#include "host/model/quant_codes.h"

namespace gramzip::cpu {
namespace {
using Bytes = std::span<const uint8_t>;

// What the passes over a segment keep from call to call.
struct Space {
  std::vector<uint16_t> indexes;      // of every element
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
        n_(static_cast<uint32_t>(in.content.size() / element_)),
        table_(quant::make_table(*in.levels, in.first_element, n_)) {}

  void encode() {
    h_ = make_quantized_header(in_.type, static_cast<uint32_t>(in_.content.size()));
    out_.records.assign(h_.blocks, {});
    choose_modes(in_.content, h_, element_, out_.records, repeat_of_);
    s_.indexes.resize(n_);
    level_indexes(table_.levels, table_.phase, in_.content, s_.indexes);
    find_runs();
    keep_used();
    using quant::CoderChoice;
    const CoderChoice choice = in_.levels->coder;
    bool any_coded = false;
    if (runs_.empty()) {
      any_coded = write([](uint32_t, Bytes, uint8_t*) { return 0u; });
    } else if (choice == CoderChoice::horner) {
      any_coded = write_horner();
    } else {
      choose_phrases(choice == CoderChoice::zero_runs);
      parse();
      const quant::SegmentCodes codes = choose_codes();
      if (choice == CoderChoice::automatic && horner_is_less(codes.bits))
        any_coded = write_horner();
      else
        any_coded = write_huffman(codes);
    }
    finish(any_coded);
  }

 private:
  uint32_t block_elements(uint32_t b) const { return h_.block_bytes(b) / element_; }
  uint32_t runs_per_block() const { return (1u << h_.block_log2) / element_ / kRunElements; }
  // Run r of the segment, whose last block alone may end in a short one.
  std::span<const uint16_t> run(uint32_t r) const {
    const uint32_t begin = r * kRunElements;
    return std::span(s_.indexes).subspan(begin, std::min(kRunElements, n_ - begin));
  }
  void find_runs() {
    const uint32_t all = static_cast<uint32_t>(ceil_div(n_, kRunElements));
    for (uint32_t r = 0; r < all; ++r)
      if (out_.records[r / runs_per_block()].mode == BlockMode::raw) runs_.push_back(r);
    s_.class_ids.assign(all, 0);
  }

  void keep_used() {
    std::vector<uint32_t> counts(table_.count() + 1, 0);
    for (const uint32_t r : runs_)
      for (const uint16_t i : run(r)) ++counts[i];
    const quant::LevelRange used = quant::used_levels(std::span(counts).first(table_.count()));
    keep(used.begin, used.end);
  }
  // Other levels than begin to end - 1 become escapes.
  void keep(uint32_t begin, uint32_t end) {
    if (begin == 0 && end == table_.count()) return;
    const auto escape = static_cast<uint16_t>(end - begin);
    for (uint16_t& i : s_.indexes)
      i = i >= begin && i < end ? static_cast<uint16_t>(i - begin) : escape;
    quant::keep_levels(table_, begin, end);
  }

  void choose_phrases(bool zero_runs) {
    const quant::LevelSample sample =
        quant::sample_levels(table_.count(), runs_, [this](uint32_t r) { return run(r); });
    const model::RunClasses trained = quant::train_level_classes(sample);
    classes_ = trained.classes;
    std::vector<uint8_t> of_sample(sample.numbers.size(), 0);
    if (classes_ > 1) {
      for (const uint32_t r : runs_)
        encode_loops().choose_classes(run(r).data(), static_cast<uint32_t>(run(r).size()),
                                      trained.costs.data(), classes_, &s_.class_ids[r]);
      for (size_t i = 0; i < of_sample.size(); ++i) of_sample[i] = s_.class_ids[sample.numbers[i]];
    }
    quant::PhraseChoice choice =
        quant::choose_phrases(sample, of_sample, classes_, 8 * element_, zero_runs);
    keep(choice.begin, choice.end);
    table_.expansions = std::move(choice.expansions);
  }

  void parse() {
    const uint32_t escape = table_.escape();
    const auto base = quant::make_phrase_base(table_.count(), table_.expansions);
    alphabet_ = static_cast<uint32_t>(base.size());
    s_.symbols.resize(n_);
    s_.run_symbols.assign(s_.class_ids.size(), 0);
    s_.counts.assign(size_t{classes_} * alphabet_, 0);
    for (uint32_t block = 0; block < h_.blocks; ++block) {
      if (out_.records[block].mode != BlockMode::raw) continue;
      const uint32_t n = block_elements(block), at = h_.block_begin(block) / element_;
      uint16_t* const run_symbols = s_.run_symbols.data() + size_t{block} * runs_per_block();
      const uint8_t* const ids = s_.class_ids.data() + size_t{block} * runs_per_block();
      for (uint32_t lane = 0; lane < kLanes; ++lane) {
        const quant::LaneSpan span = quant::lane_span(n, lane);
        uint16_t* symbols = s_.symbols.data() + at + span.begin;
        quant::parse_lane(s_.indexes.data() + at, span.begin, span.end, escape, base.data(),
                          [&](uint32_t symbol, uint32_t first) {
                            const uint32_t run = first / kRunElements;
                            ++s_.counts[size_t{ids[run]} * alphabet_ + symbol];
                            ++run_symbols[run];
                            *symbols++ = static_cast<uint16_t>(symbol);
                          });
      }
    }
    for (uint32_t c = 0; c < classes_; ++c) escapes_ += s_.counts[size_t{c} * alphabet_ + escape];
  }

  quant::SegmentCodes choose_codes() {
    const auto runs = static_cast<uint32_t>(runs_.size());
    quant::SegmentCodes codes = quant::choose_codes(s_.counts, alphabet_, runs);
    for (uint8_t& id : s_.class_ids) id = codes.number[id];
    return codes;
  }

  bool horner_is_less(uint64_t code_bits) const {
    if (table_.count() < 2) return false;
    uint64_t horner = 0;
    for (uint32_t b = 0; b < h_.blocks; ++b)
      if (out_.records[b].mode == BlockMode::raw)
        horner += quant::plan_horner(block_elements(b), element_, table_.count(), 0).bytes;
    horner += uint64_t{escapes_} * (4 + element_);
    return horner < code_bits / 8 + uint64_t{escapes_} * element_ + 2 * table_.expansions.size();
  }

  template <class CodeBlock>
  bool write(const CodeBlock& code) {
    return write_blocks(in_.content, element_, repeat_of_, out_, code);
  }
  bool write_horner() {
    h_.coder = static_cast<uint8_t>(quant::Coder::horner);
    table_.expansions.clear();
    return write([this](uint32_t b, Bytes block, uint8_t* to) {
      const auto indexes =
          std::span(s_.indexes).subspan(h_.block_begin(b) / element_, block_elements(b));
      return encode_horner(block, element_, table_.count(), indexes, to);
    });
  }
  bool write_huffman(const quant::SegmentCodes& codes) {
    const quant::Phrases phrases = quant::make_phrases(table_.count(), table_.expansions);
    std::vector<uint8_t> lengths(alphabet_);
    for (uint32_t s = 0; s < alphabet_; ++s) lengths[s] = static_cast<uint8_t>(phrases.length(s));
    lengths[table_.escape()] = 1;
    make_encode_tables(codes.books, 0, s_.tables);
    const bool any_coded = write([&](uint32_t b, Bytes block, uint8_t* to) {
      const size_t first = size_t{b} * runs_per_block();
      const size_t n = ceil_div(block_elements(b), kRunElements);
      const Bytes ids(s_.class_ids.data() + first, codes.books.size() > 1 ? n : 0);
      return s_.encoder.encode(
          {block, element_, table_.escape(), s_.symbols.data() + first * kRunElements,
           s_.run_symbols.data() + first},
          lengths, s_.tables, ids, to);
    });
    if (any_coded) books_ = codes.books;
    return any_coded;
  }

  // The quant table, which a segment of none but plain blocks has too, and the code tables.
  void finish(bool any_coded) {
    if (!any_coded) {
      table_.expansions.clear();
      h_.coder = 0;
    }
    out_.tables.clear();
    quant::store_quant_table(table_, out_.tables);
    quant::store_codes(books_, out_.tables);
    h_.tables = static_cast<uint8_t>(books_.size());
    h_.run_log2 = books_.size() > 1 ? 8 : 0;
    h_.table_bytes = static_cast<uint32_t>(out_.tables.size());
  }

  const SegmentInput& in_;
  EncodedSegment& out_;
  Space& s_;
  SegmentHeader& h_;
  uint32_t element_, n_;
  quant::Table table_;
  std::vector<uint32_t> repeat_of_;
  std::vector<uint32_t> runs_;  // numbers of those that are to be coded
  uint32_t classes_ = 1, alphabet_ = 0, escapes_ = 0;
  std::vector<CodeBook> books_;
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
