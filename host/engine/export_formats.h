// SPDX-License-Identifier: Apache-2.0
// The two halves of export_checkpoint, behind its checks: host/engine/export*.cpp alone include
// this.
#pragma once
#include "host/engine/export_stream.h"

namespace gramzip {
// Counts what is written and tells it.
class ExportSink {
 public:
  ExportSink(Sink& out, const ExportOptions& options) : out_(out), options_(options) {}
  void write(std::span<const uint8_t> bytes) {
    out_.write(bytes);
    written_ += bytes.size();
    if (options_.progress) options_.progress(read_, written_);
  }
  void zeros(uint64_t n) {
    const std::vector<uint8_t> z(n);
    if (n > 0) write(z);
  }
  void has_read(uint64_t bytes) { read_ += bytes; }
  uint64_t written() const { return written_; }

 private:
  Sink& out_;
  const ExportOptions& options_;
  uint64_t read_ = 0, written_ = 0;
};

void export_gguf(std::span<const ExportInput> inputs, const ExportOptions& options, ExportSink& out,
                 ExportResult& result);
void export_compressed(std::span<const ExportInput> inputs, const ExportOptions& options,
                       ExportSink& out, ExportResult& result);

// Before anything is written: Error if no tensor is quantized or a pattern of --keep names none.
void check_plan(const ExportOptions& options, const ExportResult& result);
// A tensor as the report has it before it is written.
TensorError describe_export(const Tensor& t);
}  // namespace gramzip
