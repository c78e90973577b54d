// SPDX-License-Identifier: Apache-2.0
// The CUDA backend: batches of segments through the kernels. One call at a time has the device.
// Part of the CUDA backend: CUDA headers are allowed here.
#pragma once
#include <mutex>

#include "host/backend/backend.h"
#include "host/backend/device_buffer.h"
#include "kernels/checksum.h"
#include "kernels/classify.h"
#include "kernels/code_lengths.h"
#include "kernels/histogram.h"
#include "kernels/huffman_decode.h"
#include "kernels/huffman_encode.h"

namespace gramzip {
// Device memory of a batch of encode calls of `bytes` of content: about 2.1 bytes a byte, plus 28
// KiB a segment; of decode calls: content plus coded bytes, plus 8 KiB a segment.
class CudaBackend final : public Backend {
 public:
  explicit CudaBackend(int device);
  ~CudaBackend() override;
  std::string name() const override { return name_; }
  uint32_t preferred_batch() const override { return 16; }
  void encode(std::span<const SegmentInput> in, std::span<EncodedSegment> out) override;
  void decode(std::span<const DecodeRequest> requests) override;

 private:
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
  DeviceBuffer<uint64_t> hashes_, expected_;
  // encoding
  DeviceBuffer<uint32_t> counts_, codes_, lane_words_;
  DeviceBuffer<kernels::CodeSummary> summaries_;
  DeviceBuffer<kernels::SegmentTotals> totals_;
  // decoding
  DeviceBuffer<kernels::DecodeGroup> groups_;
  DeviceBuffer<kernels::DecodeOutput> outputs_;
  DeviceBuffer<kernels::DeviceTable> tables_;
  DeviceBuffer<uint16_t> entries_;
};
}  // namespace gramzip
