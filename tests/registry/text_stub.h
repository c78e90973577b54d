// SPDX-License-Identifier: Apache-2.0
// A trainer and a backend of text with models that are quick and simple, so that the engine's own
// decisions can be tested alone: windows, choice of models, sections, errors. The models are real.
#pragma once
#include <atomic>
#include <memory>

#include "host/engine/engine.h"

namespace gramzip::test {
// The words of the text that take the most room, each with the blank or newline behind it; one
// class.
model::NgramModel stub_train(std::span<const std::span<const uint8_t>> text, const TrainOptions&);
// The same from one piece, as a model to give.
ModelPtr stub_model(std::span<const uint8_t> text);

// Codes text that comes with a model by putting a byte for each of its first strings; everything
// else is the CPU backend's. Decoding such a segment without its model, or not from its first
// block, is an internal error.
class StubTextBackend final : public Backend {
 public:
  std::string name() const override { return "stub"; }
  uint32_t preferred_batch() const override { return batch; }
  void encode(std::span<const SegmentInput> in, std::span<EncodedSegment> out) override;
  void decode(std::span<const DecodeRequest> requests) override;

  uint32_t batch = 1;
  std::atomic<uint64_t> encoded_with_model{0};

 private:
  std::unique_ptr<Backend> cpu_ = make_cpu_backend();
};
}  // namespace gramzip::test
