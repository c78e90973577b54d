// SPDX-License-Identifier: Apache-2.0
// Frames coded segments as archives.
//
//   metas:    a warp a segment: a lane a code table, its size, its place by a sum over the lanes
//   places:   a CTA an array: sizes of its archives -> offsets; then a thread a block
//   records:  a thread a block
//   write:    a CTA a segment: the head is copied, the meta too; one thread lays section header,
//   index
//             and trailer, whose hashes wait for each other, in shared memory
//
// Every byte is written by one thread. Some hundred bytes a segment beside its blocks are moved, a
// few times: bound by latency.
#include "kernels/frame.h"

#include "gramzip/core/table_wire.h"
#include "kernels/common/cub.h"

namespace gramzip::kernels {
namespace {
constexpr uint32_t kPlaceThreads = 256;
constexpr uint32_t kIndexMeta = kIndexFixedBytes + 2 * kSectionEntryBytes + kMemberEntryBytes;
static_assert(section_bytes(kIndexMeta, 0) + kTrailerBytes == kFrameTailBytes);
enum Type : uint8_t { kMembers = 1, kSegment = 2, kIndex = 3 };

__global__ void metas_kernel(FrameBatch batch) {
  const uint32_t i = blockIdx.x, lane = threadIdx.x;
  SegmentHeader h = batch.segments[i].header;
  const EncodePlaces& at = batch.coding.places[i];
  const uint32_t alphabet = h.alphabet();
  uint8_t* const meta = batch.metas + batch.meta_at[i];
  const SegmentTotals total = batch.totals[i];

  CodeSummary s{};
  if (total.coded > 0 && lane < at.classes) s = batch.coding.summaries[at.first_alphabet + lane];
  const uint8_t* lengths = batch.lengths + at.symbols_at + uint64_t{lane} * alphabet;
  const uint32_t size =
      s.used > 0 ? table_wire_bytes(table_span(lengths, alphabet, s.used, s.lone).count) : 0;
  __syncwarp();
  uint32_t upto = size;
  for (uint32_t d = 1; d < kWarp; d *= 2) {
    const uint32_t other = __shfl_up_sync(kAllLanes, upto, d);
    if (lane >= d) upto += other;
  }
  const uint32_t all = __shfl_sync(kAllLanes, upto, kWarp - 1);
  const auto tables = static_cast<uint32_t>(__popc(__ballot_sync(kAllLanes, s.used > 0)));
  if (s.used > 0)
    store_table(lengths, alphabet, s.used, s.lone, meta + kSegmentHeaderBytes + upto - size);
  if (lane != 0) return;
  h.tables = static_cast<uint8_t>(tables);
  h.run_log2 = tables > 1 ? 8 : 0;
  h.table_bytes = all;
  fill_zeros(meta, kSegmentHeaderBytes);
  store_segment_header(meta, h);
  const uint32_t tables_end = kSegmentHeaderBytes + all;
  const auto records_at = static_cast<uint32_t>(round_up(tables_end, 8));
  fill_zeros(meta + tables_end, records_at - tables_end);
  const uint32_t bytes = records_at + h.blocks * kBlockRecordBytes;
  batch.meta_ranges[i] = {batch.meta_at[i], bytes};
  batch.frames[i] = {0, kFrameHeadBytes + section_bytes(bytes, total.data_bytes) + kFrameTailBytes,
                     bytes, records_at, 0};
}

__global__ void places_kernel(FrameBatch batch, uint64_t* sizes) {
  using Scan = cub::BlockScan<unsigned long long, kPlaceThreads>;
  __shared__ typename Scan::TempStorage storage;
  const FrameArray array = batch.arrays[blockIdx.x];
  unsigned long long before = 0;
  for (uint32_t first = 0; first < array.segments; first += kPlaceThreads) {
    const bool mine = first + threadIdx.x < array.segments;
    const uint32_t i = array.first_segment + first + threadIdx.x;
    unsigned long long at = 0, total = 0;
    Scan(storage).ExclusiveSum(mine ? batch.frames[i].archive_bytes : 0ull, at, total);
    if (mine) {
      FrameState& f = batch.frames[i];
      f.archive_at = before + at;
      batch.segments[i].data_at = batch.output_at[blockIdx.x] + f.archive_at + kFrameHeadBytes +
                                  section_data_at(f.meta_bytes);
    }
    before += total;
    __syncthreads();  // the storage is used again
  }
  if (threadIdx.x == 0) sizes[blockIdx.x] = array.segments > 0 ? before : batch.empty_bytes;
}

__global__ void ranges_kernel(FrameBatch batch) {
  const uint32_t i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < batch.block_count)
    batch.coded_ranges[i].at =
        batch.segments[batch.blocks[i].segment].data_at + batch.states[i].data_at;
}

__global__ void records_kernel(FrameBatch batch) {
  const uint32_t i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i >= batch.block_count) return;
  const DeviceBlock b = batch.blocks[i];
  const BlockState& s = batch.states[i];
  store_block_record(batch.metas + batch.meta_at[b.segment] + batch.frames[b.segment].records_at +
                         b.number * kBlockRecordBytes,
                     {s.mode, s.coded_bytes, s.coded_hash, s.decoded_hash});
}

__device__ void copy_bytes(const uint8_t* from, uint32_t n, uint8_t* to) {
  for (uint32_t i = threadIdx.x; i < n; i += blockDim.x) to[i] = from[i];
}
__device__ void zero_bytes(uint8_t* p, uint64_t from, uint64_t to) {
  for (uint64_t i = from + threadIdx.x; i < to; i += blockDim.x) p[i] = 0;
}

__global__ void write_archives_kernel(FrameBatch batch) {
  __shared__ uint8_t header[kSectionHeaderBytes];
  __shared__ uint8_t tail[kFrameTailBytes];
  const uint32_t i = blockIdx.x;
  const FrameState& f = batch.frames[i];
  const uint32_t data_bytes = batch.totals[i].data_bytes;
  const uint64_t content = batch.segments[i].header.decoded_bytes;
  const uint64_t section = section_bytes(f.meta_bytes, data_bytes);
  uint8_t* const archive = batch.memory + (batch.output_at[batch.array_of[i]] + f.archive_at);
  if (threadIdx.x == 0) {
    const uint64_t hash =
        store_section_fields(header, {kSegment, 1, f.meta_bytes, data_bytes, 0, f.meta_hash});
    fill_zeros(tail, kFrameTailBytes);
    uint8_t* const meta = tail + kSectionHeaderBytes;
    store_le<uint64_t>(meta, 2);
    store_le<uint64_t>(meta + 8, 1);
    constexpr uint32_t kMembersAt = kArchiveHeaderBytes;
    store_section_entry(meta + kIndexFixedBytes, {kMembersAt, kFrameHeadBytes - kMembersAt, 0, 0,
                                                  batch.members_header_hash, kMembers});
    store_section_entry(meta + kIndexFixedBytes + kSectionEntryBytes,
                        {kFrameHeadBytes, section, 0, content, hash, kSegment});
    const HashFields content_hash{batch.content_hashes[i].low, batch.content_hashes[i].high};
    store_member_entry(meta + kIndexFixedBytes + 2 * kSectionEntryBytes, 0, content, content_hash);
    store_section_fields(tail,
                         {kIndex, 2, kIndexMeta, 0, content, xxh3::hash_short(meta, kIndexMeta)});
    const xxh3::Pair index = xxh3::hash128_short(meta, kIndexMeta);
    store_trailer_fields(tail + kFrameTailBytes - kTrailerBytes, {kFrameHeadBytes + section,
                                                                  f.archive_bytes,
                                                                  content,
                                                                  content_hash,
                                                                  {index.low, index.high}});
  }
  copy_bytes(batch.head, kFrameHeadBytes, archive);
  uint8_t* const at = archive + kFrameHeadBytes;
  copy_bytes(batch.metas + batch.meta_at[i], f.meta_bytes, at + kSectionHeaderBytes);
  const uint64_t data_at = section_data_at(f.meta_bytes);
  zero_bytes(at, kSectionHeaderBytes + f.meta_bytes, data_at);
  zero_bytes(at, data_at + data_bytes, section);
  __syncthreads();
  copy_bytes(header, kSectionHeaderBytes, at);
  copy_bytes(tail, kFrameTailBytes, at + section);
}

__global__ void write_empty_kernel(FrameBatch batch) {
  if (batch.arrays[blockIdx.x].segments > 0) return;  // the whole CTA leaves
  copy_bytes(batch.empty, batch.empty_bytes, batch.memory + batch.output_at[blockIdx.x]);
}

Launch a_thread_a_block(const FrameBatch& batch, const FrameTuning& tuning, cudaStream_t stream) {
  return {dim3(static_cast<uint32_t>(ceil_div(batch.block_count, tuning.threads))),
          dim3(tuning.threads), 0, stream};
}
}  // namespace

cudaError_t frame_metas(const FrameBatch& batch, const FrameTuning&, cudaStream_t stream) {
  if (batch.segment_count == 0) return cudaSuccess;
  return launch(Launch{dim3(batch.segment_count), dim3(kWarp), 0, stream}, metas_kernel, batch);
}

cudaError_t frame_places(const FrameBatch& batch, uint64_t* sizes, const FrameTuning& tuning,
                         cudaStream_t stream) {
  if (batch.array_count == 0) return cudaSuccess;
  const cudaError_t status = launch(Launch{dim3(batch.array_count), dim3(kPlaceThreads), 0, stream},
                                    places_kernel, batch, sizes);
  if (status != cudaSuccess || batch.block_count == 0) return status;
  return launch(a_thread_a_block(batch, tuning, stream), ranges_kernel, batch);
}

cudaError_t frame_records(const FrameBatch& batch, const FrameTuning& tuning, cudaStream_t stream) {
  if (batch.block_count == 0) return cudaSuccess;
  return launch(a_thread_a_block(batch, tuning, stream), records_kernel, batch);
}

cudaError_t frame_write(const FrameBatch& batch, const FrameTuning& tuning, cudaStream_t stream) {
  if (batch.array_count == 0) return cudaSuccess;
  const cudaError_t status = launch(
      Launch{dim3(batch.array_count), dim3(tuning.threads), 0, stream}, write_empty_kernel, batch);
  if (status != cudaSuccess || batch.segment_count == 0) return status;
  return launch(Launch{dim3(batch.segment_count), dim3(tuning.threads), 0, stream},
                write_archives_kernel, batch);
}
}  // namespace gramzip::kernels
