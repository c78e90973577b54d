// SPDX-License-Identifier: Apache-2.0
// What stands around the decoders when they work on memory of the caller
// (host/backend/device_calls.h): addresses into a batch, pieces of blocks to their places, statuses
// out. None allocates or synchronises.
#pragma once
#include "kernels/common/batch.h"
#include "kernels/common/simt.h"
#include "kernels/huffman_decode.h"

namespace gramzip::kernels {
struct BindTuning {
  uint32_t threads = 256;
};
// Addresses of up to kOwners owners, numbers first to first + count - 1, as a kernel's parameter:
// so that a captured call holds them.
struct Owners {
  static constexpr uint32_t kOwners = 128;
  uint64_t place[kOwners];  // address - kAddressBase
  uint32_t first, count;
};

// A batch of decoding as the plan has it: places count from their owners' first bytes. An output of
// owner kStaged counts from the staging memory.
struct DecodeTemplate {
  static constexpr uint32_t kStaged = 0xffffffffu;
  const DeviceSegment* segments;
  const uint32_t* archive_of;  // of each segment
  uint32_t segment_count;
  const HashRange* coded_ranges;
  const uint32_t* segment_of;  // of each coded range
  uint32_t block_count;
  const DecodeOutput* outputs;
  const uint32_t* item_of;            // of each output, or kStaged
  const uint32_t* archive_of_output;  // whose base it needs, if it needs one
  uint32_t output_count;
};
// The same with addresses, in the temp.
struct DecodeBound {
  DeviceSegment* segments;
  HashRange* coded_ranges;
  DecodeOutput* outputs;
  HashRange* decoded_ranges;  // as outputs
};
// Those of the archives' owners; of the outputs' owners, and with staged true of those that are
// staged, for which `staging` is a place.
cudaError_t bind_archives(const DecodeTemplate& from, const DecodeBound& to, const Owners& archives,
                          const BindTuning& tuning, cudaStream_t stream);
cudaError_t bind_outputs(const DecodeTemplate& from, const DecodeBound& to, const Owners& items,
                         bool staged, uint64_t staging, const BindTuning& tuning,
                         cudaStream_t stream);

// Places in the bases of archives' owners, behind bind_outputs.
cudaError_t bind_bases(const DecodeTemplate& from, const DecodeBound& to, const Owners& bases,
                       const BindTuning& tuning, cudaStream_t stream);

// A batch of encoding as the plan has it: places count from the first bytes of their arrays.
struct EncodeTemplate {
  const DeviceSegment* segments;
  const EncodePlaces* places;
  const HashRange* segment_ranges;
  const uint32_t* array_of;  // of each segment
  uint32_t segment_count;
  const HashRange* content_ranges;  // of each block
  const DeviceBlock* blocks;
  uint32_t block_count;
  uint32_t array_count;
};
struct EncodeBound {
  DeviceSegment* segments;
  EncodePlaces* places;
  HashRange* segment_ranges;
  HashRange* content_ranges;
  uint64_t* output_at;  // of each array
};
// Those of the arrays that both have.
cudaError_t bind_arrays(const EncodeTemplate& from, const EncodeBound& to, const Owners& inputs,
                        const Owners& outputs, const BindTuning& tuning, cudaStream_t stream);

// A part of a staged block on its way to its item.
struct StagedPart {
  uint32_t output;  // the block's
  uint32_t item;
  uint32_t from;  // in the block
  uint32_t bytes;
  uint64_t to;  // in the item
};
// Parts of the items' owners whose block is ok.
cudaError_t copy_parts(const StagedPart* parts, uint32_t count, const DecodeOutput* outputs,
                       const Owners& items, const BindTuning& tuning, cudaStream_t stream);
// statuses[count], and in *bad how many are not ok.
cudaError_t report(const DecodeOutput* outputs, uint32_t count, uint32_t* statuses, uint32_t* bad,
                   const BindTuning& tuning, cudaStream_t stream);
}  // namespace gramzip::kernels
