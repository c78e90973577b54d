// SPDX-License-Identifier: Apache-2.0
// Quantized weights on the device: phrases and levels as units, entries, lanes or digits, scales.
#include <algorithm>

#include "host/backend/cuda_backend.h"
#include "host/model/quant_table.h"

namespace gramzip {
using namespace kernels;

namespace {
// Units as words, each phrase from a word on.
class UnitWords {
 public:
  UnitWords(std::vector<uint32_t>& out, uint32_t unit_bytes)
      : out_(out), start_(out.size()), unit_bytes_(unit_bytes) {}
  // Where the next phrase begins.
  uint32_t place() {
    fill_ = 0;
    return size();
  }
  void put(uint64_t unit) {
    for (uint32_t b = 0; b < unit_bytes_; ++b, unit >>= 8) {
      if (fill_ % 4 == 0) out_.push_back(0);
      out_.back() |= static_cast<uint32_t>(unit & 0xff) << (8 * (fill_++ % 4));
    }
  }
  uint32_t size() const { return static_cast<uint32_t>(out_.size() - start_); }

 private:
  std::vector<uint32_t>& out_;
  size_t start_;
  uint32_t unit_bytes_, fill_ = 0;
};
}  // namespace

void QuantDecodeBatch::add(const DecodeRequest& r, uint32_t segment, uint32_t first_table,
                           uint32_t first_output) {
  const SegmentHeader& h = r.segment.header;
  const quant::Table& t = *r.segment.quantized;
  const quant::Levels& l = t.levels;
  const uint32_t element = element_info(h.type).bytes;
  QuantSegment q{};
  q.levels = t.count();
  q.quantizers = 1;
  q.scaled = l.group != 0;
  q.unit_bytes = q.scaled ? 2 : element;
  q.units_at = static_cast<uint32_t>(units.size());
  q.first_table = static_cast<uint32_t>(tables.size());
  q.first_output = first_output;
  const auto unit_of = [&](uint32_t i) { return q.scaled ? i : l.element(i, 0); };
  UnitWords words(units, q.unit_bytes);
  if (h.coder == static_cast<uint8_t>(quant::Coder::horner)) {
    for (uint32_t i = 0; i < q.levels; ++i) {
      words.place();
      words.put(unit_of(i));
    }
    most_unit_words = std::max(most_unit_words, words.size());
  } else if (h.coder == static_cast<uint8_t>(quant::Coder::trellis)) {
    q.quantizers = 2;
    const quant::Trellis trellis = quant::trellis_of(l.trellis);
    const auto symbols_at = static_cast<uint32_t>(symbols.size());
    for (uint32_t k = 0; k < 2; ++k) {
      for (uint32_t i = k; i < q.levels; i += 2) {
        // State k is 0 but for the lowest bit, so what comes behind it is what is to be added.
        symbols.push_back(words.place() << kLevelShift | trellis.next(k, (i / 2) & 1u)
                                                             << kStateShift);
        words.put(unit_of(i));
      }
      symbols.push_back(kEscapeBit | trellis.next(k, 0) << kStateShift);
    }
    for (uint32_t i = 0; i < h.tables; ++i)
      tables.push_back({first_table + i, symbols_at + i % 2 * t.alphabet()});
  } else {
    const quant::Phrases phrases = quant::make_phrases(q.levels, t.expansions);
    const auto symbols_at = static_cast<uint32_t>(symbols.size());
    for (uint32_t s = 0; s < t.alphabet(); ++s) {
      symbols.push_back(words.place() << kPhraseShift | phrases.length(s) << kUnitsShift);
      for (uint32_t k = phrases.begin[s]; k < phrases.begin[s + 1]; ++k)
        words.put(unit_of(phrases.levels[k]));
    }
    for (uint32_t i = 0; i < h.tables; ++i) tables.push_back({first_table + i, symbols_at});
  }
  q.unit_words = words.size();
  if (h.coder != static_cast<uint8_t>(quant::Coder::horner)) {
    most_shared = std::max(most_shared, q.shared_bytes(h.tables));
    least_shared = std::min(least_shared, q.shared_bytes(h.tables));
  }
  if (q.scaled) {
    q.zero_points = !l.zero_points.empty();
    q.group = l.group;
    q.phase = t.phase;
    q.first_scaled = static_cast<uint32_t>(scaled.size());
    q.values_at = static_cast<uint32_t>(values.size());
    q.scales_at = static_cast<uint32_t>(scales.size());
    q.zero_points_at = static_cast<uint32_t>(zero_points.size());
    for (uint32_t i = 0; i < q.levels; ++i) values.push_back(static_cast<float>(l.value(i)));
    scales.insert(scales.end(), l.scales.begin(), l.scales.end());
    zero_points.insert(zero_points.end(), l.zero_points.begin(), l.zero_points.end());
    for (uint32_t i = 0; i < r.block_count; ++i) {
      scaled.push_back({segment, first_output + i, unit_numbers, ScaledBlock::kNothing});
      unit_numbers += round_up(h.block_bytes(r.first_block + i) / element, kLaneGroup);
    }
  }
  segments.push_back(q);
}

void CudaBackend::decode_quantized(const QuantDecodeBatch& in, kernels::QuantBatch batch,
                                   const uint8_t* lengths) {
  const QuantTuning tuning;
  QuantBuffers& b = quant_;
  const auto table_count = static_cast<uint32_t>(in.tables.size());
  const auto scaled_count = static_cast<uint32_t>(in.scaled.size());
  uint32_t* entries = b.entries.reserve(size_t{table_count} * kTableEntries);
  batch.quant = b.segments.upload(in.segments, stream_);
  batch.units = b.units.upload(in.units, stream_);
  batch.scaled = b.scaled.upload(in.scaled, stream_);
  batch.unit_numbers = b.unit_numbers.reserve(in.unit_numbers);
  batch.entries = entries;
  check(quant_entries(b.tables.upload(in.tables, stream_), table_count, batch.tables, lengths,
                      b.symbols.upload(in.symbols, stream_), entries, stream_));
  check(quant_decode(batch, b.groups.upload(in.groups, stream_),
                     static_cast<uint32_t>(in.groups.size()), in.most_shared, in.least_shared,
                     tuning, stream_));
  check(digits_decode(batch, b.digit_groups.upload(in.digit_groups, stream_),
                      static_cast<uint32_t>(in.digit_groups.size()), in.most_unit_words, tuning,
                      stream_));
  check(scale_levels(batch, scaled_count, b.values.upload(in.values, stream_),
                     b.scales.upload(in.scales, stream_),
                     b.zero_points.upload(in.zero_points, stream_), tuning, stream_));
}
}  // namespace gramzip
