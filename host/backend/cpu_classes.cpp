// SPDX-License-Identifier: Apache-2.0
// Encoding of floats and planes: runs of 256 elements choose one of up to 32 code tables, trained
// on a sample of the segment. And of bytes, which have one table.
#include <algorithm>
#include <array>

#include "gramzip/core/table_wire.h"
#include "host/backend/class_segment.h"
#include "host/backend/cpu_blocks.h"
#include "host/backend/plain_segment.h"
#include "host/cpu/exact_floats.h"
#include "host/cpu/histogram.h"
#include "host/cpu/huffman_encode.h"
#include "host/cpu/planes.h"
#include "host/model/exact_values.h"
#include "host/model/run_classes.h"

namespace gramzip::cpu {
namespace {
using Bytes = std::span<const uint8_t>;

// Appends a table to those of the segment.
void add_table(const CodeBook& book, EncodedSegment& out) {
  const auto symbols = static_cast<uint32_t>(book.lengths.size());
  const size_t at = out.tables.size();
  out.tables.resize(at + table_wire_bytes(symbols));
  out.tables.resize(
      at + store_table(book.lengths.data(), symbols, book.used, book.lone, out.tables.data() + at));
}

// out.tables holds the exact values already. A segment of none but plain blocks has none.
void finish_header(std::span<const CodeBook> books, bool any_coded, EncodedSegment& out) {
  if (!any_coded) {
    out.tables.clear();
    if (out.header.codec == Codec::exact_floats) out.header.codec = Codec::floats;
    out.header.exact_values = 0;
    return;
  }
  for (const CodeBook& b : books) add_table(b, out);
  SegmentHeader& h = out.header;
  h.tables = static_cast<uint8_t>(books.size());
  h.run_log2 = books.size() > 1 ? 8 : 0;
  h.table_bytes = static_cast<uint32_t>(out.tables.size());
}

uint64_t code_bits(const CodeBook& book, const uint32_t* counts) {
  uint64_t bits = 0;
  for (size_t s = 0; s < book.lengths.size(); ++s) bits += uint64_t{counts[s]} * book.lengths[s];
  return bits;
}

// What a pass over a segment's blocks keeps from call to call.
struct Space {
  std::vector<uint8_t> planes;
  std::vector<uint16_t> symbols;
  std::vector<uint8_t> class_ids;  // of every run of the segment
  std::vector<uint32_t> counts;    // [class][kWays][symbol]
  EncodeTables tables;
  BlockEncoder encoder;
  ExactEncoder exact_encoder;
};
// Neighbours of equal value do not wait for each other's increment.
constexpr uint32_t kWays = 2;

// The elements of a block in the order in which they are coded.
Bytes in_order(Bytes block, const SegmentHeader& h, std::vector<uint8_t>& space) {
  if (h.period == 0) return block;
  if (space.size() < block.size()) space.resize(block.size());
  to_planes(block, h.split().bytes, h.period, space.data());
  return {space.data(), block.size()};
}

void count_run(const uint16_t* symbols, uint32_t n, uint32_t* counts, uint32_t alphabet) {
  uint32_t* const other = counts + alphabet;
  uint32_t j = 0;
  for (; j + 4 <= n; j += 4) {
    ++counts[symbols[j]];
    ++other[symbols[j + 1]];
    ++counts[symbols[j + 2]];
    ++other[symbols[j + 3]];
  }
  for (; j < n; ++j) ++counts[symbols[j]];
}

void find_symbols(Bytes block, const Split& split, const model::ExactIndex& exact,
                  std::vector<uint16_t>& symbols) {
  const auto n = static_cast<uint32_t>(block.size() / split.bytes);
  if (symbols.size() < n) symbols.resize(n);
  if (split.inline_raw)
    model::exact_symbols(block, split, exact, symbols.data());
  else
    encode_loops().symbols(block.data(), n, split, symbols.data());
}

// Exact values stand in front of the tables.
void store_exact_values(std::span<const uint64_t> values, EncodedSegment& out) {
  const SegmentHeader& h = out.header;
  out.tables.assign(h.exact_bytes(), 0);
  for (uint32_t d = 0; d < h.exact_values; ++d)
    store_element(out.tables.data(), d, element_info(h.type).bytes, values[d]);
}

// The class of every run, choose(symbols, n, run, ids) of each block, and the counts of each
// class's symbols.
template <class Choose>
void count_classes(Bytes content, const SegmentHeader& h, std::span<const BlockRecord> records,
                   uint32_t classes, const model::ExactIndex& exact, Space& s,
                   const Choose& choose) {
  const Split split = h.split();
  const uint32_t alphabet = h.alphabet();
  const model::Runs runs = model::count_runs(h);
  s.class_ids.assign(runs.count, 0);
  s.counts.assign(size_t{classes} * kWays * alphabet, 0);
  for (uint32_t b = 0; b < h.blocks; ++b) {
    if (records[b].mode != BlockMode::raw) continue;
    const Bytes block = in_order(content.subspan(h.block_begin(b), h.block_bytes(b)), h, s.planes);
    const auto n = static_cast<uint32_t>(block.size() / split.bytes);
    find_symbols(block, split, exact, s.symbols);
    uint8_t* const ids = s.class_ids.data() + size_t{b} * runs.per_block;
    if (classes > 1) choose(s.symbols.data(), n, size_t{b} * runs.per_block, ids);
    for (uint32_t first = 0; first < n; first += kRunElements)
      count_run(s.symbols.data() + first, std::min(kRunElements, n - first),
                s.counts.data() + size_t{ids[first / kRunElements]} * kWays * alphabet, alphabet);
  }
  for (uint32_t c = 0; c < classes; ++c) {
    uint32_t* const counts = s.counts.data() + size_t{c} * kWays * alphabet;
    for (uint32_t k = 0; k < alphabet; ++k) counts[k] += counts[alphabet + k];
  }
}

// Whether one table of bytes is as good as these classes of planes, whose counts they are.
bool bytes_suffice(std::span<const CodeBook> books, uint64_t bits, uint32_t runs,
                   std::span<const uint32_t> counts) {
  std::array<uint32_t, 256> all{};
  for (size_t c = 0; c < counts.size(); c += kWays * all.size())
    for (size_t k = 0; k < all.size(); ++k) all[k] += counts[c + k];
  uint64_t tables = 0;
  for (const CodeBook& b : books) {
    std::array<uint8_t, table_wire_bytes(256)> wire;
    tables += store_table(b.lengths.data(), 256, b.used, b.lone, wire.data());
  }
  return gramzip::bytes_suffice({bits, tables, static_cast<uint32_t>(books.size()), runs}, all);
}

// Codes a segment whose header, modes, class ids and counts are there; of codec planes, unless one
// table of bytes does as well.
void code_classes(const SegmentInput& in, std::span<const uint32_t> repeat_of, uint32_t classes,
                  const model::ExactIndex& exact, Space& s, EncodedSegment& out) {
  SegmentHeader& h = out.header;
  const uint32_t element = element_info(h.type).bytes;
  // A class that no run takes has no table.
  const uint32_t alphabet = h.alphabet();
  std::array<uint8_t, kMaxTables> number{};
  std::vector<CodeBook> books;
  uint64_t bits = 0;
  for (uint32_t c = 0; c < classes; ++c) {
    const std::span counts(s.counts.data() + size_t{c} * kWays * alphabet, alphabet);
    CodeBook book = make_code_book(std::span<const uint32_t>(counts), h.code_limit);
    if (book.used == 0) continue;
    number[c] = static_cast<uint8_t>(books.size());
    bits += code_bits(book, counts.data());
    books.push_back(std::move(book));
  }
  if (books.empty()) {
    write_blocks(in.content, element, repeat_of, out,
                 [](uint32_t, Bytes, uint8_t*) { return uint32_t{0}; });
    return finish_header({}, false, out);
  }
  for (uint8_t& id : s.class_ids) id = number[id];
  const model::Runs runs = model::count_runs(h);
  if (h.codec == Codec::planes && bytes_suffice(books, bits, runs.count, s.counts))
    return encode_bytes({ElementType::bytes, in.content}, out);

  make_encode_tables(books, in.content.size() / h.split().bytes, s.tables);
  const Split split = h.split();
  const bool any_coded =
      write_blocks(in.content, element, repeat_of, out, [&](uint32_t b, Bytes block, uint8_t* to) {
        const size_t n = ceil_div(block.size() / split.bytes, size_t{kRunElements});
        const Bytes ids(s.class_ids.data() + size_t{b} * runs.per_block, books.size() > 1 ? n : 0);
        if (split.inline_raw) {
          find_symbols(block, split, exact, s.symbols);
          return s.exact_encoder.encode(block, split, s.symbols.data(), s.tables, ids, to);
        }
        return s.encoder.encode(in_order(block, h, s.planes), split, s.tables, ids, to);
      });
  finish_header(books, any_coded, out);
}
}  // namespace

void encode_classes(const SegmentInput& in, EncodedSegment& out) {
  thread_local Space s;
  const std::vector<uint64_t> values = exact_values(in);
  out.header = start_header(in, values);
  SegmentHeader& h = out.header;
  out.records.assign(h.blocks, {});
  std::vector<uint32_t> repeat_of;
  choose_modes(in.content, h, element_info(in.type).bytes, out.records, repeat_of);

  store_exact_values(values, out);
  const model::ExactIndex exact(values);
  const model::RunClasses classes = model::train_run_classes(in.content, h, out.records, values);
  h.symbol_bits = static_cast<uint8_t>(classes.symbol_bits);
  h.zero_bits = static_cast<uint8_t>(classes.zero_bits);
  count_classes(in.content, h, out.records, classes.classes, exact, s,
                [&](const uint16_t* symbols, uint32_t n, size_t, uint8_t* ids) {
                  encode_loops().choose_classes(symbols, n, classes.costs.data(), classes.classes,
                                                ids);
                });
  code_classes(in, repeat_of, classes.classes, exact, s, out);
}

void encode_plain(ElementType type, Bytes content, EncodedSegment& out) {
  if (!is_float(type)) return encode_bytes({ElementType::bytes, content}, out);
  thread_local Space s;
  out.header = make_plain_header(type, static_cast<uint32_t>(content.size()));
  const SegmentHeader& h = out.header;
  out.records.assign(h.blocks, {});
  out.tables.clear();
  std::vector<uint32_t> repeat_of;
  choose_modes(content, h, element_info(type).bytes, out.records, repeat_of);

  const model::ExactIndex none;
  const uint32_t classes = plain_classes(h), shift = key_shift(h.split(), type);
  std::vector<uint16_t> keys(model::count_runs(h).count);
  uint64_t sum = 0;
  uint32_t counted = 0;
  const auto find_keys = [&](const uint16_t* symbols, uint32_t n, size_t run, uint8_t*) {
    for (uint32_t first = 0; first < n; first += kRunElements, ++run, ++counted) {
      const uint32_t count = std::min(kRunElements, n - first);
      uint32_t exponents = 0;
      for (uint32_t j = 0; j < count; ++j) exponents += uint32_t{symbols[first + j]} >> shift;
      keys[run] = static_cast<uint16_t>(run_key(exponents, count));
      sum += keys[run];
    }
  };
  if (classes > 1) count_classes(content, h, out.records, classes, none, s, find_keys);
  count_classes(content, h, out.records, classes, none, s,
                [&](const uint16_t*, uint32_t n, size_t run, uint8_t* ids) {
                  for (uint32_t i = 0; i < ceil_div(n, kRunElements); ++i)
                    ids[i] =
                        static_cast<uint8_t>(class_of_key(keys[run + i], sum, counted, classes));
                });
  code_classes({type, content}, repeat_of, classes, none, s, out);
}

void encode_bytes(const SegmentInput& in, EncodedSegment& out) {
  thread_local BlockEncoder encoder;
  out.header = make_segment_header(in.type, static_cast<uint32_t>(in.content.size()));
  SegmentHeader& h = out.header;
  const Split split = h.split();
  out.records.assign(h.blocks, {});
  std::vector<uint32_t> repeat_of;
  out.tables.clear();
  choose_modes(in.content, h, split.bytes, out.records, repeat_of);

  thread_local PairHistogram pairs;
  const bool by_pairs = in.content.size() >= PairHistogram::kFrom;
  if (by_pairs) pairs.begin();
  std::vector<uint32_t> counts(size_t{1} << h.symbol_bits, 0);
  for (uint32_t b = 0; b < h.blocks; ++b) {
    if (out.records[b].mode != BlockMode::raw) continue;
    const Bytes block = in.content.subspan(h.block_begin(b), h.block_bytes(b));
    if (by_pairs)
      pairs.add(block);
    else
      histogram(block, split, counts);
  }
  if (by_pairs) pairs.take(counts);

  const CodeBook book = make_code_book(counts, h.code_limit);
  thread_local EncodeTables tables;
  make_encode_tables({&book, 1}, in.content.size(), tables);
  const bool any_coded = write_blocks(in.content, split.bytes, repeat_of, out,
                                      [&](uint32_t, Bytes block, uint8_t* to) {
                                        return encoder.encode(block, split, tables, {}, to);
                                      });
  finish_header({&book, 1}, any_coded, out);
}
}  // namespace gramzip::cpu
