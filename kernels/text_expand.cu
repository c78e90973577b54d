// SPDX-License-Identifier: Apache-2.0
// Expands records, one warp a lane's piece of a block.
//
//   records of the lane, 32 at a time:  [the|20 ] [cat|4] [match 12] [distance] ...
//   prefix sum of lengths:               0         3       ...
//   output, a word of 4 bytes a thread:  the record of its first byte by bisection, then onwards
//
// Threads own output words, not records, so a match of 8 KiB and 32 short strings both fill the
// warp, bytes go out as whole words and sources as 16 bytes; only the words that a chunk of records
// shares with its neighbours are written by bytes. Each byte has one writer: no order. Moves 4
// bytes of record a symbol, 1 byte of the pool (L1, L2) and writes 5 a byte of content.
#include "kernels/text_expand.h"

#include "kernels/common/pattern.h"

namespace gramzip::kernels {
namespace {
// 32 records of a lane; starts within the piece, starts[32] the end.
struct Chunk {
  uint32_t starts[kWarp + 1];
  uint32_t record[kWarp];
  uint32_t distance[kWarp];  // of matches
};

struct Piece {
  uint32_t at;       // index of its first byte in content, a multiple of 16
  uint32_t bytes;    // of content
  uint32_t padded;   // room, a multiple of 16
  uint8_t* content;  // of its first byte
  uint32_t* sources;

  // Bytes with no source but themselves; padding has sources too.
  __device__ void own(uint32_t lane) const {
    uint4* out = reinterpret_cast<uint4*>(sources);
    for (uint32_t i = lane; i < padded / 4; i += kWarp) {
      const uint32_t s = at + 4 * i;
      out[i] = make_uint4(s, s + 1, s + 2, s + 3);
    }
  }
  __device__ void fill(uint8_t value, uint32_t lane) const {
    const uint32_t word = value * 0x01010101u;
    fill_block(
        content, bytes, lane, [&](uint32_t) { return make_uint4(word, word, word, word); },
        [&](uint32_t) { return value; });
  }
  __device__ void copy(const uint8_t* from, uint32_t lane) const {
    fill_block(
        content, bytes, lane, [&](uint32_t i) { return reinterpret_cast<const uint4*>(from)[i]; },
        [&](uint32_t i) { return from[i]; });
  }
  // All bytes copy those `distance` before them.
  __device__ void follow(uint32_t distance, uint32_t lane) const {
    for (uint32_t i = lane; i < padded; i += kWarp)
      sources[i] = at + i - (i < bytes ? distance : 0);
  }
};

// The bytes of one output word that lie in [begin, end) of the piece.
__device__ void expand_word(const Chunk& chunk, const uint8_t* pool, const Piece& piece,
                            uint32_t begin, uint32_t end) {
  uint32_t k = 0;  // the last record that starts at or before `begin`
  for (uint32_t step = kWarp / 2; step > 0; step /= 2)
    if (chunk.starts[k + step] <= begin) k += step;
  uint32_t word = 0;
  uint32_t source[4] = {};
#pragma unroll
  for (uint32_t j = 0; j < 4; ++j) {
    const uint32_t pos = (begin & ~3u) + j;
    if (pos < begin || pos >= end) continue;
    while (chunk.starts[k + 1] <= pos) ++k;
    const uint32_t r = chunk.record[k], start = chunk.starts[k], offset = pos - start;
    source[j] = piece.at + pos;
    if ((r & text::kRecordMatch) != 0) {
      const uint32_t d = chunk.distance[k];
      source[j] = piece.at + start - d + (offset < d ? offset : offset % d);
    } else {
      word |= uint32_t{__ldg(pool + text::record_string_offset(r) + offset)} << (8 * j);
    }
  }
  if (end - begin == 4) {
    *reinterpret_cast<uint32_t*>(piece.content + begin) = word;
    *reinterpret_cast<uint4*>(piece.sources + begin) =
        make_uint4(source[0], source[1], source[2], source[3]);
    return;
  }
#pragma unroll
  for (uint32_t j = 0; j < 4; ++j) {
    const uint32_t pos = (begin & ~3u) + j;
    if (pos < begin || pos >= end) continue;
    piece.content[pos] = static_cast<uint8_t>(word >> (8 * j));
    piece.sources[pos] = source[j];
  }
}

__device__ void expand_coded(const uint32_t* records, uint32_t count, const uint8_t* pool,
                             const Piece& piece, Chunk& chunk, uint32_t lane) {
  uint32_t at = 0;
  bool open = false;  // the first word of the chunk is the distance of the last match
  for (uint32_t first = 0; first < count; first += kWarp) {
    const uint32_t i = first + lane;
    const uint32_t r = i < count ? records[uint64_t{i} * kLanes] : 0;
    const bool match = (r & text::kRecordMatch) != 0;  // no distance has this bit
    uint32_t next = __shfl_down_sync(kAllLanes, r, 1);
    if (lane == kWarp - 1 && match) next = records[uint64_t{i + 1} * kLanes];
    const uint32_t matches = __ballot_sync(kAllLanes, match);
    const bool is_distance = (((matches << 1) | (open ? 1u : 0u)) >> lane & 1u) != 0;
    open = (matches >> (kWarp - 1)) != 0;
    const uint32_t length = is_distance ? 0
                            : match     ? text::record_match_length(r)
                                        : text::record_string_length(r);
    uint32_t upto = length;
    for (uint32_t d = 1; d < kWarp; d *= 2) {
      const uint32_t other = __shfl_up_sync(kAllLanes, upto, d);
      if (lane >= d) upto += other;
    }
    chunk.starts[lane] = at + upto - length;
    if (lane == kWarp - 1) chunk.starts[kWarp] = at + upto;
    chunk.record[lane] = r;
    chunk.distance[lane] = next;
    __syncwarp();
    const uint32_t end = chunk.starts[kWarp];
    for (uint32_t word = (at & ~3u) + 4 * lane; word < end; word += 4 * kWarp)
      expand_word(chunk, pool, piece, max(word, at), min(word + 4, end));
    at = end;
    __syncwarp();
  }
  for (uint32_t i = at + lane; i < piece.padded; i += kWarp) piece.sources[i] = piece.at + i;
}

__global__ void __launch_bounds__(TextExpandTuning::kMaxWarps* kWarp)
    expand_kernel(const DeviceBlock* blocks, const DeviceSegment* segments,
                  const BlockState* states, const TextMachine* machines, const uint8_t* data,
                  const uint32_t* records, const uint32_t* record_counts,
                  const BlockStatus* statuses, uint8_t* content, uint32_t* sources) {
  __shared__ Chunk chunks[TextExpandTuning::kMaxWarps];
  const uint32_t warp = threadIdx.x / kWarp, lane = threadIdx.x % kWarp;
  const uint32_t unit = blockIdx.x * (blockDim.x / kWarp) + warp;
  const uint32_t l = unit % kLanes;  // the sub-stream
  const DeviceBlock block = blocks[unit / kLanes];
  const DeviceSegment& segment = segments[block.segment];
  const SegmentHeader& h = segment.header;
  const uint32_t index = segment.first_block + block.number, size = h.block_bytes(block.number);
  const uint64_t block_at = segment.content_at + h.block_begin(block.number);
  const uint64_t piece_at = block_at + l * lane_piece(size);
  const Piece piece{static_cast<uint32_t>(piece_at), lane_count(size, l, false), lane_piece(size),
                    content + piece_at, sources + piece_at};
  const BlockState& s = states[index];
  const uint8_t* coded = data + segment.data_at + s.data_at;

  const bool good = statuses[index] == BlockStatus::ok;
  if (!good || s.mode == BlockMode::constant) {
    piece.fill(good ? coded[0] : 0, lane);
    piece.own(lane);
  } else if (s.mode == BlockMode::raw) {
    piece.copy(coded + l * lane_piece(size), lane);
    piece.own(lane);
  } else if (s.mode == BlockMode::repeat) {
    piece.fill(0, lane);
    piece.follow(h.block_begin(block.number - load_le<uint32_t>(coded)), lane);
  } else {
    expand_coded(records + block_at + l, record_counts[uint64_t{index} * kLanes + l],
                 machines[segment.first_table].pool, piece, chunks[warp], lane);
  }
}

__global__ void judge_kernel(const BlockState* states, const uint64_t* hashes, uint32_t count,
                             BlockStatus* statuses) {
  const uint32_t i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < count && statuses[i] == BlockStatus::ok && hashes[i] != states[i].decoded_hash)
    statuses[i] = BlockStatus::bad_decoded_hash;
}
}  // namespace

cudaError_t text_expand(const DeviceBlock* blocks, uint32_t count, const DeviceSegment* segments,
                        const BlockState* states, const TextMachine* machines, const uint8_t* data,
                        const uint32_t* records, const uint32_t* record_counts,
                        const BlockStatus* statuses, uint8_t* content, uint32_t* sources,
                        const TextExpandTuning& tuning, cudaStream_t stream) {
  if (count == 0) return cudaSuccess;
  const Launch config{dim3(count * (kLanes / tuning.warps)), dim3(tuning.warps * kWarp), 0, stream};
  return launch(config, expand_kernel, blocks, segments, states, machines, data, records,
                record_counts, statuses, content, sources);
}

cudaError_t text_judge(const BlockState* states, const uint64_t* hashes, uint32_t count,
                       BlockStatus* statuses, cudaStream_t stream) {
  if (count == 0) return cudaSuccess;
  return launch(Launch{dim3(static_cast<uint32_t>(ceil_div(count, 256))), dim3(256), 0, stream},
                judge_kernel, states, hashes, count, statuses);
}
}  // namespace gramzip::kernels
