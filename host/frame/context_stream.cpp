// SPDX-License-Identifier: Apache-2.0
#include "host/frame/context_stream.h"

#include "gramzip/core/wire.h"
#include "host/base/error.h"
#include "host/frame/code_table.h"

namespace gramzip::frame {
BodyReader::BodyReader(std::span<const uint8_t> body, uint32_t bits, std::string where)
    : bytes_(body.begin(), body.end()), bits_(bits), where_(std::move(where)) {
  bytes_.resize(body.size() + 8, 0);
}
void BodyReader::end_too_early() const {
  fail(ErrorCode::corrupt, where_ + ": its body ends too early");
}

SymbolReader::SymbolReader(std::span<const uint8_t> lengths, uint32_t first, uint32_t limit)
    : limit_(limit) {
  std::array<uint32_t, 16> count{};
  uint32_t used = 0;
  for (const uint8_t l : lengths) {
    if (l == 0) continue;
    ++count[l];
    ++used;
  }
  if (used == 0) {  // nothing, or a lone symbol of no bits
    if (lengths.empty()) return;
    by_rank_ = {first};
    quick_.fill(first << 4);
    return;
  }
  uint32_t code = 0, rank = 0;
  std::array<uint32_t, 16> next{};
  for (uint32_t l = 1; l <= limit; ++l) {
    code <<= 1;
    first_[l] = code;
    rank_[l] = next[l] = rank;
    code += count[l];
    rank += count[l];
    end_[l] = code << (limit - l);
  }
  by_rank_.resize(used);
  quick_.fill(kSlow);
  for (uint32_t i = 0; i < lengths.size(); ++i) {
    const uint32_t l = lengths[i];
    if (l == 0) continue;
    const uint32_t r = next[l]++;
    by_rank_[r] = first + i;
    if (l > 8) continue;
    const uint32_t bits = reverse_bits(first_[l] + r - rank_[l], l);
    for (uint32_t at = bits; at < 256; at += 1u << l) quick_[at] = ((first + i) << 4) | l;
  }
}

uint32_t SymbolReader::read_slow(BodyReader& in, uint32_t window) const {
  const uint32_t code = reverse_bits(window, limit_);
  uint32_t l = 9;
  while (code >= end_[l]) ++l;  // ends: the Kraft sum is 1
  in.skip(l);
  return by_rank_[rank_[l] + (code >> (limit_ - l)) - first_[l]];
}

size_t ContextReader::load(std::span<const uint8_t> bytes, StreamShape shape,
                           const std::string& where) {
  const auto corrupt = [&where](const char* what) { fail(ErrorCode::corrupt, where + what); };
  if (bytes.size() < 4) corrupt(": cut short");
  const uint32_t groups = bytes[0];
  if (groups < 1 || groups > kMaxGroups) corrupt(": impossible number of groups");
  if (!all_zero(bytes.data() + 1, 3)) corrupt(": a reserved byte is set");
  size_t at = 4;
  group_of_.assign(shape.contexts, 0);
  if (groups > 1) {
    const size_t map = (shape.contexts + 1) / 2, padded = round_up(map, 4);
    if (bytes.size() < at + padded) corrupt(": cut short");
    for (uint32_t c = 0; c < shape.contexts; ++c) {
      group_of_[c] = (bytes[at + c / 2] >> (4 * (c & 1))) & 15u;
      if (group_of_[c] >= groups) corrupt(": a context is of a group that is not there");
    }
    if ((shape.contexts & 1) != 0 && (bytes[at + map - 1] >> 4) != 0)
      corrupt(": a reserved bit is set");
    if (!all_zero(bytes.data() + at + map, padded - map)) corrupt(": a reserved byte is set");
    at += padded;
  }
  tables_.clear();
  CodeTable t;
  for (uint32_t g = 0; g < groups; ++g) {
    at += load_code_table(bytes.subspan(at), 1u << shape.symbol_bits, kStreamCodeLimit, t,
                          where + ", table " + std::to_string(g));
    tables_.emplace_back(t.lengths, t.first, kStreamCodeLimit);
  }
  return at;
}

void ContextReader::fail_empty(const std::string& where) {
  fail(ErrorCode::corrupt, where + ": a table that codes nothing is used");
}
}  // namespace gramzip::frame
