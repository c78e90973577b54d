// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "host/engine/buffer_pool.h"
#include "host/engine/engine.h"
#include "host/engine/pipeline.h"
#include "host/engine/splitter.h"
#include "host/frame/writer.h"

namespace gramzip {
namespace {
// What travels through the pipeline: as many segments as the backend likes at a time.
struct Batch {
  std::vector<Chunk> chunks;
  std::vector<EncodedSegment> encoded;  // one a chunk with content
};

void encode(Backend& backend, Batch& batch, BufferPool& coded) {
  std::vector<SegmentInput> inputs;
  for (const Chunk& c : batch.chunks)
    if (!c.content.empty()) inputs.push_back({c.type, c.content});
  batch.encoded.resize(inputs.size());
  for (EncodedSegment& s : batch.encoded) s.data = coded.take();
  if (!inputs.empty()) backend.encode(inputs, batch.encoded);
}
}  // namespace

ArchiveSummary compress(const NextMember& next, Sink& out, const CompressOptions& options) {
  std::unique_ptr<Backend> own;
  if (options.backend == nullptr) own = make_cpu_backend();
  Backend& backend = options.backend != nullptr ? *options.backend : *own;
  const uint32_t batch_size = std::max(1u, backend.preferred_batch());

  ArchiveSummary summary;
  BufferPool contents, coded;
  Splitter splitter(next, options);
  frame::ArchiveWriter writer(out);
  run_pipeline<Batch>(
      options.threads,
      [&]() -> std::unique_ptr<Batch> {
        auto batch = std::make_unique<Batch>();
        while (batch->chunks.size() < batch_size) {
          Chunk chunk;
          chunk.buffer = contents.take();
          if (!splitter.next(chunk)) break;
          batch->chunks.push_back(std::move(chunk));
        }
        return batch->chunks.empty() ? nullptr : std::move(batch);
      },
      [&](Batch& batch) { encode(backend, batch, coded); },
      [&](Batch& batch) {
        size_t segment = 0;
        for (Chunk& c : batch.chunks) {
          writer.members(c.members);
          if (c.content.empty()) continue;
          EncodedSegment& s = batch.encoded[segment++];
          for (const BlockRecord& r : s.records) ++summary.blocks[static_cast<size_t>(r.mode)];
          writer.segment(s);
          coded.give(std::move(s.data));
          if (!c.buffer.empty()) contents.give(std::move(c.buffer));
          if (options.progress) options.progress(writer.content_bytes());
        }
      });

  summary.hash = splitter.content_hash();
  std::vector<frame::MemberEntry> members = splitter.take_members();
  summary.members = members.size();
  writer.finish(std::move(members), summary.hash);
  summary.content_bytes = writer.content_bytes();
  summary.archive_bytes = writer.archive_bytes();
  summary.segments = writer.segments();
  return summary;
}
}  // namespace gramzip
