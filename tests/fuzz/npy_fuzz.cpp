// SPDX-License-Identifier: Apache-2.0
// numpy arrays, beginning with good ones.
#include "tests/fuzz/checkpoint_fuzz.h"

extern "C" size_t LLVMFuzzerCustomMutator(uint8_t* data, size_t size, size_t most, unsigned seed) {
  static const auto samples = gramzip::test::samples_named(".npy");
  return gramzip::test::mutate_samples(samples, data, size, most, seed);
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  gramzip::test::check_checkpoint(data, size);
  return 0;
}
