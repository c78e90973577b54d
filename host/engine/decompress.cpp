// SPDX-License-Identifier: Apache-2.0
#include "host/engine/assembler.h"
#include "host/engine/buffer_pool.h"
#include "host/engine/decode_blocks.h"
#include "host/engine/earlier_segments.h"
#include "host/engine/pipeline.h"

namespace gramzip {
using frame::SectionType;

ArchiveSummary decompress(Source& archive, MemberSink& out, const DecompressOptions& options) {
  std::unique_ptr<Backend> own;
  if (options.backend == nullptr) own = make_cpu_backend();
  Backend& backend = options.backend != nullptr ? *options.backend : *own;

  frame::StreamReader reader(archive);
  Assembler assembler(reader, out, options);
  BufferPool bodies, contents;
  // Index and trailer are read by the consumer, when all before them has been decoded; so
  // production stops at an index and the next archive starts a run of its own.
  while (reader.next_archive()) {
    DecodeItem begin;
    begin.archive_begin = true;
    // Before anything is written: what the archive needs, and whether it is the right one.
    const BasePtr base = require_base(reader.header(), options);
    EarlierSegments earlier(reader.header(), options.archive,
                            reader.total_bytes() - reader.archive_bytes());
    assembler.take(begin);
    bool at_index = false;
    uint64_t end = assembler.content_bytes();  // of the segments read
    auto in_reach = std::make_shared<const ModelSlots>();
    run_pipeline<DecodeItem>(
        options.threads,
        [&]() -> std::unique_ptr<DecodeItem> {
          if (at_index) return nullptr;
          auto item = std::make_unique<DecodeItem>();
          item->section = reader.next_section(bodies.take());
          item->where = frame::place_of(item->section.header, item->section.offset);
          const SectionType type = item->section.header.type;
          at_index = type == SectionType::index;
          if (type == SectionType::model) {
            item->model = std::make_shared<ModelSlot>(item->section.parts.meta, item->where);
            ModelSlots slots = *in_reach;
            slots.push_back(item->model);
            if (slots.size() > frame::kModelsInReach) slots.erase(slots.begin());
            in_reach = std::make_shared<const ModelSlots>(std::move(slots));
          }
          item->in_reach = in_reach;
          if (type == SectionType::segment) {
            earlier.add(item->section);
            // Places go by what segments claim, one behind the other, so they never overlap.
            // A claim beyond the format's limit is refused when its turn comes.
            const uint64_t n = frame::claimed_bytes(item->section.parts.meta);
            if (n > kMaxSegmentBytes) return item;
            if (end + n <= options.max_output) item->content = out.place(end, n);
            end += n;
          }
          return item;
        },
        [&](DecodeItem& item) {
          // Its errors are its own, also where no segment uses it.
          if (item.model) item.model->get();
          if (item.section.header.type != SectionType::segment) return;
          const frame::SectionBody& parts = item.section.parts;
          item.meta = frame::load_segment_meta(parts.meta, parts.data.size(), item.where);
          frame::check_block_padding(item.meta, parts.data, item.where);
          const ModelPtr model = find_model(item.meta, *item.in_reach, reader.header().features,
                                            options.models, item.where);
          if (item.content.empty()) {
            item.buffer = contents.take();
            item.buffer.resize(item.meta.header.decoded_bytes);
            item.content = item.buffer;
          }
          if (item.meta.header.codec == Codec::reference) {
            decode_reference(
                {item.meta, item.section.header.content_offset, reader.header(), item.where},
                [&](uint64_t at) { return earlier.find(at); }, base.get(), backend, item.content);
            return;
          }
          const uint32_t blocks = item.meta.header.blocks;
          decode_blocks(backend, item.meta.view(parts.data, model.get()), 0, blocks, item.content,
                        base_of_blocks(item.meta, 0, blocks, base.get(), item.where), item.where);
        },
        [&](DecodeItem& item) {
          assembler.take(item);
          bodies.give(std::move(item.section.body));
          if (!item.buffer.empty()) contents.give(std::move(item.buffer));
        });
  }
  return assembler.finish();
}
}  // namespace gramzip
