// SPDX-License-Identifier: Apache-2.0
#include "host/engine/window_writer.h"

#include <algorithm>

#include "host/frame/segment_meta.h"

namespace gramzip {
bool WindowWriter::in_archive(const WindowModel& m) const {
  return m.bytes == nullptr ||
         std::find(sections_.begin(), sections_.end(), m.model->id()) != sections_.end();
}

void WindowWriter::write_model(const WindowModel& m) {
  if (in_archive(m)) return;
  out_.model(*m.bytes);
  ++summary_.models;
  sections_.push_back(m.model->id());
  if (sections_.size() > frame::kModelsInReach) sections_.pop_front();
}

// A reference to what is itself one, to the base, becomes the same.
void WindowWriter::settle_reference(SegmentHeader& h, bool twin) {
  if (h.codec != Codec::reference) return;
  ++summary_.references;
  if (h.of_base && twin) based_.emplace(out_.content_bytes(), h.reference_at);
  if (h.of_base) return;
  const auto based = based_.find(h.reference_at);
  if (based == based_.end()) return;
  h.of_base = true;
  h.reference_at = based->second;
}

void WindowWriter::write(CodedPart& p) {
  out_.members(p.members);
  if (!p.any) return;
  EncodedSegment& s = p.text ? *p.text : p.plain;
  for (const BlockRecord& r : s.records) ++summary_.blocks[static_cast<size_t>(r.mode)];
  if (p.text) ++summary_.ngram_segments;
  settle_reference(s.header, p.twin);
  const uint64_t content = out_.content_bytes(), archive = out_.archive_bytes();
  out_.segment(s);
  if (written_)
    written_({content, out_.content_bytes() - content, out_.archive_bytes() - archive,
              s.header.codec == Codec::reference});
  coded_.give(std::move(p.plain.data));
  if (p.text) coded_.give(std::move(p.text->data));
}

void WindowWriter::flush() {
  for (CodedPart& p : held_) write(p);
  held_.clear();
}

void WindowWriter::take(CodedPart p) {
  if (p.text) {
    const uint64_t with = frame::segment_section_bytes(*p.text),
                   without = frame::segment_section_bytes(p.plain);
    if (with < without) {
      saved_ += without - with;
    } else {
      coded_.give(std::move(p.text->data));
      p.text.reset();
    }
  }
  const std::shared_ptr<const WindowModel> model = p.model;
  const bool end = p.window_end;
  held_.push_back(std::move(p));
  if (model && !decided_) {
    const uint64_t cost = in_archive(*model) ? 0 : frame::model_section_bytes(model->bytes->size());
    if (saved_ > cost) {
      decided_ = true;
      write_model(*model);
    } else if (end) {
      for (CodedPart& h : held_) h.text.reset();
    }
  }
  if (!model || decided_ || end) flush();
  if (!end) return;
  saved_ = 0;
  decided_ = false;
}
}  // namespace gramzip
