// SPDX-License-Identifier: Apache-2.0
#include "host/engine/quantized_source.h"

#include <algorithm>
#include <cstring>

namespace gramzip {
void apply_patches(std::span<const zip::Patch> patches, uint64_t at, uint8_t* p, size_t n) {
  auto i = std::upper_bound(patches.begin(), patches.end(), at,
                            [](uint64_t b, const zip::Patch& x) { return b < x.at + 4; });
  for (; i != patches.end() && i->at < at + n; ++i)
    for (size_t b = 0; b < 4; ++b)
      if (i->at + b >= at && i->at + b < at + n) p[i->at + b - at] = i->bytes[b];
}

QuantizedSource::QuantizedSource(RandomSource& file, std::vector<const QuantJob*> jobs,
                                 std::vector<zip::Patch> patches, bool blank)
    : file_(file), jobs_(std::move(jobs)), patches_(std::move(patches)), blank_(blank) {}

size_t QuantizedSource::read_at(uint64_t at, uint8_t* p, size_t n) {
  // Bytes between tensors in one piece, those of a tensor in its own pieces.
  size_t done = 0;
  auto job = std::upper_bound(jobs_.begin(), jobs_.end(), at, [](uint64_t b, const QuantJob* j) {
    return b < j->plan().tensor.end;
  });
  while (done < n) {
    const uint64_t from = at + done;
    while (job != jobs_.end() && (*job)->plan().tensor.end <= from) ++job;
    const uint64_t begin = job == jobs_.end() ? UINT64_MAX : (*job)->plan().tensor.begin;
    if (from < begin) {
      const auto want = static_cast<size_t>(std::min<uint64_t>(n - done, begin - from));
      const size_t got = file_.read_at(from, p + done, want);
      done += got;
      if (got < want) break;
      continue;
    }
    const QuantJob& j = **job;
    const uint64_t in_tensor = from - begin;
    const auto want = static_cast<size_t>(std::min<uint64_t>(n - done, j.bytes() - in_tensor));
    if (blank_) {
      std::memset(p + done, 0, want);
    } else {
      constexpr uint64_t kStep = 1u << 20;
      const uint64_t first = in_tensor / kStep, last = (in_tensor + want - 1) / kStep;
      uint8_t* const to = p + done;
      parallel_loop(static_cast<size_t>(last - first + 1), [&](size_t i) {
        const uint64_t b = std::max(in_tensor, (first + i) * kStep),
                       e = std::min(in_tensor + want, (first + i + 1) * kStep);
        j.make(b, {to + (b - in_tensor), static_cast<size_t>(e - b)});
      });
    }
    done += want;
  }
  apply_patches(patches_, at, p, done);
  return done;
}

size_t QuantizedSource::read(uint8_t* p, size_t n) {
  const size_t got = read_at(at_, p, n);
  at_ += got;
  return got;
}
}  // namespace gramzip
