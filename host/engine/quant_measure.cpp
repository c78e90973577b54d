// SPDX-License-Identifier: Apache-2.0
#include "host/engine/quant_measure.h"

#include <algorithm>

#include "host/engine/plan_runs.h"
#include "host/frame/segment_meta.h"

namespace gramzip {
namespace {
struct Unit {
  size_t job, segment;
  uint64_t begin, bytes;  // in its tensor
};
// Segments begin where sums of errors may.
static_assert(kQuantizedSegment % (8 * ErrorSums::kPieceElements) == 0);
}  // namespace

std::vector<Measured> QuantMeasure::run(std::span<const QuantJob* const> jobs,
                                        std::span<const std::vector<bool>* const> references) {
  std::vector<Unit> units;
  for (size_t j = 0; j < jobs.size(); ++j)
    for (uint64_t at = 0; at < jobs[j]->bytes(); at += kQuantizedSegment)
      units.push_back({j, static_cast<size_t>(at / kQuantizedSegment), at,
                       std::min<uint64_t>(kQuantizedSegment, jobs[j]->bytes() - at)});
  std::vector<Measured> out(jobs.size());
  std::vector<ErrorSums> sums(jobs.size());
  // Sums of a segment take half a MiB, so they are added up a few at a time, in order.
  const size_t batch = std::max<size_t>(1, backend_.preferred_batch());
  const size_t round = batch * workers_.size() * 2;
  for (size_t first = 0; first < units.size(); first += round) {
    const size_t n = std::min(round, units.size() - first);
    std::vector<ErrorSums> parts(n);
    std::vector<uint64_t> bytes(n, 0);
    workers_.run((n + batch - 1) / batch, [&](size_t b, size_t) {
      const size_t begin = b * batch, end = std::min(n, begin + batch);
      std::vector<std::vector<uint8_t>> contents;
      std::vector<SegmentInput> inputs;
      std::vector<size_t> of;
      std::vector<uint8_t> original;
      contents.reserve(end - begin);
      for (size_t i = begin; i < end; ++i) {
        const Unit& u = units[first + i];
        const QuantJob& job = *jobs[u.job];
        std::vector<uint8_t>& content = contents.emplace_back(u.bytes);
        original.resize(u.bytes);
        job.read(u.begin, original);
        job.make(u.begin, content);
        parts[i].add(original, content, job.type());
        const std::vector<bool>* refs = references[u.job];
        if (refs != nullptr && u.segment < refs->size() && (*refs)[u.segment]) continue;
        if (!job.quantizer) continue;  // coded with what lies beside it
        SegmentInput in{job.type(), content};
        in.levels = &job.quantizer->levels;
        in.first_element = u.begin / job.element_bytes();
        inputs.push_back(in);
        of.push_back(i);
      }
      std::vector<EncodedSegment> coded(inputs.size());
      if (!inputs.empty()) backend_.encode(inputs, coded);
      for (size_t i = 0; i < coded.size(); ++i)
        bytes[of[i]] = frame::segment_section_bytes(coded[i]);
    });
    for (size_t i = 0; i < n; ++i) {
      const size_t j = units[first + i].job;
      sums[j].merge(parts[i]);
      out[j].section_bytes += bytes[i];
    }
  }
  for (size_t j = 0; j < jobs.size(); ++j) out[j].figures = sums[j].figures();
  return out;
}

ErrorFigures QuantMeasure::unchanged(const QuantJob& job) {
  ErrorSums sums;
  std::vector<uint8_t> part;
  for (uint64_t at = 0; at < job.bytes(); at += part.size()) {
    part.resize(static_cast<size_t>(std::min<uint64_t>(1u << 22, job.bytes() - at)));
    job.read(at, part);
    sums.add(part, part, job.type());
  }
  return sums.figures();
}
}  // namespace gramzip
