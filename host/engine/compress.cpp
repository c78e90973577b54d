// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "host/engine/base.h"
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

EncodedSegment reference_to(const Chunk& c, uint64_t at, bool of_base) {
  const Hash128 hash = hash128(c.content);
  EncodedSegment s;
  s.header = make_reference_header(c.type, static_cast<uint32_t>(c.content.size()), at, of_base);
  s.header.model_low = hash.low;
  s.header.model_high = hash.high;
  return s;
}

// Text with a model is coded twice: order-0 costs a percent of what the parser does, and the writer
// chooses by real sizes.
void encode(Backend& backend, Batch& batch, const CompressOptions& options, BufferPool& coded) {
  const auto effort = static_cast<uint8_t>(options.level);
  std::vector<SegmentInput> inputs;
  std::vector<std::vector<uint8_t>> bases(batch.parts.size());
  std::vector<std::optional<EncodedSegment>> references(batch.parts.size());
  for (size_t i = 0; i < batch.parts.size(); ++i) {
    const Part& p = batch.parts[i];
    const Chunk& c = p.chunk;
    if (c.content.empty()) continue;
    if (c.earlier) {
      references[i] = reference_to(c, *c.earlier, false);
      continue;
    }
    SegmentInput in{c.type, c.content, nullptr, effort};
    in.period = c.period;
    in.fast = options.fast;
    in.levels = c.levels.get();
    in.first_element = c.first_element;
    if (c.base_at) {
      bases[i].resize(c.content.size());
      options.base->read(*c.base_at, bases[i]);
      if (bases[i] == c.content) {
        references[i] = reference_to(c, *c.base_at, true);
        continue;
      }
      // Text is coded by its own model, which differences would hide from it.
      if (c.type != ElementType::text) in.base = bases[i], in.base_at = *c.base_at;
    }
    inputs.push_back(in);
    if (p.model && c.type == ElementType::text) {
      in.text = p.model->model.get();
      inputs.push_back(in);
    }
  }
  std::vector<EncodedSegment> out(inputs.size());
  for (EncodedSegment& s : out) s.data = coded.take();
  if (!inputs.empty()) backend.encode(inputs, out);
  size_t at = 0;
  for (size_t i = 0; i < batch.parts.size(); ++i) {
    Part& p = batch.parts[i];
    CodedPart& c = batch.coded.emplace_back();
    c.members = std::move(p.chunk.members);
    c.model = std::move(p.model);
    c.window_end = p.window_end;
    if (p.chunk.content.empty()) continue;
    c.any = true;
    c.twin = p.chunk.twin;
    if (references[i]) {
      c.plain = std::move(*references[i]);
      continue;
    }
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
  frame::ArchiveHeader header;
  header.window = splitter.open();
  if (header.window > 0) header.features |= frame::kFeatureReferences;
  if (!options.models.empty()) header.features |= frame::kFeatureModels;
  if (options.base) {
    header.features |= frame::kFeatureDelta;
    header.base = options.base->id();
  }
  if (options.note) header.features |= frame::kFeatureLossy;
  frame::ArchiveWriter writer(out, header);
  WindowWriter window_writer(writer, coded, summary, options.written);
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
        encode(backend, batch, options, coded);
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
  if (options.note) writer.note(options.note());
  writer.finish(std::move(members), summary.hash);
  summary.content_bytes = writer.content_bytes();
  summary.archive_bytes = writer.archive_bytes();
  summary.segments = writer.segments();
  return summary;
}
}  // namespace gramzip
