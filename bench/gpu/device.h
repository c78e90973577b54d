// SPDX-License-Identifier: Apache-2.0
// The device, and what it copies in a second: the measure of every other speed.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

namespace gramzip::bench {
// Whether device 0 answers; else `why` says in one line what there is.
bool device_is_there(std::string& why);

struct Device {
  std::string name, compute;
  int sms, driver, runtime;
  uint64_t memory_bytes, free_bytes;
};
Device describe_device();

// Seconds of each of `runs` copies of `bytes` within device memory, by cudaMemcpyAsync or by a
// kernel of 16 bytes a thread.
std::vector<double> time_copies(uint64_t bytes, int runs, bool by_kernel);
}  // namespace gramzip::bench
