// SPDX-License-Identifier: Apache-2.0
// A device that counts n-grams for cpu::NgramCounter.
#pragma once
#include <memory>
#include <string>

#include "host/cpu/ngram_count.h"

namespace gramzip {
struct NgramDeviceOptions {
  uint32_t table_log2 = 25;             // slots of the table; 28 bytes of device memory each
  uint64_t batch = uint64_t{16} << 20;  // bytes at once: n-grams that the table is sure to take
};
// Null if the build has no CUDA, or no device answers; `why` then says so in one line.
std::unique_ptr<cpu::NgramAccelerator> make_ngram_device(int device, std::string& why,
                                                         const NgramDeviceOptions& options = {});
}  // namespace gramzip
