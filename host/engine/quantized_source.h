// SPDX-License-Identifier: Apache-2.0
// A file with the weights of some tensors changed: all other bytes are its own.
#pragma once
#include <span>
#include <vector>

#include "host/base/workers.h"
#include "host/engine/quant_job.h"
#include "host/formats/zip_checksums.h"

namespace gramzip {
class QuantizedSource final : public RandomSource, public Source {
 public:
  // jobs: those of the file, in order of their tensors. All must outlive it. patches: other bytes
  // that change. blank: the jobs' weights are +0, for a look at what the rest takes.
  QuantizedSource(RandomSource& file, std::vector<const QuantJob*> jobs,
                  std::vector<zip::Patch> patches = {}, bool blank = false);
  uint64_t size() const override { return file_.size(); }
  // Long stretches of weights are made by the threads of the arena at hand.
  size_t read_at(uint64_t at, uint8_t* p, size_t n) override;
  size_t read(uint8_t* p, size_t n) override;

 private:
  RandomSource& file_;
  std::vector<const QuantJob*> jobs_;
  std::vector<zip::Patch> patches_;
  const bool blank_;
  uint64_t at_ = 0;
};

// The patches that fall on the n bytes p, which begin at byte `at`.
void apply_patches(std::span<const zip::Patch> patches, uint64_t at, uint8_t* p, size_t n);
}  // namespace gramzip
