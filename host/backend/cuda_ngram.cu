// SPDX-License-Identifier: Apache-2.0
// N-gram counting on a CUDA device: pieces up, cells down. What overflows the table is counted in
// halves, and a single piece that does is left to the CPU, so the counts are exact for any input.
#include "host/backend/device_buffer.h"
#include "host/backend/ngram_device.h"
#include "kernels/ngram_count.h"

namespace gramzip {
namespace {
using kernels::NgramCell;
using kernels::NgramStatus;

class CudaNgramDevice final : public cpu::NgramAccelerator {
 public:
  CudaNgramDevice(int device, const NgramDeviceOptions& options)
      : device_(device), options_(options) {
    check_cuda(cudaSetDevice(device), "choosing the device");
    check_cuda(cudaStreamCreateWithFlags(&stream_, cudaStreamNonBlocking), "creating a stream");
  }
  ~CudaNgramDevice() override { cudaStreamDestroy(stream_); }
  std::string name() const override { return "cuda:" + std::to_string(device_); }
  size_t preferred_batch() const override { return options_.batch; }

  std::vector<NgramPiece> count(const NgramSpec& spec, std::span<const uint8_t> batch,
                                std::span<const NgramPiece> pieces, const Emit& emit) override {
    check_cuda(cudaSetDevice(device_), "choosing the device");
    std::vector<NgramPiece> left;
    content_.upload(batch, stream_);
    count_pieces(spec, batch, pieces, emit, left);
    return left;
  }

 private:
  void count_pieces(const NgramSpec& spec, std::span<const uint8_t> batch,
                    std::span<const NgramPiece> pieces, const Emit& emit,
                    std::vector<NgramPiece>& left);

  int device_;
  NgramDeviceOptions options_;
  cudaStream_t stream_ = nullptr;
  DeviceBuffer<uint8_t> content_, workspace_;
  DeviceBuffer<NgramPiece> pieces_;
  DeviceBuffer<NgramCell> cells_;
  DeviceBuffer<NgramStatus> status_;
};

void CudaNgramDevice::count_pieces(const NgramSpec& spec, std::span<const uint8_t> batch,
                                   std::span<const NgramPiece> pieces, const Emit& emit,
                                   std::vector<NgramPiece>& left) {
  if (pieces.empty()) return;
  const uint32_t log2 = options_.table_log2;
  size_t bytes = 0;
  check_cuda(kernels::ngram_count(nullptr, bytes, nullptr, nullptr, 0, spec, nullptr, nullptr, log2,
                                  {}, stream_),
             "sizing the table");
  uint8_t* workspace = workspace_.reserve(bytes);
  const NgramPiece* device_pieces = pieces_.upload(pieces, stream_);
  NgramCell* cells = cells_.reserve(kernels::ngram_cells(log2));
  NgramStatus* device_status = status_.reserve(1);
  check_cuda(kernels::ngram_count(workspace, bytes, content_.get(), device_pieces,
                                  static_cast<uint32_t>(pieces.size()), spec, cells, device_status,
                                  log2, {}, stream_),
             "kernel launch");
  const NgramStatus status = status_.download(1, stream_)[0];
  if (status.overflow != 0) {
    if (pieces.size() == 1) {
      left.push_back(pieces[0]);
      return;
    }
    const size_t half = pieces.size() / 2;
    count_pieces(spec, batch, pieces.first(half), emit, left);
    count_pieces(spec, batch, pieces.subspan(half), emit, left);
    return;
  }
  std::vector<uint8_t> gram;
  for (const NgramCell& c : cells_.download(status.cells, stream_)) {
    if (spec.packed()) {
      uint8_t key[kMaxPackedNgram];
      store_ngram_key(c.id, spec.n, key);
      emit({key, spec.n}, c.count);
    } else if (spec.unit == NgramUnit::bytes) {
      emit(batch.subspan(c.id, spec.n), c.count);
    } else {
      cpu::write_word_ngram(spec, batch.data(), c.id, gram);
      emit(gram, c.count);
    }
  }
  if (status.all_ones > 0) {
    const std::vector<uint8_t> ones(kMaxPackedNgram, 0xff);
    emit(ones, status.all_ones);
  }
}
}  // namespace

std::unique_ptr<cpu::NgramAccelerator> make_ngram_device(int device, std::string& why,
                                                         const NgramDeviceOptions& options) {
  if (!device_answers(device, why)) return nullptr;
  try {
    return std::make_unique<CudaNgramDevice>(device, options);
  } catch (const Error& e) {
    why = e.what();
    return nullptr;
  }
}
}  // namespace gramzip
