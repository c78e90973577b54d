// SPDX-License-Identifier: Apache-2.0
#include "host/cpu/quant_encode.h"

#include <algorithm>
#include <cstring>

#include "host/cpu/class_ids.h"
#include "host/cpu/lane_writer.inl"
#include "host/cpu/transpose.inl"

namespace gramzip::cpu {
namespace {
// Codes of up to 12 bits that fit between two flushes of 56.
constexpr uint32_t kTogether = 4;

void put_element(LaneWriter& w, uint64_t x, uint32_t bits) {
  w.flush();
  for (uint32_t done = 0; done < bits; done += 32) {
    w.put_raw((x >> done) & 0xffffffffu, std::min(bits - done, 32u));
    w.flush();
  }
}

bool is_escape(const QuantBlock& b, uint32_t symbol) {
  return symbol == b.escapes[0] || symbol == b.escapes[1];
}

// n symbols of a run, of which one at least is an escape: elements go with it. `element`: number
// of the first symbol's first one.
void write_with_escapes(const QuantBlock& b, const uint16_t* symbols, uint32_t n, uint32_t element,
                        const Code* codes, std::span<const uint8_t> lengths, LaneWriter& w) {
  for (uint32_t i = 0; i < n; ++i) {
    w.put(codes[symbols[i]]);
    if (is_escape(b, symbols[i]))
      put_element(w, load_element(b.content.data(), element, b.element_bytes), 8 * b.element_bytes);
    else
      w.flush();
    element += lengths[symbols[i]];
  }
}

// Returns how many elements they are.
uint32_t write_run(const QuantBlock& b, const uint16_t* symbols, uint32_t n, uint32_t element,
                   const Code* codes, std::span<const uint8_t> lengths, LaneWriter& w) {
  uint32_t elements = 0, escapes = 0;
  for (uint32_t i = 0; i < n; ++i) {
    elements += lengths[symbols[i]];
    escapes += is_escape(b, symbols[i]) ? 1 : 0;
  }
  if (escapes > 0) {
    write_with_escapes(b, symbols, n, element, codes, lengths, w);
    return elements;
  }
  uint32_t i = 0;
  for (; i + kTogether <= n; i += kTogether) {
    for (uint32_t k = 0; k < kTogether; ++k) w.put(codes[symbols[i + k]]);
    w.flush();
  }
  for (; i < n; ++i) w.put(codes[symbols[i]]);
  w.flush();
  return elements;
}
}  // namespace

uint32_t QuantEncoder::encode(const QuantBlock& b, std::span<const uint8_t> phrase_lengths,
                              const EncodeTables& tables, std::span<const uint8_t> class_ids,
                              uint8_t* out) {
  const auto size = static_cast<uint32_t>(b.content.size());
  const size_t codes_of_class = tables.single.size() / b.classes;
  const BlockPlan plan = quant::plan_coded(size / b.element_bytes, b.classes);
  const uint32_t lane_elements = quant::lane_runs(plan.n) * kRunElements;
  // An odd number of cache lines apart, so that the lanes do not share sets of the cache.
  const size_t room = size_t{lane_elements} * (kFloatCodeLimit + 8 * b.element_bytes) / 8 + 24;
  const size_t stride = ((room + 63) / 64 | 1) * 64;
  if (lane_bytes_.size() < stride * kLanes) lane_bytes_.resize(stride * kLanes);
  LaneWords words{};
  for (uint32_t l = 0; l < kLanes; ++l) {
    uint8_t* const begin = lane_bytes_.data() + l * stride;
    LaneWriter w;
    w.at = begin;
    const quant::LaneSpan span = quant::lane_span(plan.n, l);
    const uint16_t* symbols = b.symbols + span.begin;
    uint32_t element = span.begin;
    for (uint32_t j = span.begin; j < span.end; j += kRunElements) {
      const uint32_t run = j / kRunElements, n = b.run_symbols[run];
      const size_t id = class_ids.empty() ? 0 : class_ids[run];
      element += write_run(b, symbols, n, element, tables.single.data() + id * codes_of_class,
                           phrase_lengths, w);
      symbols += n;
    }
    words[l] = w.finish(begin);
  }
  const LanePlan lanes = plan_lanes(words);
  const uint32_t coded = coded_block_bytes(plan, lanes);
  if (coded >= size) return 0;
  write_class_ids(class_ids, plan, b.classes, out);
  write_lanes({lane_bytes_.data(), stride, words.data()}, lanes.head, lanes_to_rows,
              out + plan.lanes_at);
  return coded;
}

uint32_t encode_horner(std::span<const uint8_t> content, uint32_t element_bytes, uint32_t levels,
                       std::span<const uint16_t> indexes, uint8_t* out) {
  const auto n = static_cast<uint32_t>(indexes.size());
  const auto exceptions = static_cast<uint32_t>(std::count(indexes.begin(), indexes.end(), levels));
  const quant::HornerPlan plan = quant::plan_horner(n, element_bytes, levels, exceptions);
  if (plan.bytes >= content.size()) return 0;
  store_le<uint32_t>(out, exceptions);
  std::memset(out + plan.padding_at, 0, plan.words_at - plan.padding_at);
  if (exceptions > 0) {
    uint32_t k = 0;
    for (uint32_t j = 0; j < n; ++j) {
      if (indexes[j] != levels) continue;
      store_le<uint32_t>(out + 4 + 4 * size_t{k}, j);
      store_element(out + plan.elements_at, k++, element_bytes,
                    load_element(content.data(), j, element_bytes));
    }
  }
  const uint32_t digits = quant::digits_per_word(levels);
  uint8_t* word = out + plan.words_at;
  for (uint32_t begin = 0; begin < n; begin += digits, word += 8) {
    uint64_t v = 0;
    for (uint32_t j = std::min(begin + digits, n); j-- > begin;)
      v = v * levels + (indexes[j] == levels ? 0 : indexes[j]);
    store_le<uint64_t>(word, v);
  }
  return static_cast<uint32_t>(plan.bytes);
}
}  // namespace gramzip::cpu
