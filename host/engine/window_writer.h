// SPDX-License-Identifier: Apache-2.0
// Writes coded segments in order. Each segment of text takes the smaller of its two codings; those
// of a window are held back until they save more than the section of their model costs, and if they
// never do, the window is written without it.
#pragma once
#include <deque>
#include <unordered_map>
#include <vector>

#include "host/engine/buffer_pool.h"
#include "host/engine/windows.h"
#include "host/frame/writer.h"

namespace gramzip {
// A segment after coding. The chunk's content is no longer needed.
struct CodedPart {
  std::vector<frame::MemberRecord> members;
  std::shared_ptr<const WindowModel> model;
  bool window_end = true;
  bool any = false;                    // it has content
  bool twin = false;                   // later parts may refer to it
  EncodedSegment plain;                // without a model
  std::optional<EncodedSegment> text;  // with the window's
};

class WindowWriter {
 public:
  WindowWriter(frame::ArchiveWriter& out, BufferPool& coded, ArchiveSummary& summary,
               const std::function<void(const CompressOptions::Written&)>& written)
      : out_(out), coded_(coded), summary_(summary), written_(written) {}
  void take(CodedPart part);

 private:
  void write(CodedPart& part);
  void flush();
  bool in_archive(const WindowModel& m) const;
  void write_model(const WindowModel& m);
  void settle_reference(SegmentHeader& h, bool twin);

  frame::ArchiveWriter& out_;
  BufferPool& coded_;
  ArchiveSummary& summary_;
  const std::function<void(const CompressOptions::Written&)>& written_;
  std::deque<Hash128> sections_;  // ids of the last model sections
  // Content that stands in the base, where later segments may refer to it, and where it stands.
  std::unordered_map<uint64_t, uint64_t> based_;
  std::vector<CodedPart> held_;
  uint64_t saved_ = 0;    // by the window's model, so far
  bool decided_ = false;  // the window's model is in use
};
}  // namespace gramzip
