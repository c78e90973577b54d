// SPDX-License-Identifier: Apache-2.0
// Segments coded against a base on the CPU (docs/format.md, 14).
#include "host/backend/cpu_delta.h"

#include <algorithm>
#include <cstring>
#include <optional>

#include "gramzip/core/table_wire.h"
#include "host/backend/cpu_blocks.h"
#include "host/base/checksum.h"
#include "host/base/error.h"
#include "host/cpu/delta.h"
#include "host/cpu/sparse_delta.h"
#include "host/model/delta_model.h"

namespace gramzip::cpu {
namespace {
using Bytes = std::span<const uint8_t>;

void choose_modes(const SegmentInput& in, const SegmentHeader& h, std::span<BlockRecord> records) {
  const uint32_t element = element_info(in.type).bytes;
  for (uint32_t b = 0; b < h.blocks; ++b) {
    const Bytes block = in.content.subspan(h.block_begin(b), h.block_bytes(b));
    BlockRecord& r = records[b];
    r.decoded_hash = hash64(block);
    if (std::memcmp(block.data(), in.base.data() + h.block_begin(b), block.size()) == 0)
      r.mode = BlockMode::base;
    else
      r.mode = is_constant(block, element) ? BlockMode::constant : BlockMode::raw;
  }
}

// The words in front of the tables, and the tables.
void store_tables(std::span<const uint16_t> contexts, std::span<const CodeBook> books,
                  EncodedSegment& out) {
  constexpr uint32_t kSymbols = 1u << delta::kSymbolBits;
  out.tables.assign(delta::context_bytes(static_cast<uint32_t>(books.size())), 0);
  for (size_t i = 0; i < contexts.size(); ++i)
    store_le<uint16_t>(out.tables.data() + 2 * i, contexts[i]);
  for (const CodeBook& book : books) {
    const size_t at = out.tables.size();
    out.tables.resize(at + table_wire_bytes(kSymbols));
    out.tables.resize(at + store_table(book.lengths.data(), kSymbols, book.used, book.lone,
                                       out.tables.data() + at));
  }
  out.header.tables = static_cast<uint8_t>(books.size());
  out.header.table_bytes = static_cast<uint32_t>(out.tables.size());
}

// What the encoders of both codecs begin with.
void begin_segment(const SegmentInput& in, Codec codec, EncodedSegment& out) {
  out.header =
      make_delta_header(codec, in.type, static_cast<uint32_t>(in.content.size()), in.base_at);
  out.tables.clear();
  out.records.assign(out.header.blocks, {});
  choose_modes(in, out.header, out.records);
}

// False, and no output, if codec sparse_delta promises less.
bool encode_dense(const SegmentInput& in, bool sparse_too, EncodedSegment& out) {
  thread_local DeltaEncoder encoder;
  thread_local DenseSplit split;
  begin_segment(in, Codec::delta, out);
  const SegmentHeader& h = out.header;
  split_dense(in, h, out.records, sparse_too, split);
  const model::DeltaModel& m = split.model;
  if (model::sparse_is_less(m, h.decoded_bytes)) return false;
  const DeltaEncodeTables tables(m.books, m.bounds, m.classes, in.type);
  const bool any_coded = write_blocks(
      in.content, element_info(in.type).bytes, {}, out, [&](uint32_t b, Bytes block, uint8_t* to) {
        const size_t first = split.first[b];
        return encoder.encode(in.type, block, in.base.data() + h.block_begin(b),
                              split.symbols.data() + first, split.exponents.data() + first,
                              m.class_of_run.data() + first / kRunElements, tables, to);
      });
  if (any_coded) store_dense_tables(m, out);
  return true;
}

void encode_sparse(const SegmentInput& in, EncodedSegment& out) {
  begin_segment(in, Codec::sparse_delta, out);
  const SegmentHeader& h = out.header;
  const auto base_of = [&](uint32_t b) { return in.base.data() + h.block_begin(b); };
  const auto for_coded = [&](const auto& f) {
    for (uint32_t b = 0; b < h.blocks; ++b)
      if (out.records[b].mode == BlockMode::raw)
        f(b, in.content.subspan(h.block_begin(b), h.block_bytes(b)));
  };
  model::ChangeCounts by_exponent(delta::arithmetic(in.type).exponents());
  for_coded(
      [&](uint32_t b, Bytes block) { count_changes(in.type, block, base_of(b), by_exponent); });
  const delta::Groups groups = model::make_groups(by_exponent);

  std::vector<BlockChanges> blocks(h.blocks);
  std::vector<std::vector<uint32_t>> counts(2 * groups.count,
                                            std::vector<uint32_t>(kSparseSymbols, 0));
  for_coded([&](uint32_t b, Bytes block) {
    blocks[b] = find_changes(in.type, groups, block, base_of(b));
    count_symbols(groups, blocks[b], counts);
  });
  const std::vector<CodeBook> books = model::make_sparse_books(counts);
  EncodeTables tables;
  make_encode_tables(books, 0, tables);
  const bool any_coded = write_blocks(
      in.content, element_info(in.type).bytes, {}, out, [&](uint32_t b, Bytes block, uint8_t* to) {
        return encode_sparse_block(groups, blocks[b], tables, static_cast<uint32_t>(block.size()),
                                   to);
      });
  if (any_coded) store_sparse_tables(groups, books, out);
}
}  // namespace

void split_dense(const SegmentInput& in, const SegmentHeader& h,
                 std::span<const BlockRecord> records, bool sparse_too, DenseSplit& d) {
  const uint32_t element = element_info(in.type).bytes;
  const size_t most = in.content.size() / element;
  if (d.symbols.size() < most) {
    d.symbols.resize(most);
    d.exponents.resize(most);
  }
  d.first.resize(h.blocks);
  size_t n = 0;
  for (uint32_t b = 0; b < h.blocks; ++b) {
    d.first[b] = n;
    if (records[b].mode != BlockMode::raw) continue;
    const uint32_t count = h.block_bytes(b) / element;
    delta_loops().split(in.type, in.content.data() + h.block_begin(b),
                        in.base.data() + h.block_begin(b), count, d.symbols.data() + n,
                        d.exponents.data() + n);
    n += count;
  }
  d.model = {};
  if (n > 0)
    d.model = model::make_delta_model(std::span(d.symbols).first(n),
                                      std::span(d.exponents).first(n), sparse_too);
}

void store_dense_tables(const model::DeltaModel& m, EncodedSegment& out) {
  std::vector<uint16_t> contexts{static_cast<uint16_t>(m.classes)};
  contexts.insert(contexts.end(), m.bounds.begin(), m.bounds.end());
  store_tables(contexts, m.books, out);
  out.header.run_log2 = m.books.size() > 1 ? 8 : 0;
}

void store_sparse_tables(const delta::Groups& groups, std::span<const CodeBook> books,
                         EncodedSegment& out) {
  std::vector<uint16_t> contexts;
  for (uint32_t g = 0; g < groups.count; ++g)
    contexts.insert(contexts.end(), {groups.bound[g], groups.rate[g]});
  store_tables(contexts, books, out);
}

void encode_with_base_as(Codec codec, const SegmentInput& in, EncodedSegment& out) {
  if (codec == Codec::delta)
    encode_dense(in, false, out);
  else
    encode_sparse(in, out);
}

void encode_with_base(std::span<const SegmentInput> in, const BaseEncoders& encoders,
                      std::span<EncodedSegment* const> out) {
  std::vector<DenseInput> dense;
  std::vector<SegmentInput> sparse, alone;
  std::vector<EncodedSegment*> dense_out, sparse_out, alone_out;
  for (size_t i = 0; i < in.size(); ++i) {
    const SegmentInput& s = in[i];
    if (s.base.size() != s.content.size())
      fail(ErrorCode::internal, "delta: a base of another size");
    const model::DeltaChoice choice =
        model::choose_delta(changed_elements(s.type, s.content, s.base.data()),
                            s.content.size() / element_info(s.type).bytes);
    if (choice.dense) {
      dense.push_back({s, choice.sparse});
      dense_out.push_back(out[i]);
    } else {
      sparse.push_back(s);
      sparse_out.push_back(out[i]);
    }
  }
  if (!dense.empty())
    for (const size_t left : encoders.dense(dense, dense_out)) {
      sparse.push_back(dense[left].segment);
      sparse_out.push_back(dense_out[left]);
    }
  if (!sparse.empty()) encoders.sparse(sparse, sparse_out);

  std::vector<EncodedSegment> others(in.size());
  for (size_t i = 0; i < in.size(); ++i) {
    if (model::surely_smaller(in[i].type, coded_size(*out[i]), in[i].content.size())) continue;
    alone.push_back(in[i]);
    alone.back().base = {};
    alone.back().base_at = 0;
    alone_out.push_back(&others[i]);
  }
  if (alone.empty()) return;
  encoders.without_base(alone, alone_out);
  // Of two sizes that are equal, the one that needs no base.
  for (EncodedSegment* one : alone_out) {
    EncodedSegment& with = *out[static_cast<size_t>(one - others.data())];
    if (coded_size(*one) <= coded_size(with)) std::swap(*one, with);
  }
}

std::vector<size_t> encode_dense_segments(std::span<const DenseInput> in,
                                          std::span<EncodedSegment* const> out) {
  std::vector<size_t> left;
  for (size_t i = 0; i < in.size(); ++i)
    if (!encode_dense(in[i].segment, in[i].sparse_too, *out[i])) left.push_back(i);
  return left;
}
void encode_sparse_segments(std::span<const SegmentInput> in,
                            std::span<EncodedSegment* const> out) {
  for (size_t i = 0; i < in.size(); ++i) encode_sparse(in[i], *out[i]);
}

namespace {
// The tables of a segment for its decoder, one or the other.
struct Decoder {
  explicit Decoder(const SegmentView& s) : segment(s) {
    if (s.header.codec == Codec::delta) {
      dense.emplace(s.tables, s.contexts, s.header.type);
      return;
    }
    sparse = make_decode_tables(s.tables, Codec::sparse_delta);
    groups.count = static_cast<uint32_t>(s.tables.size() / 2);
    for (uint32_t g = 0; g < groups.count; ++g) {
      groups.bound[g] = s.contexts[2 * g];
      groups.rate[g] = s.contexts[2 * g + 1];
    }
  }
  BlockStatus coded(Bytes bytes, Bytes base, std::span<uint8_t> out) {
    thread_local DeltaDecoder delta;
    thread_local SparseDecoder changes;
    const SegmentHeader& h = segment.header;
    if (bytes.size() >= out.size() || h.tables == 0) return BlockStatus::bad_block;
    return dense ? delta.decode(h.type, bytes, base, *dense, out)
                 : changes.decode(h.type, bytes, base, groups, sparse, out);
  }
  BlockStatus block(uint32_t b, Bytes base, std::span<uint8_t> out) {
    const BlockRecord& r = segment.records[b];
    const Bytes bytes = segment.data.subspan(segment.offsets[b], r.coded_bytes);
    if (hash64(bytes) != r.coded_hash) return BlockStatus::bad_coded_hash;
    switch (r.mode) {
      case BlockMode::raw:
      case BlockMode::constant:
        return fill_block(r.mode, bytes, element_info(segment.header.type).bytes, out);
      case BlockMode::base:
        if (!bytes.empty()) return BlockStatus::bad_block;
        std::memcpy(out.data(), base.data(), out.size());
        return BlockStatus::ok;
      case BlockMode::coded:
        return coded(bytes, base, out);
      case BlockMode::repeat:
        break;
    }
    return BlockStatus::bad_block;
  }

  const SegmentView& segment;
  std::optional<DeltaDecodeTables> dense;
  DecodeTables sparse;
  delta::Groups groups{};
};
}  // namespace

void decode_with_base(const DecodeRequest& r) {
  const SegmentView& s = r.segment;
  if (r.base.size() != r.output.size()) fail(ErrorCode::internal, "delta: a base of another size");
  Decoder decoder(s);
  size_t at = 0;
  for (uint32_t i = 0; i < r.block_count; ++i) {
    const uint32_t b = r.first_block + i, size = s.header.block_bytes(b);
    const auto out = r.output.subspan(at, size);
    r.status[i] = decoder.block(b, r.base.subspan(at, size), out);
    if (r.status[i] == BlockStatus::ok && hash64(out) != s.records[b].decoded_hash)
      r.status[i] = BlockStatus::bad_decoded_hash;
    at += size;
  }
}
}  // namespace gramzip::cpu
