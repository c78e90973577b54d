// SPDX-License-Identifier: Apache-2.0
#include "host/engine/apply_delta.h"

#include <atomic>

#include "host/engine/base.h"
#include "host/engine/pipeline.h"

namespace gramzip {
namespace {
// What needs no byte of the buffer.
void check_before(const ArchiveReader& reader, uint64_t size) {
  if (reader.headers().size() != 1 || !reader.headers()[0].has(frame::kFeatureDelta))
    fail(ErrorCode::invalid_argument, "archive header: not one archive that is a delta");
  if (reader.content_bytes() != size)
    fail(ErrorCode::invalid_argument, "the delta makes " + std::to_string(reader.content_bytes()) +
                                          " bytes, the buffer has " + std::to_string(size));
  for (size_t i = 0; i < reader.segments().size(); ++i) {
    const SegmentHeader h = reader.segment_header(i);
    const bool refers =
        h.codec == Codec::reference || h.codec == Codec::delta || h.codec == Codec::sparse_delta;
    if (refers && (!h.of_base || h.reference_at != reader.segments()[i].content_offset))
      fail(ErrorCode::unsupported, "segment " + std::to_string(i) +
                                       ": refers to another place, so the delta cannot be "
                                       "applied in place; decompress it");
    reader.check_coded(i);
  }
}
}  // namespace

void apply_delta(std::shared_ptr<RandomSource> delta, std::shared_ptr<RandomBuffer> buffer,
                 const DecompressOptions& options) {
  ArchiveReader reader(std::move(delta));
  check_before(reader, buffer->size());
  std::unique_ptr<Backend> own;
  if (options.backend == nullptr) own = make_cpu_backend();
  DecompressOptions decode = options;
  if (own) decode.backend = own.get();
  const BasePtr base = Base::of_file(buffer, "");
  decode.find_base = [&base](const frame::ContentId&) { return base; };
  require_base(reader.headers()[0], decode);

  // A segment reads the base only where it stands, and what it becomes is written by the same
  // thread: no two threads touch a byte.
  struct Item {
    size_t segment;
  };
  size_t next = 0;
  std::atomic<bool> changed{false};
  try {
    run_pipeline<Item>(
        options.threads,
        [&]() -> std::unique_ptr<Item> {
          if (next == reader.segments().size()) return nullptr;
          return std::make_unique<Item>(Item{next++});
        },
        [&](Item& item) {
          const std::vector<uint8_t> content = reader.decode(item.segment, decode);
          const SegmentInfo& s = reader.segments()[item.segment];
          if (reader.segment_header(item.segment).codec == Codec::reference) return;  // the same
          changed = true;
          buffer->write_at(s.content_offset, content);
        },
        [&](Item& item) {
          const SegmentInfo& s = reader.segments()[item.segment];
          if (options.progress) options.progress(s.content_offset + s.content_bytes);
        });
    if (!(Base::of_file(buffer, "")->hash() == reader.content_hash()))
      fail(ErrorCode::corrupt, "trailer: the hash of the content does not match");
  } catch (const std::exception& e) {
    if (!changed) throw;
    fail(ErrorCode::buffer_changed,
         std::string("the buffer holds neither base nor content: ") + e.what());
  }
}
}  // namespace gramzip
