// SPDX-License-Identifier: Apache-2.0
// Batches of one array, made on the device from what the host says by value.
//
//   pieces, levels, segment:  a thread an entry
//   parse:   a warp: header and code table by lane 0; then a lane a block record, a sum over the
//   lanes
//            gives the places
//
// Hundreds of bytes: bound by latency. Every entry is written by one thread. parse trusts nothing:
// a meta that is not as it must be leaves blocks that have no bytes and no table, which the
// decoders refuse.
#include "kernels/primitives.h"

#include <limits>

#include "gramzip/core/float_bits.h"
#include "gramzip/core/huffman.h"
#include "gramzip/core/quant.h"

namespace gramzip::kernels {
namespace {
constexpr uint32_t kThreads = 256;

__global__ void pieces_kernel(uint64_t size, NgramPiece* pieces, uint64_t count) {
  const uint64_t i = uint64_t{blockIdx.x} * blockDim.x + threadIdx.x;
  if (i >= count) return;
  const uint64_t from = i * kNgramPieceBytes, to = from + kNgramPieceBytes;
  pieces[i] = {0, size, from, to < size ? to : size};
}

__global__ void levels_kernel(ElementType type, const float* levels, uint32_t count,
                              uint64_t* elements, double* thresholds, uint32_t padded,
                              uint16_t* first, double infinity) {
  const uint32_t i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < 2) first[i] = 0;
  if (i < count) elements[i] = round_element(type, static_cast<double>(levels[i]));
  if (i < padded)
    thresholds[i] = i + 1 < count
                        ? (static_cast<double>(levels[i]) + static_cast<double>(levels[i + 1])) / 2
                        : infinity;
}

__global__ void segment_kernel(SegmentHeader header, uint64_t content_at, OneSegment to) {
  for (uint32_t b = threadIdx.x; b < header.blocks; b += blockDim.x) {
    to.blocks[b] = {0, b};
    to.ranges[b] = {content_at + header.block_begin(b), header.block_bytes(b)};
  }
  if (threadIdx.x != 0) return;
  *to.segment = {header, content_at, 0, 0, 0};
  *to.places = {content_at, 1, 0, 0, 0, 0, 0};
  *to.alphabet = {0, static_cast<uint16_t>(header.alphabet()), header.code_limit};
  *to.meta_at = 0;
}

__global__ void segment_places_kernel(FrameBatch batch, uint64_t out, uint64_t* bytes) {
  const uint64_t data_at = out + round_up(batch.frames->meta_bytes, kBlockAlign);
  for (uint32_t b = threadIdx.x; b < batch.block_count; b += blockDim.x)
    batch.coded_ranges[b].at = data_at + batch.states[b].data_at;
  if (threadIdx.x != 0) return;
  batch.segments->data_at = data_at;
  *bytes = data_at - out + batch.totals->data_bytes;
}

__global__ void segment_meta_kernel(FrameBatch batch, uint64_t out) {
  const uint32_t n = batch.frames->meta_bytes;
  for (uint32_t i = threadIdx.x; i < round_up(n, kBlockAlign); i += blockDim.x)
    batch.memory[out + i] = i < n ? batch.metas[i] : uint8_t{0};
}

// A code table of bytes (docs/format.md, 3) in `room` bytes; its size, or 0 if it is none.
__device__ uint32_t parse_table(const uint8_t* p, uint64_t room, DeviceTable& table,
                                uint8_t* lengths) {
  constexpr uint32_t kSymbols = 256;
  if (room < 4) return 0;
  table = {0, load_le<uint16_t>(p), load_le<uint16_t>(p + 2)};
  const uint32_t bytes = table_wire_bytes(table.count);
  if (uint32_t{table.first} + table.count > kSymbols || bytes > room) return 0;
  uint32_t per_length[kMaxSymbolBits + 1] = {};
  uint32_t used = 0;
  for (uint32_t i = 0; i < table.count; ++i) {
    const uint32_t l = (p[4 + i / 2] >> (4 * (i & 1))) & 15u;
    if (l > kByteCodeLimit) return 0;
    lengths[i] = static_cast<uint8_t>(l);
    ++per_length[l];
    used += l > 0 ? 1 : 0;
  }
  const uint32_t nibbles = table.count + (table.count & 1);
  if ((table.count & 1) != 0 && (p[4 + table.count / 2] >> 4) != 0) return 0;
  if (!all_zero(p + 4 + nibbles / 2, bytes - 4 - nibbles / 2)) return 0;
  if (table.count == 0) return 0;  // nobody writes one that codes nothing
  if (table.count == 1) return used == 0 ? bytes : 0;
  if (lengths[0] == 0 || lengths[table.count - 1] == 0) return 0;
  huffman::Canonical c;
  return huffman::make_canonical(per_length, kByteCodeLimit, used, c) ? bytes : 0;
}

// Where the records begin in the meta, or 0 if it is not as it must be.
__device__ uint32_t parse_meta(const SegmentHeader& header, const uint8_t* meta, uint64_t bytes,
                               DeviceTable& table, uint8_t* lengths, uint32_t& tables) {
  if (bytes < kSegmentHeaderBytes) return 0;
  uint8_t expected[kSegmentHeaderBytes] = {};
  SegmentHeader h = header;
  h.tables = meta[6];
  h.table_bytes = load_le<uint32_t>(meta + 12);
  if (h.tables > 1 || h.table_bytes > table_wire_bytes(256)) return 0;
  store_segment_header(expected, h);
  for (uint32_t i = 0; i < kSegmentHeaderBytes; ++i)
    if (meta[i] != expected[i]) return 0;
  const auto records_at = static_cast<uint32_t>(round_up(kSegmentHeaderBytes + h.table_bytes, 8));
  const uint64_t end = records_at + uint64_t{h.blocks} * kBlockRecordBytes;
  if (bytes < round_up(end, kBlockAlign)) return 0;
  const uint32_t size =
      h.tables == 0 ? 0 : parse_table(meta + kSegmentHeaderBytes, h.table_bytes, table, lengths);
  if (size != h.table_bytes || (h.tables > 0 && size == 0)) return 0;
  const uint32_t tables_end = kSegmentHeaderBytes + h.table_bytes;
  if (!all_zero(meta + tables_end, records_at - tables_end) ||
      !all_zero(meta + end, round_up(end, kBlockAlign) - end))
    return 0;
  tables = h.tables;
  return records_at;
}

__global__ void parse_kernel(SegmentHeader header, const uint8_t* memory, uint64_t coded,
                             uint64_t bytes, uint64_t out, uint32_t group_blocks,
                             ParsedSegment to) {
  const uint32_t lane = threadIdx.x;
  const uint8_t* const meta = memory + coded;
  uint32_t records_at = 0, tables = 0;
  if (lane == 0) {
    *to.table = {0, 0, 0};
    records_at = parse_meta(header, meta, bytes, *to.table, to.lengths, tables);
    if (tables == 0) *to.table = {0, 0, 0};
  }
  records_at = __shfl_sync(kAllLanes, records_at, 0);
  tables = __shfl_sync(kAllLanes, tables, 0);
  const uint64_t data_at =
      round_up(records_at + uint64_t{header.blocks} * kBlockRecordBytes, kBlockAlign);
  bool good = records_at != 0;
  bool coded_blocks = false;
  uint64_t before = 0;  // data of the blocks before
  for (uint32_t first = 0; first < header.blocks; first += kWarp) {
    const uint32_t b = first + lane;
    const bool mine = b < header.blocks;
    BlockRecord r{BlockMode::raw, 0, 0, 0};
    if (mine && good)
      good = load_block_record(meta + records_at + b * kBlockRecordBytes, r) &&
             r.mode != BlockMode::base && r.coded_bytes <= header.block_bytes(b);
    good = __all_sync(kAllLanes, good);
    coded_blocks = __any_sync(kAllLanes, mine && r.mode == BlockMode::coded) || coded_blocks;
    const auto padded = static_cast<uint32_t>(round_up(good ? r.coded_bytes : 0, kBlockAlign));
    uint32_t upto = padded;
    for (uint32_t d = 1; d < kWarp; d *= 2) {
      const uint32_t other = __shfl_up_sync(kAllLanes, upto, d);
      if (lane >= d) upto += other;
    }
    if (mine) {
      to.states[b] = {r.mode,
                      0,
                      r.coded_bytes,
                      static_cast<uint32_t>(before + upto - padded),
                      {},
                      r.coded_hash,
                      r.decoded_hash};
      to.expected[b] = r.decoded_hash;
    }
    before += __shfl_sync(kAllLanes, upto, kWarp - 1);
  }
  good = good && data_at + before <= bytes && coded_blocks == (tables > 0);
  __syncwarp();
  for (uint32_t b = lane; b < header.blocks; b += kWarp) {
    BlockState& s = to.states[b];
    // A raw block of no bytes fits no size; the hash of nothing is its hash.
    if (!good) s = {BlockMode::raw, 0, 0, 0, {}, xxh3::hash_short(meta, 0), 0};
    to.coded_ranges[b] = {coded + (good ? data_at + s.data_at : 0), s.coded_bytes};
    to.outputs[b] = {out + header.block_begin(b), 0, header.block_bytes(b), 0, 1, BlockStatus::ok};
    to.decoded_ranges[b] = {out + header.block_begin(b), header.block_bytes(b)};
    if (b % group_blocks == 0)
      to.groups[b / group_blocks] = {
          0, b, header.blocks - b < group_blocks ? header.blocks - b : group_blocks, b};
  }
  if (lane != 0) return;
  SegmentHeader h = header;
  h.tables = static_cast<uint8_t>(good ? tables : 0);
  *to.segment = {h, 0, coded + data_at, 0, 0};
}
}  // namespace

cudaError_t ngram_pieces(uint64_t size, NgramPiece* pieces, cudaStream_t stream) {
  const uint64_t count = ceil_div(size, kNgramPieceBytes);
  if (count == 0) return cudaSuccess;
  return launch(
      Launch{dim3(static_cast<uint32_t>(ceil_div(count, kThreads))), dim3(kThreads), 0, stream},
      pieces_kernel, size, pieces, count);
}

cudaError_t level_tables(ElementType type, const float* levels, uint32_t count, uint64_t* elements,
                         double* thresholds, uint32_t padded, uint16_t* first,
                         cudaStream_t stream) {
  const uint32_t entries = padded > count ? padded : count;
  return launch(
      Launch{dim3(static_cast<uint32_t>(ceil_div(entries, kThreads))), dim3(kThreads), 0, stream},
      levels_kernel, type, levels, count, elements, thresholds, padded, first,
      std::numeric_limits<double>::infinity());
}

cudaError_t one_segment(const SegmentHeader& header, uint64_t content_at, const OneSegment& to,
                        cudaStream_t stream) {
  return launch(Launch{dim3(1), dim3(kThreads), 0, stream}, segment_kernel, header, content_at, to);
}

cudaError_t one_segment_places(const FrameBatch& batch, uint64_t out, uint64_t* bytes,
                               cudaStream_t stream) {
  return launch(Launch{dim3(1), dim3(kThreads), 0, stream}, segment_places_kernel, batch, out,
                bytes);
}

cudaError_t one_segment_meta(const FrameBatch& batch, uint64_t out, cudaStream_t stream) {
  return launch(Launch{dim3(1), dim3(kThreads), 0, stream}, segment_meta_kernel, batch, out);
}

cudaError_t parse_segment(const SegmentHeader& header, uint64_t coded, uint64_t bytes, uint64_t out,
                          uint32_t group_blocks, const ParsedSegment& to, cudaStream_t stream) {
  return launch(Launch{dim3(1), dim3(kWarp), 0, stream}, parse_kernel, header, address_base(),
                coded, bytes, out, group_blocks, to);
}
}  // namespace gramzip::kernels
