// SPDX-License-Identifier: Apache-2.0
// Segments that have a base, on the device.
#include "host/backend/cpu_delta.h"
#include "host/backend/cuda_backend.h"

namespace gramzip {
const uint8_t* CudaBackend::upload_bases(std::span<const DecodeRequest> requests,
                                         std::span<const uint64_t> content_at,
                                         uint64_t content_bytes) {
  uint8_t* base = base_.reserve(content_bytes);
  for (size_t i = 0; i < requests.size(); ++i) {
    const DecodeRequest& r = requests[i];
    if (!r.segment.header.of_base) continue;
    if (r.base.size() != r.output.size())
      fail(ErrorCode::internal, "delta: a base of another size");
    if (!r.base.empty())
      check_cuda(cudaMemcpyAsync(base + content_at[i], r.base.data(), r.base.size(),
                                 cudaMemcpyHostToDevice, stream_),
                 "upload");
  }
  return base;
}

void CudaBackend::encode_with_base(const SegmentInput& in, EncodedSegment& out) {
  cpu::encode_with_base(
      in,
      [this](const SegmentInput& alone, EncodedSegment& coded) {
        EncodedSegment* const to = &coded;
        encode_coded({&alone, 1}, {&to, 1});
      },
      out);
}
}  // namespace gramzip
