// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "host/engine/buffer_pool.h"
#include "host/engine/engine.h"
#include "host/engine/pipeline.h"
#include "host/engine/window_writer.h"

namespace gramzip {
namespace {
// What travels through the pipeline: as many segments as the backend likes at a time.
struct Batch {
  std::vector<Part> parts;
  std::vector<CodedPart> coded;
};

// Text with a model is coded twice: order-0 costs a percent of what the parser does, and the writer
// chooses by real sizes.
void encode(Backend& backend, Batch& batch, uint8_t effort, BufferPool& coded) {
  std::vector<SegmentInput> inputs;
  for (const Part& p : batch.parts) {
    const Chunk& c = p.chunk;
    if (c.content.empty()) continue;
    inputs.push_back({c.type, c.content, nullptr, effort});
    if (p.model && c.type == ElementType::text)
      inputs.push_back({c.type, c.content, p.model->model.get(), effort});
  }
  std::vector<EncodedSegment> out(inputs.size());
  for (EncodedSegment& s : out) s.data = coded.take();
  if (!inputs.empty()) backend.encode(inputs, out);
  size_t at = 0;
  for (Part& p : batch.parts) {
    CodedPart& c = batch.coded.emplace_back();
    c.members = std::move(p.chunk.members);
    c.model = std::move(p.model);
    c.window_end = p.window_end;
    if (p.chunk.content.empty()) continue;
    c.any = true;
    c.plain = std::move(out[at++]);
    if (at < inputs.size() && inputs[at].text != nullptr) c.text = std::move(out[at++]);
  }
}

void check(const CompressOptions& options) {
  if (options.level < kLeastLevel || options.level > kMostLevel)
    fail(ErrorCode::invalid_argument, "the level is not 1 to 9");
  for (const ModelPtr& m : options.models)
    if (!m) fail(ErrorCode::invalid_argument, "a model is null");
}
}  // namespace

ArchiveSummary compress(const NextMember& next, Sink& out, const CompressOptions& options) {
  check(options);
  std::unique_ptr<Backend> own;
  if (options.backend == nullptr) own = make_cpu_backend();
  Backend& backend = options.backend != nullptr ? *options.backend : *own;
  const uint32_t batch_size = std::max(1u, backend.preferred_batch());

  ArchiveSummary summary;
  BufferPool contents, coded;
  Splitter splitter(next, options);
  Windows windows(splitter, options, backend, contents);
  frame::ArchiveWriter writer(out, options.models.empty() ? 0 : frame::kFeatureModels);
  WindowWriter window_writer(writer, coded, summary);
  run_pipeline<Batch>(
      options.threads,
      [&]() -> std::unique_ptr<Batch> {
        auto batch = std::make_unique<Batch>();
        while (batch->parts.size() < batch_size) {
          // A batch does not wait for a window to be trained.
          if (!batch->parts.empty() && batch->parts.back().model && !windows.ready()) break;
          Part part;
          if (!windows.next(part)) break;
          batch->parts.push_back(std::move(part));
        }
        return batch->parts.empty() ? nullptr : std::move(batch);
      },
      [&](Batch& batch) {
        encode(backend, batch, static_cast<uint8_t>(options.level), coded);
        for (Part& p : batch.parts) contents.give(std::move(p.chunk.content));
      },
      [&](Batch& batch) {
        for (CodedPart& p : batch.coded) {
          window_writer.take(std::move(p));
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
