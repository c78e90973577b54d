// SPDX-License-Identifier: Apache-2.0
#include "tests/registry/text_stub.h"

#include <algorithm>
#include <map>
#include <unordered_map>

#include "host/base/checksum.h"
#include "host/frame/model_wire.h"
#include "host/model/class_codes.h"
#include "host/model/compose.h"

namespace gramzip::test {
namespace {
constexpr size_t kStrings = 96;
constexpr uint8_t kFirstString = 0x80, kPlainFollows = 0xff;
using Symbols = std::unordered_map<std::string, uint16_t>;

Symbols symbols_of(std::span<const std::string> strings, size_t most) {
  Symbols s;
  for (size_t i = 0; i < std::min(strings.size(), most); ++i)
    s[strings[i]] = static_cast<uint16_t>(i);
  return s;
}

// The end of the word that begins at `at`, the byte behind it included.
size_t word_end(std::span<const uint8_t> t, size_t at) {
  size_t e = at;
  while (e < t.size() && e - at < text::kMaxString - 1 && t[e] > ' ') ++e;
  return std::min(e + 1, t.size());
}

// Calls word(index) or byte(b), in order.
template <class Word, class Byte>
void walk(std::span<const uint8_t> t, const Symbols& symbols, Word word, Byte byte) {
  for (size_t at = 0; at < t.size();) {
    const size_t end = word_end(t, at);
    const auto known = symbols.find(
        {t.begin() + static_cast<ptrdiff_t>(at), t.begin() + static_cast<ptrdiff_t>(end)});
    if (known != symbols.end()) {
      word(known->second);
    } else {
      for (size_t i = at; i < end; ++i) byte(t[i]);
    }
    at = end;
  }
}

std::vector<uint8_t> shorten(std::span<const uint8_t> t, const Symbols& symbols) {
  std::vector<uint8_t> out;
  walk(
      t, symbols, [&](uint16_t i) { out.push_back(static_cast<uint8_t>(kFirstString + i)); },
      [&](uint8_t b) {
        if (b >= kFirstString) out.push_back(kPlainFollows);
        out.push_back(b);
      });
  return out;
}

bool lengthen(std::span<const uint8_t> coded, std::span<const std::string> strings,
              std::span<uint8_t> out) {
  size_t at = 0;
  for (size_t i = 0; i < coded.size(); ++i) {
    const uint8_t b = coded[i];
    if (b >= kFirstString && b != kPlainFollows) {
      const size_t k = b - size_t{kFirstString};
      if (k >= strings.size() || strings[k].size() > out.size() - at) return false;
      std::copy(strings[k].begin(), strings[k].end(), out.begin() + static_cast<ptrdiff_t>(at));
      at += strings[k].size();
      continue;
    }
    if (b == kPlainFollows && ++i == coded.size()) return false;
    if (at == out.size()) return false;
    out[at++] = coded[i];
  }
  return at == out.size();
}

void encode_text(const SegmentInput& in, EncodedSegment& out) {
  const model::NgramModel& m = in.text->model();
  out.header = make_text_header(static_cast<uint32_t>(in.content.size()), m.id.low, m.id.high);
  out.tables.clear();
  out.records.clear();
  out.data.clear();
  const Symbols symbols = symbols_of(m.strings, kStrings);
  for (uint32_t b = 0; b < out.header.blocks; ++b) {
    const auto block = in.content.subspan(out.header.block_begin(b), out.header.block_bytes(b));
    std::vector<uint8_t> coded = shorten(block, symbols);
    const bool smaller = coded.size() < block.size();
    if (!smaller) coded.assign(block.begin(), block.end());
    out.records.push_back({smaller ? BlockMode::coded : BlockMode::raw,
                           static_cast<uint32_t>(coded.size()), hash64(coded), hash64(block)});
    out.data.insert(out.data.end(), coded.begin(), coded.end());
    out.data.resize(round_up(out.data.size(), kBlockAlign), 0);
  }
}

void decode_text(const DecodeRequest& r) {
  const SegmentView& s = r.segment;
  if (s.text == nullptr || r.first_block != 0 ||
      !(s.text->id() == Hash128{s.header.model_low, s.header.model_high}))
    fail(ErrorCode::internal, "a segment of text without its model or its first block");
  std::fill(r.output.begin(), r.output.end(), uint8_t{0});
  for (uint32_t b = 0; b < r.block_count; ++b) {
    const BlockRecord& record = s.records[b];
    const auto coded = s.data.subspan(s.offsets[b], record.coded_bytes);
    const auto out = r.output.subspan(s.header.block_begin(b), s.header.block_bytes(b));
    r.status[b] = BlockStatus::bad_block;
    if (hash64(coded) != record.coded_hash) {
      r.status[b] = BlockStatus::bad_coded_hash;
    } else if (record.mode == BlockMode::raw) {
      if (coded.size() != out.size()) continue;
      std::copy(coded.begin(), coded.end(), out.begin());
      r.status[b] = BlockStatus::ok;
    } else if (record.mode == BlockMode::coded) {
      r.status[b] =
          lengthen(coded, s.text->model().strings, out) ? BlockStatus::ok : BlockStatus::bad_stream;
    }
    if (r.status[b] == BlockStatus::ok && hash64(out) != record.decoded_hash)
      r.status[b] = BlockStatus::bad_decoded_hash;
  }
}
}  // namespace

model::NgramModel stub_train(std::span<const std::span<const uint8_t>> pieces,
                             const TrainOptions&) {
  std::map<std::string, uint64_t> words;
  for (const auto t : pieces)
    for (size_t at = 0; at < t.size();) {
      const size_t end = word_end(t, at);
      if (end - at >= text::kMinString)
        ++words[{t.begin() + static_cast<ptrdiff_t>(at), t.begin() + static_cast<ptrdiff_t>(end)}];
      at = end;
    }
  std::vector<std::pair<uint64_t, std::string>> by_gain;
  for (const auto& [w, n] : words) by_gain.emplace_back(n * (w.size() - 1), w);
  std::sort(by_gain.rbegin(), by_gain.rend());
  model::NgramModel m;
  for (const auto& [gain, w] : by_gain)
    if (m.strings.size() < kStrings) m.strings.push_back(w);
  std::sort(m.strings.begin(), m.strings.end());

  // Codes as of a text that is split in the same way.
  const Symbols symbols = symbols_of(m.strings, m.strings.size());
  std::vector<uint64_t> counts(m.symbols(), 0);
  std::vector<std::vector<uint16_t>> rows(m.symbols());
  for (const auto t : pieces) {
    uint32_t before = text::kFirstContext;
    const auto symbol = [&](uint32_t s) {
      rows[before].push_back(static_cast<uint16_t>(s));
      ++counts[s];
      before = s;
    };
    walk(
        t, symbols, [&](uint16_t i) { symbol(text::kByteSymbols + i); },
        [&](uint8_t b) { symbol(b); });
  }
  model::Bigrams bigrams;
  bigrams.row_begin.push_back(0);
  for (const auto& row : rows) {
    bigrams.next.insert(bigrams.next.end(), row.begin(), row.end());
    bigrams.row_begin.push_back(bigrams.next.size());
  }
  const std::vector<uint8_t> one_class(m.symbols(), 0);
  model::make_codes(m, bigrams, counts, one_class, {}, {});
  model::number_by_parts(m);
  return m;
}

ModelPtr stub_model(std::span<const uint8_t> text) {
  model::NgramModel m = stub_train({&text, 1}, {});
  frame::store_model(m);
  return std::make_shared<const model::TextModel>(std::move(m));
}

void StubTextBackend::encode(std::span<const SegmentInput> in, std::span<EncodedSegment> out) {
  for (size_t i = 0; i < in.size(); ++i) {
    if (in[i].text == nullptr) {
      cpu_->encode(in.subspan(i, 1), out.subspan(i, 1));
    } else {
      encode_text(in[i], out[i]);
      ++encoded_with_model;
    }
  }
}

void StubTextBackend::decode(std::span<const DecodeRequest> requests) {
  for (const DecodeRequest& r : requests)
    if (r.segment.header.codec == Codec::ngram) {
      decode_text(r);
    } else {
      cpu_->decode({&r, 1});
    }
}
}  // namespace gramzip::test
