// SPDX-License-Identifier: Apache-2.0
// The loops of quantization and pruning over tensors in host memory (host/cpu/quantize.h, prune.h),
// by the CPU's threads or by a device: the results are the same bit by bit, whatever does the work.
#pragma once
#include <memory>
#include <string>

#include "host/cpu/prune.h"
#include "host/cpu/quantize.h"

namespace gramzip {
// One call at a time. Elements are whole ones, at any alignment. Errors of a device are Error.
class QuantizeLoops {
 public:
  virtual ~QuantizeLoops() = default;
  virtual std::string name() const = 0;

  // Adds elements to a counter of their type.
  virtual void count(cpu::DistributionCounter& counter, ElementType type,
                     std::span<const uint8_t> elements) = 0;
  virtual std::vector<quant::Range> group_ranges(ElementType type,
                                                 std::span<const uint8_t> elements,
                                                 uint32_t group) = 0;
  virtual void quantize_to_indexes(const quant::Quantizer& q, uint64_t first,
                                   std::span<const uint8_t> elements,
                                   std::span<uint16_t> indexes) = 0;
  virtual void quantize(const quant::Quantizer& q, uint64_t first, std::span<uint8_t> elements) = 0;
  virtual void dequantize(const quant::Levels& levels, uint64_t first,
                          std::span<const uint16_t> indexes, std::span<uint8_t> elements) = 0;
  // On the CPU in any case: few steps a row, in order.
  virtual void constrain_means(const quant::Quantizer& q, uint64_t first, uint32_t columns,
                               std::span<const uint8_t> original, std::span<uint16_t> indexes) = 0;

  virtual void count_high(cpu::MagnitudeSelect& select, ElementType type,
                          std::span<const uint8_t> elements) = 0;
  virtual void count_low(cpu::MagnitudeSelect& select, ElementType type,
                         std::span<const uint8_t> elements) = 0;
  virtual uint64_t prune_edges(ElementType type, cpu::MagnitudeSelect::Cut& cut,
                               std::span<uint8_t> elements) = 0;
  virtual std::vector<double> row_norms(ElementType type, std::span<const uint8_t> elements,
                                        uint64_t columns) = 0;
  virtual void prune_two_of_four(ElementType type, std::span<uint8_t> elements,
                                 uint64_t columns) = 0;

  quant::Distribution distribution(ElementType type, std::span<const uint8_t> elements) {
    cpu::DistributionCounter counter(type);
    count(counter, type, elements);
    return counter.finish();
  }
};

// threads: 0 for as many as the machine has.
std::unique_ptr<QuantizeLoops> make_cpu_quantize_loops(int threads);

struct QuantizeDeviceOptions {
  uint64_t piece = uint64_t{64} << 20;  // bytes at once; device memory is 3 times that and 24 MiB
  uint64_t least = uint64_t{1} << 20;   // fewer elements are left to the CPU
  uint32_t ctas = 132;                  // of kernels that fill a multiprocessor each
  int threads = 0;                      // for what is left to the CPU
};
// Null if the build has no CUDA, or no device answers; `why` then says so in one line.
std::unique_ptr<QuantizeLoops> make_cuda_quantize_loops(int device, std::string& why,
                                                        const QuantizeDeviceOptions& options = {});
}  // namespace gramzip
