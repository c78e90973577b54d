// SPDX-License-Identifier: Apache-2.0
// Zip archives with tensors, beginning with good ones, and the same bytes as the data.pkl of a good
// archive, so that the pickle's scanner is reached whatever becomes of the zip.
#include "tests/fuzz/checkpoint_fuzz.h"

extern "C" size_t LLVMFuzzerCustomMutator(uint8_t* data, size_t size, size_t most, unsigned seed) {
  using namespace gramzip::test;
  if (seed % 128 == 1) {
    const std::string pickle = torch_pickle(
        {{"a.w", "FloatStorage", "0", {2, 3}, 6}, {"a.b", "HalfStorage", "1", {3}, 3, 1}},
        seed % 256 == 1);
    if (pickle.size() <= most) std::memcpy(data, pickle.data(), size = pickle.size());
  }
  static const auto npz = samples_named(".npz"), pt = samples_named(".pt");
  return mutate_samples(seed % 128 == 64 ? npz : pt, data, size, most, seed);
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace gramzip::test;
  check_checkpoint(data, size);
  if (size >= 2 && std::memcmp(data, "PK", 2) == 0) return 0;
  const std::string pickle(reinterpret_cast<const char*>(data), size);
  const std::string archive =
      torch_file(pickle, {{"0", std::string(24, 'a')}, {"1", "abcdefgh"}}).bytes();
  check_checkpoint(reinterpret_cast<const uint8_t*>(archive.data()), archive.size());
  return 0;
}
