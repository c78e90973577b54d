// SPDX-License-Identifier: Apache-2.0
// gramzip list: the members of an archive from its index; under -v its segments and tensors.
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "host/cli/bases.h"
#include "host/cli/files.h"
#include "host/cli/models.h"
#include "host/cli/options.h"
#include "host/cli/tensors.h"

namespace gramzip::cli {
namespace {
using nlohmann::ordered_json;

// The share of the archive that carries content [begin, end): of each segment what its bytes take
// in proportion.
uint64_t compressed_share(const std::vector<SegmentInfo>& segments, uint64_t begin, uint64_t end) {
  auto s = std::upper_bound(
      segments.begin(), segments.end(), begin,
      [](uint64_t b, const SegmentInfo& x) { return b < x.content_offset + x.content_bytes; });
  double sum = 0;
  for (; s != segments.end() && s->content_offset < end; ++s) {
    const uint64_t from = std::max(begin, s->content_offset);
    const uint64_t to = std::min(end, s->content_offset + s->content_bytes);
    sum += static_cast<double>(s->section_bytes) * static_cast<double>(to - from) /
           static_cast<double>(s->content_bytes);
  }
  return static_cast<uint64_t>(sum + 0.5);
}

const char* kind_text(MemberKind k) {
  switch (k) {
    case MemberKind::safetensors:
      return "safetensors";
    case MemberKind::npy:
      return "npy";
    case MemberKind::zip:
      return "zip";
    case MemberKind::gguf:
      return "gguf";
    case MemberKind::plain:
      break;
  }
  return "plain";
}

const char* codec_text(Codec c) {
  switch (c) {
    case Codec::bytes:
      return "bytes";
    case Codec::floats:
      return "floats";
    case Codec::ngram:
      return "ngram";
    case Codec::exact_floats:
      return "exact";
    case Codec::quantized:
      return "quantized";
    case Codec::reference:
      return "same";
    case Codec::planes:
      return "planes";
    case Codec::fast_floats:
      return "fast";
    case Codec::delta:
      return "delta";
    case Codec::sparse_delta:
      return "sparse";
  }
  return "";
}

// The hash of a segment's model; empty if it has none.
std::string model_text(const SegmentHeader& h) {
  return h.codec == Codec::ngram ? Hash128{h.model_low, h.model_high}.hex() : "";
}

// What a segment needs: a model, earlier content, a part of the base.
std::string needs_text(const SegmentHeader& h) {
  const bool refers =
      h.codec == Codec::reference || h.codec == Codec::delta || h.codec == Codec::sparse_delta;
  if (!refers) return model_text(h);
  return fmt::format("{} {}", h.of_base ? "base" : "content", h.reference_at);
}

std::string ratio_text(uint64_t content, uint64_t archive) {
  return archive == 0 ? "-" : fmt::format("{:.3f}", ratio(content, archive));
}

class Listing {
 public:
  Listing(Options& o, const std::string& path, const DecompressOptions& decode)
      : o_(o), path_(path), decode_(decode), reader_(std::make_shared<FileRandomSource>(path)) {
    for (const frame::ArchiveHeader& h : reader_.headers()) {
      if (h.has(frame::kFeatureDelta)) bases_.push_back(h.base);
      // Their names may lie in the base.
      tensors_ = tensors_ && (!h.has(frame::kFeatureDelta) || decode.find_base(h.base) != nullptr);
    }
    tensors_ = tensors_ && o.console.verbose();
    if (!tensors_ && o.console.verbose())
      o.console.note(shown(path) + ": --base FILE or --base-dir DIR lists the tensors too");
  }

  void print_text() {
    print(fmt::format("{}: {} member{}, {} in {}, ratio {}\n", shown(path_),
                      reader_.members().size(), reader_.members().size() == 1 ? "" : "s",
                      size_text(reader_.content_bytes()), size_text(reader_.archive_bytes()),
                      ratio_text(reader_.content_bytes(), reader_.archive_bytes())));
    for (const frame::ContentId& base : bases_)
      print(fmt::format("a delta against a base of {}\n", describe_content(base)));
    print(fmt::format("{:>12} {:>12} {:>7}  {:<11}  {:<32}  {}\n", "size", "compressed", "ratio",
                      "kind", "xxh3-128", "name"));
    for (const Member& m : reader_.members()) {
      const uint64_t share = share_of(m.start, m.start + m.size);
      print(fmt::format("{:>12} {:>12} {:>7}  {:<11}  {:<32}  {}\n", m.size, share,
                        ratio_text(m.size, share), kind_text(m.kind), m.hash.hex(),
                        m.name.empty() ? "(no name)" : shown(m.name)));
      if (tensors_ && m.kind != MemberKind::plain) print_tensors(m);
    }
    if (o_.console.verbose()) print_segments();
  }

  ordered_json json() {
    ordered_json j;
    j["archive"] = path_;
    j["content_bytes"] = reader_.content_bytes();
    j["archive_bytes"] = reader_.archive_bytes();
    j["ratio"] = ratio(reader_.content_bytes(), reader_.archive_bytes());
    if (!bases_.empty()) {
      j["bases"] = ordered_json::array();
      for (const frame::ContentId& base : bases_)
        j["bases"].push_back({{"bytes", base.bytes}, {"hash", base.hash.hex()}});
    }
    j["segment_count"] = reader_.segments().size();
    j["members"] = ordered_json::array();
    for (const Member& m : reader_.members()) {
      ordered_json e;
      e["name"] = m.name;
      e["kind"] = kind_text(m.kind);
      e["mode"] = fmt::format("{:04o}", m.mode);
      e["start"] = m.start;
      e["size"] = m.size;
      e["compressed"] = share_of(m.start, m.start + m.size);
      e["hash"] = m.hash.hex();
      if (tensors_ && m.kind != MemberKind::plain) {
        e["tensors"] = ordered_json::array();
        for (const safetensors::Tensor& t : member_tensors(reader_, m, decode_))
          e["tensors"].push_back({{"name", t.name},
                                  {"dtype", t.dtype},
                                  {"shape", t.shape},
                                  {"start", t.begin},
                                  {"size", t.end - t.begin},
                                  {"compressed", share_of(t.begin, t.end)}});
      }
      j["members"].push_back(std::move(e));
    }
    if (!o_.console.verbose()) return j;
    j["segments"] = ordered_json::array();
    for (size_t i = 0; i < reader_.segments().size(); ++i) {
      const SegmentInfo& s = reader_.segments()[i];
      const SegmentHeader h = reader_.segment_header(i);
      j["segments"].push_back({{"archive_offset", s.archive_offset},
                               {"section_bytes", s.section_bytes},
                               {"content_offset", s.content_offset},
                               {"content_bytes", s.content_bytes},
                               {"type", element_info(h.type).name},
                               {"codec", codec_text(h.codec)},
                               {"model", model_text(h)},
                               {"needs", needs_text(h)},
                               {"blocks", h.blocks},
                               {"tables", h.tables}});
    }
    return j;
  }

 private:
  uint64_t share_of(uint64_t begin, uint64_t end) const {
    return compressed_share(reader_.segments(), begin, end);
  }

  void print_tensors(const Member& m) {
    for (const safetensors::Tensor& t : member_tensors(reader_, m, decode_)) {
      const uint64_t share = share_of(t.begin, t.end);
      print(fmt::format("{:>12} {:>12} {:>7}    {:<9}  {:<32}  {}\n", t.end - t.begin, share,
                        ratio_text(t.end - t.begin, share), shown(t.dtype), shape_text(t),
                        shown(t.name)));
    }
  }

  void print_segments() {
    print(fmt::format("\n{:>8} {:>14} {:>14} {:>10} {:>10} {:>7}  {:<8} {:>6}  {:<6}  {}\n",
                      "segment", "archive offset", "content offset", "size", "compressed", "ratio",
                      "type", "blocks", "codec", "needs"));
    for (size_t i = 0; i < reader_.segments().size(); ++i) {
      const SegmentInfo& s = reader_.segments()[i];
      const SegmentHeader h = reader_.segment_header(i);
      print(fmt::format("{:>8} {:>14} {:>14} {:>10} {:>10} {:>7}  {:<8} {:>6}  {:<6}  {}\n", i,
                        s.archive_offset, s.content_offset, s.content_bytes, s.section_bytes,
                        ratio_text(s.content_bytes, s.section_bytes), element_info(h.type).name,
                        h.blocks, codec_text(h.codec), needs_text(h)));
    }
  }

  Options& o_;
  std::string path_;
  const DecompressOptions& decode_;
  ArchiveReader reader_;
  std::vector<frame::ContentId> bases_;
  bool tensors_ = true;  // are listed
};
}  // namespace

int run_list(Options& o) {
  if (o.files.empty()) throw CliError("list needs an archive; see gramzip list --help");
  const std::vector<ModelPtr> models = load_models(o.model_files);
  Bases bases(o, nullptr, models);
  DecompressOptions decode;
  decode.models = models;
  decode.find_base = [&](const frame::ContentId& id) { return bases.find(id); };
  ordered_json all = {{"command", "list"}, {"archives", ordered_json::array()}};
  const int code = for_each_file(o, [&](const std::string& path) {
    try {
      Listing listing(o, path, decode);
      if (o.console.json) {
        all["archives"].push_back(listing.json());
      } else {
        listing.print_text();
      }
    } catch (const std::exception& e) {
      all["archives"].push_back({{"archive", path}, {"error", describe(shown(path), e)}});
      throw;
    }
  });
  if (o.console.json) print_json(all, false);
  return code;
}
}  // namespace gramzip::cli
