// SPDX-License-Identifier: Apache-2.0
// Floor 4: whole archives. Compress members into an archive, decompress one, read parts of one.
// Memory is bounded (docs/architecture.md): a window of text, (threads + 2) segments in flight and
// 48 bytes of index a section.
#pragma once
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "host/backend/backend.h"
#include "host/base/checksum.h"
#include "host/base/error.h"
#include "host/base/io.h"
#include "host/engine/plan_runs.h"
#include "host/engine/train_model.h"
#include "host/formats/checkpoint.h"
#include "host/frame/sections.h"
#include "host/frame/segment_meta.h"
#include "host/model/text_model.h"

namespace gramzip {
class Base;  // host/engine/base.h
using BasePtr = std::shared_ptr<Base>;

// How content is looked at. `automatic` goes by content: a checkpoint is split by tensor; anything
// else is text or bytes, segment by segment.
enum class ContentMode { automatic, text, weights, bytes };

struct Member {
  std::string name;  // relative, '/'-separated; empty: a pipe
  uint32_t mode = 0644;
  MemberKind kind = MemberKind::plain;
  uint64_t start = 0;  // in the content of its archive
  uint64_t size = 0;   // known at the end of the member
  Hash128 hash;        // XXH3-128, known at the end
};

// Called now and then with bytes of content done; may throw Error(cancelled).
using Progress = std::function<void(uint64_t content_bytes)>;

using ModelPtr = std::shared_ptr<const model::TextModel>;
// Pieces of text to a model; the same at any thread count.
using TrainFunction = std::function<model::NgramModel(std::span<const std::span<const uint8_t>>,
                                                      const TrainOptions&)>;

inline constexpr int kLeastLevel = 1, kMostLevel = 9, kDefaultLevel = 6;

struct CompressOptions {
  int threads = 0;            // 0: one a core
  int level = kDefaultLevel;  // 1 to 9: sizes of segments and windows of text, effort of the parser
  // Models that the archive names and does not hold. With any, none is trained. They must outlive
  // the call.
  std::span<const ModelPtr> models;
  bool lines_aligned = false;  // segments of text end at line ends (docs/cli.md)
  uint64_t sample_bytes = 0;   // of a window, for training; 0: by level
  TrainFunction train = train_model;
  ContentMode mode = ContentMode::automatic;
  bool fast = false;  // weights are coded for fast decoding
  // Members may refer to content of earlier members, and the header says so from the start. Else
  // only the first member is searched for tensors that it holds twice.
  bool across_members = false;
  BasePtr base;                // what deltas are coded against; decoding needs it too
  Backend* backend = nullptr;  // null: the CPU backend
  Progress progress;
  std::function<void(const std::string&)> warn;  // one line, no newline
  // The archive is lossy and ends with this note, asked for when all segments are written.
  std::function<std::string()> note;
  // Called for each segment as it is written, in order.
  struct Written {
    uint64_t content_offset, content_bytes, section_bytes;
    bool reference;
  };
  std::function<void(const Written&)> written;
};

struct ArchiveSummary {
  uint64_t content_bytes = 0;
  uint64_t archive_bytes = 0;
  uint64_t members = 0;
  uint64_t segments = 0;
  uint64_t ngram_segments = 0;  // of codec ngram
  uint64_t models = 0;          // that the archive holds
  uint64_t references = 0;      // segments that stand for earlier content or for the base's
  uint64_t blocks[5] = {};      // by BlockMode
  Hash128 hash;                 // of the content
  bool lossy = false;           // the content is not what the writer was given (feature 0)
};

struct MemberInput {
  std::string name;
  uint32_t mode = 0644;
  Source* source = nullptr;  // read to its end before the next member is asked for
  // The same bytes, if they can be read anywhere, before they were quantized. Without it only safetensors files are known as
  // checkpoints and no tensor is stored as a reference to another.
  RandomSource* random = nullptr;
  // The member is an array of this type, whatever it begins with.
  std::optional<ElementType> type = std::nullopt;
  const QuantizedTensors* quantized = nullptr;  // tensors that were quantized
};
// Fills in the next member; false when there is none.
using NextMember = std::function<bool(MemberInput&)>;

// Writes one archive of all members to `out`, front to back. Throws Error; `out` is then
// incomplete.
ArchiveSummary compress(const NextMember& next, Sink& out, const CompressOptions& options);

// Receives decoded members in order.
class MemberSink {
 public:
  virtual ~MemberSink() = default;
  virtual void begin(const Member& member) = 0;  // name, mode, kind, start
  virtual void write(std::span<const uint8_t> bytes) = 0;
  // Memory for the n bytes from byte `at` of all content on, if they may be decoded to where
  // write() would put them; write() is then given that memory. Empty: they may not. Called ahead of
  // write(), by any thread, never twice for a byte; after an error the memory holds anything.
  virtual std::span<uint8_t> place(uint64_t at, size_t n) {
    static_cast<void>(at), static_cast<void>(n);
    return {};
  }
  // The member is complete and its hash and every check up to it hold. Later damage still throws.
  virtual void end(const Member& member) = 0;
};

struct DecompressOptions {
  int threads = 0;
  Backend* backend = nullptr;
  Progress progress;
  std::span<const ModelPtr> models;  // for archives that name models they do not hold
  uint64_t max_output = UINT64_MAX;  // Error(limit) before a byte more is written
  // The base that an archive needs, by size and hash, which are checked; null if it is not known.
  // Asked before anything of the archive is written.
  std::function<BasePtr(const frame::ContentId&)> find_base;
  // decompress(): the archive's bytes, if they can be read anywhere; used for what its segments
  // refer to. Else such archives are kept meanwhile, up to 64 MiB in memory, more in a file.
  RandomSource* archive = nullptr;
};

// Decodes one or more concatenated archives. The errors name the block: "segment 12 (content offset
// 12582912), block 3: the hash of its coded bytes does not match".
ArchiveSummary decompress(Source& archive, MemberSink& out, const DecompressOptions& options);

// What the index says of one section of an archive, for listing.
struct SegmentInfo {
  uint64_t archive_offset;
  uint64_t section_bytes;
  uint64_t content_offset;
  uint64_t content_bytes;
};

// Random access through the index. Concatenated archives are one content: members and offsets go
// on.
class ArchiveReader {
 public:
  explicit ArchiveReader(std::shared_ptr<RandomSource> source);
  ~ArchiveReader();
  const std::vector<Member>& members() const;
  const std::vector<SegmentInfo>& segments() const;
  uint64_t content_bytes() const;
  uint64_t archive_bytes() const;
  // Of one archive as its trailer has it, unchecked; of several none.
  std::optional<Hash128> content_hash() const;
  // Of the archives in order.
  const std::vector<frame::ArchiveHeader>& headers() const;
  // The text of its first note (docs/format.md, 16.1), or empty. Throws Error(corrupt) if it is
  // damaged.
  std::string note() const;
  // The segment that holds that byte of the content, or their number.
  size_t segment_at(uint64_t content_offset) const;
  // Decodes content bytes [begin, end) and nothing beyond the blocks that hold them, with codec
  // ngram and those before them in their segment.
  void read(uint64_t begin, uint64_t end, Sink& out, const DecompressOptions& options);
  // All of one segment, by the calling thread; may be called by several at once.
  std::vector<uint8_t> decode(size_t segment, const DecompressOptions& options);
  // Compares the hashes of a segment's coded blocks; throws Error(corrupt).
  void check_coded(size_t segment) const;
  uint64_t blocks_decoded() const;  // by all reads so far
  // Codec, element type and model of a segment, from its meta.
  SegmentHeader segment_header(size_t segment) const;
  // All that its meta says, checked, and where its data begins in the file.
  struct SegmentPlace {
    frame::SegmentMeta meta;
    uint64_t data_at;
    std::string where;  // for messages
  };
  SegmentPlace segment_place(size_t segment) const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};
}  // namespace gramzip
