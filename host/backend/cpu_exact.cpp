// SPDX-License-Identifier: Apache-2.0
// Segments of exact floats on the CPU (docs/format.md, 11).
#include <utility>

#include "gramzip/core/table_wire.h"
#include "host/backend/cpu_blocks.h"
#include "host/cpu/exact_floats.h"
#include "host/model/exact_classes.h"
#include "host/model/exact_values.h"

namespace gramzip::cpu {
bool encode_exact(const SegmentInput& in, std::span<const uint32_t> repeat_of,
                  EncodedSegment& out) {
  thread_local ExactEncoder encoder;
  SegmentHeader h = out.header;
  const std::vector<uint64_t> values = model::choose_exact_values(in.content, h.type);
  if (values.empty()) return false;
  h.codec = Codec::exact_floats;
  h.exact_values = static_cast<uint8_t>(values.size());
  const model::ExactClasses classes =
      model::train_exact_classes(in.content, h, values, out.records);
  h.symbol_bits = static_cast<uint8_t>(classes.symbol_bits);
  h.tables = static_cast<uint8_t>(classes.classes);
  h.run_log2 = h.tables > 1 ? 8 : 0;

  const Split split = h.split();
  const model::ExactIndex index(values);
  const uint32_t alphabet = h.alphabet();
  std::vector<uint16_t> symbols(in.content.size() / split.bytes);
  exact_symbols(in.content, split, index, symbols.data());
  std::vector<std::vector<uint32_t>> counts(h.tables, std::vector<uint32_t>(alphabet, 0));
  const auto first_run = [&](uint32_t b) { return h.block_begin(b) / split.bytes / kRunElements; };
  for (uint32_t b = 0; b < h.blocks; ++b) {
    if (out.records[b].mode != BlockMode::raw) continue;
    const uint32_t first = h.block_begin(b) / split.bytes, n = h.block_bytes(b) / split.bytes;
    for (uint32_t j = first; j < first + n; ++j)
      ++counts[classes.ids[j / kRunElements]][symbols[j]];
  }
  std::vector<CodeBook> books;
  for (const auto& c : counts) books.push_back(make_code_book(c, h.code_limit));
  EncodeTables tables;
  make_encode_tables(books, 0, tables);
  const SegmentHeader plain = std::exchange(out.header, h);
  const bool any_coded = write_blocks(
      in.content, split.bytes, repeat_of, out,
      [&](uint32_t b, std::span<const uint8_t> block, uint8_t* to) {
        const size_t runs = ceil_div(block.size() / split.bytes, kRunElements);
        const auto ids = std::span(classes.ids).subspan(first_run(b), h.tables > 1 ? runs : 0);
        return encoder.encode(block, split, symbols.data() + h.block_begin(b) / split.bytes, tables,
                              ids, to);
      });
  if (!any_coded) {
    out.header = plain;
    return false;
  }
  out.tables.assign(h.exact_bytes(), 0);
  for (uint32_t d = 0; d < h.exact_values; ++d)
    store_element(out.tables.data(), d, split.bytes, values[d]);
  for (const CodeBook& book : books) {
    const size_t at = out.tables.size();
    out.tables.resize(at + table_wire_bytes(alphabet));
    out.tables.resize(at + store_table(book.lengths.data(), alphabet, book.used, book.lone,
                                       out.tables.data() + at));
  }
  out.header.table_bytes = static_cast<uint32_t>(out.tables.size());
  return true;
}
}  // namespace gramzip::cpu
