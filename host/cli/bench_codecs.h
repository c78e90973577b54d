// SPDX-License-Identifier: Apache-2.0
// What `gramzip bench` measures: gramzip and its peers, memory to memory.
#pragma once
#include <functional>

#include "host/cli/options.h"

namespace gramzip::cli {
using Bytes = std::vector<uint8_t>;

struct BenchCodec {
  std::string name;
  int threads;
  // Replaces the output's content. Memory of an earlier run is reused.
  std::function<void(const Bytes& in, Bytes& out)> compress;
  // The output has the decoded size already.
  std::function<void(const Bytes& in, Bytes& out)> decompress;
};

// gramzip at one thread and at all, then zstd and xz where the build has them. The models must
// outlive the codecs.
std::vector<BenchCodec> bench_codecs(const Options& o, Backend* backend,
                                     std::span<const ModelPtr> models);
// Bits of Shannon entropy per byte, bytes taken one by one.
double order0_entropy(const Bytes& bytes);
}  // namespace gramzip::cli
