// SPDX-License-Identifier: Apache-2.0
// gramzip list: the members of an archive from its index; under --tensors their tensors, under -v
// those and the segments.
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "host/cli/bases.h"
#include "host/cli/files.h"
#include "host/cli/models.h"
#include "host/cli/options.h"
#include "host/cli/sizes.h"
#include "host/cli/tensors.h"

namespace gramzip::cli {
namespace {
using nlohmann::ordered_json;

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

class Listing {
 public:
  Listing(Options& o, const std::string& path)
      : o_(o),
        path_(path),
        models_(load_models(o.model_files)),
        bases_(o, nullptr, models_),
        reader_(std::make_shared<FileRandomSource>(path)) {
    decompress_.models = models_;
    decompress_.find_base = [this](const frame::ContentId& id) { return bases_.find(id); };
    for (const frame::ArchiveHeader& h : reader_.headers()) {
      lossy_ = lossy_ || h.has(frame::kFeatureLossy);
      if (!h.has(frame::kFeatureDelta)) continue;
      needed_.push_back(h.base);
      // What describes the tensors may lie in the base.
      tensors_known_ = tensors_known_ && bases_.find(h.base) != nullptr;
    }
    if (!tensors_known_ && (o.tensors || o.console.verbose()))
      o.console.note(shown(path) + ": --base FILE or --base-dir DIR lists the tensors too");
  }

  void print_text() {
    print(fmt::format("{}: {} member{}, {} in {}, ratio {}\n", shown(path_),
                      reader_.members().size(), reader_.members().size() == 1 ? "" : "s",
                      size_text(reader_.content_bytes()), size_text(reader_.archive_bytes()),
                      ratio_text(reader_.content_bytes(), reader_.archive_bytes())));
    if (lossy_) print("LOSSY: weights were quantized\n");
    for (const frame::ContentId& base : needed_)
      print(fmt::format("a delta against a base of {}\n", describe_content(base)));
    print(fmt::format("{:>12} {:>12} {:>7}  {:<11}  {:<32}  {}\n", "size", "compressed", "ratio",
                      "kind", "xxh3-128", "name"));
    for (const Member& m : reader_.members()) {
      const uint64_t share = share_of(m.start, m.start + m.size);
      print(fmt::format("{:>12} {:>12} {:>7}  {:<11}  {:<32}  {}\n", m.size, share,
                        ratio_text(m.size, share), kind_text(m.kind), m.hash.hex(),
                        m.name.empty() ? "(no name)" : shown(m.name)));
      if (wants_tensors()) print_tensors(m);
    }
    if (o_.tensors) print_totals();
    if (o_.console.verbose()) print_segments();
  }

  ordered_json json() {
    ordered_json j;
    j["archive"] = path_;
    j["content_bytes"] = reader_.content_bytes();
    j["archive_bytes"] = reader_.archive_bytes();
    j["ratio"] = ratio(reader_.content_bytes(), reader_.archive_bytes());
    if (lossy_) j["lossy"] = true;
    if (!needed_.empty()) {
      j["bases"] = ordered_json::array();
      for (const frame::ContentId& base : needed_)
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
      if (wants_tensors()) add_tensors(m, e);
      j["members"].push_back(std::move(e));
    }
    if (wants_tensors()) {
      j["tensors"] = {{"count", total_.count}};
      j["tensors"].update(total_.json());
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

  bool wants_tensors() const { return tensors_known_ && (o_.tensors || o_.console.verbose()); }

  Sizes sizes_of(const Tensor& t) {
    const Sizes s{1, t.end - t.begin, share_of(t.begin, t.end), element_count(t)};
    total_.add(s);
    return s;
  }

  // The codecs of the segments that hold content [begin, end), each once, in order.
  std::vector<std::string> codecs_of(uint64_t begin, uint64_t end) {
    std::vector<std::string> out;
    const auto& list = reader_.segments();
    codecs_.resize(list.size());
    auto s = std::upper_bound(
        list.begin(), list.end(), begin,
        [](uint64_t b, const SegmentInfo& x) { return b < x.content_offset + x.content_bytes; });
    for (; s != list.end() && s->content_offset < end && begin < end; ++s) {
      const auto i = static_cast<size_t>(s - list.begin());
      if (!codecs_[i]) codecs_[i] = reader_.segment_header(i).codec;
      const std::string text = codec_text(*codecs_[i]);
      if (std::find(out.begin(), out.end(), text) == out.end()) out.push_back(text);
    }
    return out;
  }

  void add_tensors(const Member& m, ordered_json& member) {
    const auto checkpoint = member_checkpoint(reader_, m, decompress_);
    if (!checkpoint) return;
    ordered_json& list = member["tensors"] = ordered_json::array();
    for (const Tensor& t : checkpoint->tensors) {
      const Sizes s = sizes_of(t);
      ordered_json j = {
          {"name", t.name}, {"dtype", t.dtype}, {"shape", t.shape}, {"start", t.begin}};
      j.update(s.json());
      j["codecs"] = codecs_of(t.begin, t.end);
      list.push_back(std::move(j));
    }
  }

  void print_tensors(const Member& m) {
    const auto checkpoint = member_checkpoint(reader_, m, decompress_);
    if (!checkpoint) return;
    print(fmt::format("{:>12} {:>12} {:>7} {:>7}  {:<8} {:<12} {:<16} {}\n", "size", "compressed",
                      "ratio", "bits", "dtype", "codec", "shape", "tensor"));
    for (const Tensor& t : checkpoint->tensors) {
      const Sizes s = sizes_of(t);
      std::string codecs;
      for (const std::string& c : codecs_of(t.begin, t.end))
        codecs.append(codecs.empty() ? "" : "+").append(c);
      print(fmt::format("{:>12} {:>12} {:>7} {:>7}  {:<8} {:<12} {:<16} {}\n", s.content,
                        s.compressed, ratio_text(s.content, s.compressed), s.bits_text(),
                        shown(t.dtype), codecs, shape_text(t), shown(t.name)));
    }
  }

  void print_totals() {
    print(fmt::format("{:>12} {:>12} {:>7} {:>7}  {} tensor{}\n", total_.content, total_.compressed,
                      ratio_text(total_.content, total_.compressed), total_.bits_text(),
                      total_.count, total_.count == 1 ? "" : "s"));
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
  std::vector<ModelPtr> models_;
  Bases bases_;
  DecompressOptions decompress_;
  ArchiveReader reader_;
  std::vector<std::optional<Codec>> codecs_;  // by segment, as far as asked for
  bool lossy_ = false;
  std::vector<frame::ContentId> needed_;  // bases
  bool tensors_known_ = true;
  Sizes total_;  // of the tensors listed so far
};
}  // namespace

int run_list(Options& o) {
  if (o.files.empty()) throw CliError("list needs an archive; see gramzip list --help");
  ordered_json all = {{"command", "list"}, {"archives", ordered_json::array()}};
  const int code = for_each_file(o, [&](const std::string& path) {
    try {
      Listing listing(o, path);
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
