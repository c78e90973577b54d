// SPDX-License-Identifier: Apache-2.0
// Floor 2: a backend turns content into coded segments and back. All backends give the same bytes
// and the same statuses; which one runs is invisible in the archive.
#pragma once
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "gramzip/core/format.h"
#include "gramzip/core/status.h"

namespace gramzip {
namespace model {
class TextModel;
}
namespace quant {
struct Levels;
struct Table;
}  // namespace quant

struct SegmentInput {
  ElementType type;
  std::span<const uint8_t> content;  // 1 byte to 16 MiB, whole elements
  // Of type text: coded with this model; null: order-0. effort: 1 to 9, how hard the parser looks.
  const model::TextModel* text = nullptr;
  uint8_t effort = 6;
  uint16_t period = 0;  // of type bytes: the length of the records it consists of; 0: none is known
  bool fast = false;    // floats are coded for fast decoding
  // Of the same size, or empty: what stands in the base in place of the content, at base_at.
  std::span<const uint8_t> base = {};
  uint64_t base_at = 0;
  // Floats that are these levels, or kept as they are: coded with codec quantized. first_element:
  // the number in its tensor of the content's first one.
  const quant::Levels* levels = nullptr;
  uint64_t first_element = 0;
};

// A coded segment: what host/frame writes as one section.
struct EncodedSegment {
  SegmentHeader header;
  std::vector<uint8_t> tables;       // as on the wire, exact values first, header.table_bytes
  std::vector<BlockRecord> records;  // header.blocks
  std::vector<uint8_t> data;         // blocks, each padded to 32 bytes with zeros
};

// One code table, checked: lengths of the symbols first to first + count - 1.
struct CodeTable {
  uint16_t first = 0;
  uint16_t count = 0;
  std::vector<uint8_t> lengths;
};

// A segment to decode. Everything in it but `data` has been checked against the format by
// host/frame: header, tables (Kraft sums, lengths), records (sizes, modes, repeat-free offsets
// within data).
struct SegmentView {
  SegmentHeader header;
  std::span<const CodeTable> tables;
  std::span<const BlockRecord> records;
  std::span<const uint32_t> offsets;  // of each block in data, header.blocks + 1
  std::span<const uint8_t> data;
  const model::TextModel* text = nullptr;  // codec ngram: the model that the header names
  std::span<const uint64_t> exact = {};    // codec exact_floats: header.exact_values of them
  // Codecs delta and sparse_delta: the words in front of the tables, as many as there are tables.
  std::span<const uint16_t> contexts = {};
  const quant::Table* quantized = nullptr;  // codec quantized: its quant table
};

struct DecodeRequest {
  SegmentView segment;
  uint32_t first_block;  // 0 for codec ngram, whose blocks refer to those before
  uint32_t block_count;
  std::span<uint8_t> output;  // decoded bytes of those blocks
  // block_count; the output of a block that is not ok is unspecified, for codec ngram zero.
  std::span<BlockStatus> status;
  // Codecs delta and sparse_delta: the base's bytes in place of the output, of its size, apart from
  // it.
  std::span<const uint8_t> base = {};
};

class Backend {
 public:
  virtual ~Backend() = default;
  virtual std::string name() const = 0;
  // Segments a call should carry to use the backend well.
  virtual uint32_t preferred_batch() const { return 1; }
  virtual void encode(std::span<const SegmentInput> in, std::span<EncodedSegment> out) = 0;
  virtual void decode(std::span<const DecodeRequest> requests) = 0;
};

std::unique_ptr<Backend> make_cpu_backend();
// Null if the build has no CUDA, or no device answers; `why` then says so in one line.
std::unique_ptr<Backend> make_cuda_backend(int device, std::string& why);
}  // namespace gramzip
