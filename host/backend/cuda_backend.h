// SPDX-License-Identifier: Apache-2.0
// The CUDA backend: batches of segments through the kernels. One call at a time has the device.
// Part of the CUDA backend: CUDA headers are allowed here.
#pragma once
#include <mutex>

#include "host/backend/backend.h"
#include "host/backend/cpu_delta.h"
#include "host/backend/cpu_quantized.h"
#include "host/backend/device_buffer.h"
#include "host/backend/model_cache.h"
#include "host/backend/quant_decode_batch.h"
#include "kernels/checksum.h"
#include "kernels/classify.h"
#include "kernels/code_lengths.h"
#include "kernels/delta_decode.h"
#include "kernels/delta_encode.h"
#include "kernels/fast_decode.h"
#include "kernels/fast_encode.h"
#include "kernels/histogram.h"
#include "kernels/huffman_decode.h"
#include "kernels/huffman_encode.h"
#include "kernels/planes.h"
#include "kernels/quant_decode.h"
#include "kernels/quant_encode.h"
#include "kernels/run_classes.h"
#include "kernels/sparse_encode.h"
#include "kernels/text_decode.h"
#include "kernels/text_encode.h"
#include "kernels/text_expand.h"
#include "kernels/text_match_copy.h"

namespace gramzip {
// Device memory of a batch of encode calls of `bytes` of content: about 2.1 bytes a byte, 3.1 of
// planes, plus 9 bytes a symbol of the segments' classes, at most 0.3 MiB a segment, 1.2 of F64,
// plus the content of segments with a base once, or by codec sparse_delta 2.2 times and 1 KiB an
// exponent; of decode calls: content plus coded bytes, again content of planes, plus 8 KiB a table,
// plus once or twice the content of segments with a base; of quantized ones 16 KiB a table, and 2
// bytes an element if levels have scales. N-gram text: 9 bytes a byte of content
// plus coded bytes, for kTextBatch of content at a time; to encode it 72 bytes and the sort's, for
// kTextEncodeBatch; and tables of the last models.
class CudaBackend final : public Backend {
 public:
  explicit CudaBackend(int device);
  ~CudaBackend() override;
  std::string name() const override { return name_; }
  uint32_t preferred_batch() const override { return 16; }
  void encode(std::span<const SegmentInput> in, std::span<EncodedSegment> out) override;
  void decode(std::span<const DecodeRequest> requests) override;

 private:
  // Content of n-gram text that is decoded, and encoded, at once: 1,024 and 256 blocks of 256 KiB,
  // a warp each.
  static constexpr uint64_t kTextBatch = uint64_t{1} << 28;
  static constexpr uint64_t kTextEncodeBatch = uint64_t{1} << 26;
  static_assert(2 * (kTextBatch + kMaxSegmentBytes) < UINT32_MAX);  // indices of it have 32 bits

  // All codecs but n-gram text.
  void decode_coded(std::span<const DecodeRequest> requests);
  void decode_text(std::span<const DecodeRequest> requests);
  // The quantized segments of a batch. batch: what they share with the others. lengths: of all code
  // tables.
  void decode_quantized(const QuantDecodeBatch& in, kernels::QuantBatch batch,
                        const uint8_t* lengths);
  // All but n-gram text.
  void encode_without_base(std::span<const SegmentInput> in, std::span<EncodedSegment* const> out);
  void encode_fast(std::span<const SegmentInput> in, std::span<EncodedSegment* const> out);
  // All but fast floats.
  void encode_coded(std::span<const SegmentInput> in, std::span<EncodedSegment* const> out);
  // Counts of the bytes of a segment of planes, over its classes.
  std::vector<uint32_t> sum_of_classes(const kernels::EncodePlaces& places) const;
  void encode_text(std::span<const SegmentInput> in, std::span<EncodedSegment* const> out);
  void encode_with_base(std::span<const SegmentInput> in, std::span<EncodedSegment* const> out);
  // By codec quantized, unless a codec that knows no levels takes less.
  void encode_levels(std::span<const SegmentInput> in, std::span<EncodedSegment* const> out);
  void encode_quantized(std::span<const SegmentInput> in, std::span<EncodedSegment* const> out);
  // By codec delta; returns those that are left to codec sparse_delta.
  std::vector<size_t> encode_dense(std::span<const cpu::DenseInput> in,
                                   std::span<EncodedSegment* const> out);
  void encode_sparse(std::span<const SegmentInput> in, std::span<EncodedSegment* const> out);
  // The bases of those requests that have one, each where the request's content goes.
  const uint8_t* upload_bases(std::span<const DecodeRequest> requests,
                              std::span<const uint64_t> content_at, uint64_t content_bytes);
  // The bases of segments to encode, each at the place of its segment's content.
  const uint8_t* upload_bases(std::span<const SegmentInput> in,
                              std::span<const kernels::DeviceSegment> segments, uint64_t bytes);
  // All content to its places; `bytes` of memory, which may be more than the content takes.
  uint8_t* upload_content(std::span<const SegmentInput> in,
                          std::span<const kernels::DeviceSegment> segments, uint64_t bytes);
  // Header, records and data of an encoded segment; the copy of the data is under way when it
  // returns.
  void take_blocks(const kernels::DeviceSegment& segment,
                   std::span<const kernels::BlockState> states, const uint8_t* data,
                   uint32_t data_bytes, EncodedSegment& out);
  void check(cudaError_t status) const { check_cuda(status, "kernel launch"); }

  int device_;
  std::string name_;
  std::mutex mutex_;
  cudaStream_t stream_ = nullptr;

  DeviceBuffer<uint8_t> content_, data_, lengths_, limits_;
  DeviceBuffer<kernels::DeviceSegment> segments_;
  DeviceBuffer<kernels::DeviceBlock> blocks_;
  DeviceBuffer<kernels::BlockState> states_;
  DeviceBuffer<kernels::HashRange> decoded_ranges_, coded_ranges_;
  DeviceBuffer<uint64_t> hashes_, expected_, exact_;
  // encoding
  DeviceBuffer<kernels::EncodePlaces> places_;
  DeviceBuffer<kernels::Alphabet> alphabets_;
  DeviceBuffer<ClassCost> costs_;
  DeviceBuffer<uint8_t> class_ids_;
  DeviceBuffer<uint32_t> counts_, codes_, lane_words_;
  DeviceBuffer<kernels::CodeSummary> summaries_;
  DeviceBuffer<kernels::SegmentTotals> totals_;
  DeviceBuffer<kernels::FastCodeTable> fast_codes_;
  DeviceBuffer<kernels::FastSize> fast_sizes_;
  // decoding
  DeviceBuffer<kernels::DecodeGroup> groups_, fast_groups_;
  DeviceBuffer<uint16_t> fast_entries_;
  DeviceBuffer<kernels::DecodeOutput> outputs_;
  DeviceBuffer<kernels::DeviceTable> tables_;
  DeviceBuffer<uint16_t> entries_;
  struct QuantBuffers {
    DeviceBuffer<kernels::QuantSegment> segments;
    DeviceBuffer<kernels::QuantTable> tables;
    DeviceBuffer<kernels::ScaledBlock> scaled;
    DeviceBuffer<kernels::DecodeGroup> groups, digit_groups;
    DeviceBuffer<uint32_t> symbols, entries, units;
    DeviceBuffer<uint16_t> unit_numbers;
    DeviceBuffer<float> values, scales;
    DeviceBuffer<uint8_t> zero_points;
    // encoding
    DeviceBuffer<kernels::QuantCoding> codings;
    DeviceBuffer<uint16_t> numbers, sampled, phrase_bases;
    DeviceBuffer<uint64_t> from;
    DeviceBuffer<uint8_t> class_numbers;
  };
  QuantBuffers quant_;
  // with a base
  DeviceBuffer<uint8_t> base_, differences_, class_of_run_, table_of_sum_;
  DeviceBuffer<kernels::DeltaCoding> codings_;
  DeviceBuffer<kernels::SparseCoding> sparse_codings_;
  DeviceBuffer<kernels::SparseOrder> sparse_orders_;
  DeviceBuffer<uint32_t> changed_;
  DeviceBuffer<uint16_t> contexts_;
  DeviceBuffer<kernels::DecodeGroup> delta_groups_, sparse_groups_;
  // decoding n-gram text
  ModelCache<UploadedMachine> machine_cache_;
  DeviceBuffer<kernels::TextMachine> machines_;
  DeviceBuffer<uint32_t> records_, record_counts_, sources_, unfinished_;
  DeviceBuffer<BlockStatus> statuses_;
  DeviceBuffer<uint8_t> unit_done_;
  // encoding n-gram text
  ModelCache<UploadedCodes> code_cache_;
  DeviceBuffer<kernels::TextInput> inputs_;
  DeviceBuffer<kernels::TextCodes> text_codes_;
  DeviceBuffer<uint64_t> keys_, sorted_;
  DeviceBuffer<kernels::PackedOffer> offers_[text::kMatchSlots], runs_;
  DeviceBuffer<uint8_t> sort_workspace_;
  DeviceBuffer<text::ParseNode> nodes_;
  DeviceBuffer<uint32_t> distances_;
  DeviceBuffer<text::Repeats> repeats_;
  DeviceBuffer<uint16_t> next_;
};
}  // namespace gramzip
