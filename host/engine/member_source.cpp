// SPDX-License-Identifier: Apache-2.0
#include "host/engine/member_source.h"

#include <algorithm>
#include <cstring>

namespace gramzip {
namespace {
class VectorSink final : public Sink {
 public:
  explicit VectorSink(std::vector<uint8_t>& bytes) : bytes_(bytes) {}
  void write(std::span<const uint8_t> b) override {
    bytes_.insert(bytes_.end(), b.begin(), b.end());
  }

 private:
  std::vector<uint8_t>& bytes_;
};
}  // namespace

MemberSource::MemberSource(ArchiveReader& reader, const Member& member,
                           const DecompressOptions& options)
    : reader_(reader), start_(member.start), size_(member.size), options_(options) {
  options_.threads = 1;
  options_.progress = nullptr;
}

size_t MemberSource::read_at(uint64_t at, uint8_t* p, size_t n) {
  if (at >= size_) return 0;
  n = static_cast<size_t>(std::min<uint64_t>(n, size_ - at));
  const std::lock_guard lock(mutex_);
  for (size_t done = 0; done < n;) {
    const uint64_t content = start_ + at + done;
    const Piece& held = piece(content);
    const auto from = static_cast<size_t>(content - held.begin);
    const size_t take = std::min(n - done, held.bytes.size() - from);
    std::memcpy(p + done, held.bytes.data() + from, take);
    done += take;
  }
  return n;
}

const MemberSource::Piece& MemberSource::piece(uint64_t at) {
  const auto known = std::find_if(pieces_.begin(), pieces_.end(), [at](const Piece& x) {
    return at >= x.begin && at - x.begin < x.bytes.size();
  });
  if (known != pieces_.end()) {
    pieces_.splice(pieces_.begin(), pieces_, known);
    return pieces_.front();
  }
  pieces_.push_front(decode(at));
  kept_ += pieces_.front().bytes.size();
  while (pieces_.size() > 1 && (pieces_.size() > kMaxPieces || kept_ > kMaxBytes)) {
    kept_ -= pieces_.back().bytes.size();
    pieces_.pop_back();
  }
  return pieces_.front();
}

MemberSource::Piece MemberSource::decode(uint64_t at) {
  const size_t number = reader_.segment_at(at);
  const SegmentInfo& s = reader_.segments().at(number);
  const auto [known, fresh] = piece_bytes_.try_emplace(number, 0);
  if (fresh) {
    const SegmentHeader h = reader_.segment_header(number);
    const bool whole = h.codec == Codec::ngram || h.codec == Codec::reference;
    known->second = whole ? s.content_bytes : uint64_t{1} << h.block_log2;
  }
  const uint64_t bytes = known->second;
  const uint64_t from = (at - s.content_offset) / bytes * bytes;
  Piece out{s.content_offset + from, {}};
  VectorSink sink(out.bytes);
  reader_.read(out.begin, std::min(out.begin + bytes, s.content_offset + s.content_bytes), sink,
               options_);
  return out;
}

std::optional<Checkpoint> member_checkpoint(ArchiveReader& reader, const Member& member,
                                            const DecompressOptions& options) {
  const bool promised = member.kind != MemberKind::plain;
  if (member.size == 0) return std::nullopt;
  if (!promised &&
      reader.segment_header(reader.segment_at(member.start)).type == ElementType::text)
    return std::nullopt;
  std::optional<Checkpoint> found;
  try {
    MemberSource file(reader, member, options);
    found = read_checkpoint(file);
  } catch (const Error& e) {
    if (promised || e.code() != ErrorCode::corrupt) throw;
  }
  if (promised && !found)
    fail(ErrorCode::corrupt, "member '" + member.name + "': holds no tensors, though it should");
  if (found)
    for (Tensor& t : found->tensors) t.begin += member.start, t.end += member.start;
  return found;
}
}  // namespace gramzip
