// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <memory>
#include <utility>

#include "host/base/error.h"
#include "host/frame/model_wire.h"
#include "host/model/machine.h"

namespace gramzip::frame {
using model::NgramModel;

namespace {
class Loader {
 public:
  Loader(std::span<const uint8_t> bytes, const std::string& where) : bytes_(bytes), where_(where) {}
  NgramModel load();

 private:
  [[noreturn]] void corrupt(const std::string& what) const {
    fail(ErrorCode::corrupt, where_ + ": " + what);
  }
  uint32_t read(ModelStream stream, uint32_t context) {
    return streams_[stream].read(*body_, context);
  }
  void load_strings();
  void resolve_strings();
  void load_symbols();
  void load_class(model::ClassCode& code);
  void load_distances();
  // Kraft sum of lengths up to `limit`, in units of 2^-limit.
  static uint64_t kraft(std::span<const uint8_t> lengths, uint32_t limit) {
    uint64_t sum = 0;
    for (const uint8_t l : lengths) sum += l > 0 ? uint64_t{1} << (limit - l) : 0;
    return sum;
  }
  void check_kraft(uint64_t sum, uint32_t limit, const char* code) const {
    if (sum != uint64_t{1} << limit)
      corrupt(std::string("the lengths of ") + code + " make no prefix code (Kraft sum is not 1)");
  }

  std::span<const uint8_t> bytes_;
  std::string where_;
  NgramModel m_;
  uint32_t strings_ = 0, classes_ = 0;
  std::array<ContextReader, kModelStreamCount> streams_;
  std::unique_ptr<BodyReader> body_;
  std::vector<uint16_t> by_rank_;
};

void Loader::load_strings() {
  if (strings_ == 0) return;
  const uint32_t end = text::kByteSymbols + strings_;
  m_.parts.reserve(strings_);
  uint32_t before = 0;
  for (uint32_t a = 0; m_.parts.size() < strings_; ++a) {
    if (a >= text::kByteSymbols + m_.parts.size()) corrupt("a string has no first part");
    before = read(kChildren, children_context(before, a));
    const text::Bucket b = text::bucket(before);
    const uint32_t children = b.base + body_->raw(b.raw_bits);
    if (children > strings_ - m_.parts.size()) corrupt("there are more children than strings");
    for (uint32_t k = 0; k < children; ++k) m_.parts.push_back({static_cast<uint16_t>(a)});
  }
  std::vector<uint8_t> lengths(end);
  uint32_t used = 0;
  before = 0;
  for (uint32_t s = 0; s < end; ++s) {
    before = read(kPartCode, before + (s > 255 ? 16 : 0));
    lengths[s] = static_cast<uint8_t>(before);
    used += before > 0 ? 1 : 0;
  }
  if (used < 2) corrupt("fewer than two symbols have a code as parts");
  check_kraft(kraft(lengths, 15), 15, "the parts' code");
  const SymbolReader symbols(lengths, 0, 15);
  before = 0;
  for (auto& parts : m_.parts) {
    before = read(kParts, before < 3 ? before : 3);
    if (before > text::kMaxString - 2) corrupt("a string has too many parts");
    for (uint32_t k = 0; k <= before; ++k)
      parts.push_back(static_cast<uint16_t>(symbols.read(*body_)));
  }
  resolve_strings();
}

// Strings out of their parts. A string of L bytes has shorter ones as parts, so it is there after
// L - 1 rounds at most; what is not there after 31 contains itself or is too long.
void Loader::resolve_strings() {
  m_.strings.resize(strings_);
  size_t total = 0;
  std::vector<uint32_t> open(strings_);
  for (uint32_t i = 0; i < strings_; ++i) open[i] = i;
  for (uint32_t round = 0; round < text::kMaxString && !open.empty(); ++round) {
    size_t left = 0;
    for (const uint32_t i : open) {
      std::string s;
      bool ready = true;
      for (const uint16_t p : m_.parts[i]) {
        if (p < text::kByteSymbols) {
          s.push_back(static_cast<char>(p));
          continue;
        }
        const std::string& part = m_.strings[p - text::kByteSymbols];
        ready = !part.empty();
        if (!ready) break;
        s += part;
      }
      if (s.size() > text::kMaxString) corrupt("a string is longer than 32 bytes");
      if (!ready) {
        open[left++] = i;
        continue;
      }
      total += s.size();
      m_.strings[i] = std::move(s);
    }
    open.resize(left);
  }
  if (!open.empty()) corrupt("a string contains itself, or is longer than 32 bytes");
  if (total > text::kMaxPoolBytes - 256 - model::kPoolSlack)
    corrupt("the strings are too many bytes");
}

void Loader::load_symbols() {
  const uint32_t n = m_.symbols();
  m_.popularity.resize(n);
  m_.global_lengths.resize(n);
  m_.class_of.assign(n, 0);
  uint32_t before = 0;
  for (uint32_t s = 0; s < n; ++s) {
    before = read(kPopularity, 32 * popularity_kind(m_, s) + before);
    if (before > 20) corrupt("a popularity is above 20");
    m_.popularity[s] = static_cast<uint8_t>(before);
  }
  for (uint32_t s = 0; s < n; ++s) {
    const bool byte = s < text::kByteSymbols;
    const uint32_t l = read(kGlobal, byte && m_.popularity[s] == 0 ? 21 : m_.popularity[s]);
    if (l > text::kGlobalCodeLimit) corrupt("a code of the global table is longer than 18 bits");
    if (byte && l == 0) corrupt("a byte has no code in the global table");
    m_.global_lengths[s] = static_cast<uint8_t>(l);
  }
  check_kraft(kraft(m_.global_lengths, text::kGlobalCodeLimit), text::kGlobalCodeLimit,
              "the global table");
  if (classes_ == 1) return;
  for (uint32_t s = 0; s < n; ++s) {
    if (m_.popularity[s] == 0) continue;
    const uint32_t c = read(kClass, class_context(m_, s));
    if (c >= classes_) corrupt("a symbol is of a class that is not there");
    m_.class_of[s] = static_cast<uint8_t>(c);
  }
}

void Loader::load_class(model::ClassCode& code) {
  const uint32_t n = body_->raw(16);
  if (n == 0) corrupt("a class has no symbols");
  code.escape = static_cast<uint8_t>(body_->raw(4) + 1);
  uint64_t sum = uint64_t{1} << (text::kClassCodeLimit - code.escape);
  std::vector<std::pair<uint16_t, uint8_t>> symbols;
  symbols.reserve(n);
  ClassContexts c;
  for (uint32_t i = 0; i < n; ++i) {
    const uint32_t bucket = read(kGap, c.gap_context());
    if (bucket > 16) corrupt("a gap is too wide");
    const uint32_t gap = (1u << bucket) + body_->raw(bucket) - 1;
    const uint64_t rank = static_cast<uint64_t>(c.rank_before() + 1) + gap;
    if (rank >= by_rank_.size()) corrupt("a gap leads beyond the last symbol");
    c.gap(bucket, static_cast<uint32_t>(rank));
    const uint16_t symbol = by_rank_[rank];
    const uint32_t popularity = m_.popularity[symbol];
    const uint32_t length = read(kLength, c.length_context(popularity)) + 1;
    c.length(popularity, length);
    sum += uint64_t{1} << (text::kClassCodeLimit - length);
    symbols.emplace_back(symbol, static_cast<uint8_t>(length));
  }
  check_kraft(sum, text::kClassCodeLimit, "a class");
  std::sort(symbols.begin(), symbols.end());
  for (const auto& [symbol, length] : symbols) {
    code.symbols.push_back(symbol);
    code.lengths.push_back(length);
  }
}

void Loader::load_distances() {
  for (uint32_t k = 0; k < text::kLengthClasses; ++k) {
    uint32_t before = 0;
    for (uint8_t& l : m_.distance_lengths[k]) {
      before = read(kDistance, 16 * k + before);
      if (before > text::kDistanceCodeLimit) corrupt("a distance code is longer than 10 bits");
      l = static_cast<uint8_t>(before);
    }
    if (m_.distance_lengths[k][0] != 0) corrupt("the distance 0 has a code");
    check_kraft(kraft(m_.distance_lengths[k], text::kDistanceCodeLimit), text::kDistanceCodeLimit,
                "a distance code");
  }
}

NgramModel Loader::load() {
  const uint8_t* p = bytes_.data();
  if (bytes_.size() < kModelHeaderBytes) corrupt("cut short");
  if (bytes_.size() > kMaxModelBytes) corrupt("larger than 4 MiB");
  if (!std::equal(std::begin(kModelMagic), std::end(kModelMagic), p))
    corrupt("not a gramzip model");
  strings_ = load_le<uint32_t>(p + 4);
  classes_ = load_le<uint16_t>(p + 8);
  const uint64_t stream_bytes = load_le<uint32_t>(p + 12);
  m_.trained_symbols = load_le<uint64_t>(p + 16);
  const uint32_t body_bits = load_le<uint32_t>(p + 24);
  if (strings_ > text::kMaxStrings) corrupt("too many strings");
  if (classes_ < 1 || classes_ > text::kMaxClasses) corrupt("impossible number of classes");
  if (load_le<uint16_t>(p + 10) != 0 || !all_zero(p + 28, 36)) corrupt("a reserved byte is set");
  const size_t body_bytes = ceil_div(body_bits, 8);
  if (bytes_.size() != kModelHeaderBytes + stream_bytes + body_bytes)
    corrupt("its size contradicts its fields");
  const std::span<const uint8_t> streams = bytes_.subspan(kModelHeaderBytes, stream_bytes),
                                 body = bytes_.subspan(kModelHeaderBytes + stream_bytes);
  size_t at = 0;
  for (uint32_t x = 0; x < kModelStreamCount; ++x)
    at += streams_[x].load(streams.subspan(at), kModelStreams[x],
                           where_ + ", stream " + static_cast<char>('A' + x));
  if (at != stream_bytes) corrupt("its streams do not fill their place");
  if (!rest_is_zero(body.data(), 0, body_bits, static_cast<uint32_t>(body_bytes)))
    corrupt("a reserved bit is set");
  body_ = std::make_unique<BodyReader>(body, body_bits, where_);

  load_strings();
  load_symbols();
  by_rank_ = rank_symbols(m_);
  m_.codes.resize(classes_);
  for (model::ClassCode& code : m_.codes) load_class(code);
  load_distances();
  if (!body_->at_end()) corrupt("its body is longer than what it holds");
  if (model::machine_entries(m_) > text::kMaxMachineEntries)
    corrupt("its code tables are too large");
  m_.id = hash128(bytes_);
  return std::move(m_);
}
}  // namespace

NgramModel load_model(std::span<const uint8_t> bytes, const std::string& where) {
  return Loader(bytes, where).load();
}
}  // namespace gramzip::frame
