// SPDX-License-Identifier: Apache-2.0
// gramzip get: one file, one tensor, one range of bytes or of lines, decoding only what holds it.
#include <algorithm>
#include <atomic>
#include <charconv>
#include <cstring>

#include "host/cli/bases.h"
#include "host/cli/dtype_out.h"
#include "host/cli/models.h"
#include "host/cli/options.h"
#include "host/cli/output.h"
#include "host/cli/tensors.h"

namespace gramzip::cli {
namespace {
struct Range {
  uint64_t begin = 0, end = UINT64_MAX;
};

// "A:B", either may be missing.
Range parse_range(const std::string& text, const char* option, uint64_t least) {
  const auto bad = [&]() -> CliError {
    return CliError(std::string(option) + ": '" + shown(text) + "' is no range; write A:B");
  };
  const size_t colon = text.find(':');
  if (colon == std::string::npos) throw bad();
  const auto number = [&](const std::string& s, uint64_t missing) {
    uint64_t v = 0;
    if (s.empty()) return missing;
    const auto r = std::from_chars(s.data(), s.data() + s.size(), v);
    if (r.ec != std::errc() || r.ptr != s.data() + s.size() || v < least) throw bad();
    return v;
  };
  const Range r{number(text.substr(0, colon), least), number(text.substr(colon + 1), UINT64_MAX)};
  if (r.end < r.begin) throw bad();
  return r;
}

// Passes lines first to last on, counted from 1.
class LineSink final : public Sink {
 public:
  LineSink(Sink& out, Range lines) : out_(out), lines_(lines) {}
  void write(std::span<const uint8_t> bytes) override {
    while (!bytes.empty() && line_ <= lines_.end) {
      const void* newline = std::memchr(bytes.data(), '\n', bytes.size());
      const size_t n =
          newline == nullptr
              ? bytes.size()
              : static_cast<size_t>(static_cast<const uint8_t*>(newline) - bytes.data()) + 1;
      if (line_ >= lines_.begin) out_.write(bytes.first(n));
      seen_ = line_;
      if (newline != nullptr) ++line_;
      bytes = bytes.subspan(n);
    }
  }
  bool done() const { return line_ > lines_.end; }
  uint64_t seen() const { return seen_; }  // lines of which a byte was seen

 private:
  Sink& out_;
  Range lines_;
  uint64_t line_ = 1, seen_ = 0;
};

[[noreturn]] void fail_no_member(const std::string& name) {
  throw CliError("no file '" + shown(name) + "' in the archive; gramzip list names what there is");
}

const Member& find_member(const ArchiveReader& reader, const std::string& name) {
  const Member* found = nullptr;
  for (const Member& m : reader.members()) {
    if (m.name != name) continue;
    if (found != nullptr)
      throw CliError("file '" + shown(name) + "' occurs twice; use --bytes A:B");
    found = &m;
  }
  if (found == nullptr) fail_no_member(name);
  return *found;
}

struct FoundTensor {
  Tensor tensor;
  MemberKind kind;
  std::string member;
};

FoundTensor find_tensor(ArchiveReader& reader, const Options& o, const DecompressOptions& d) {
  std::vector<FoundTensor> found;
  bool any = false, named = o.member.empty();
  for (const Member& m : reader.members()) {
    if (!o.member.empty() && m.name != o.member) continue;
    named = true;
    std::optional<Checkpoint> checkpoint = member_checkpoint(reader, m, d);
    if (!checkpoint) continue;
    any = true;
    for (Tensor& t : checkpoint->tensors)
      if (t.name == o.tensor) found.push_back({std::move(t), checkpoint->kind, m.name});
  }
  if (!named) fail_no_member(o.member);
  if (!any)
    throw CliError("no file with tensors" +
                   (o.member.empty() ? " in the archive" : ": " + shown(o.member)) +
                   "; gramzip list names what there is");
  if (found.empty())
    throw CliError("no tensor '" + shown(o.tensor) +
                   "'; gramzip list --tensors names what there is");
  if (found.size() > 1)
    throw CliError("tensor '" + shown(o.tensor) + "' is in '" + shown(found[0].member) +
                   "' and in '" + shown(found[1].member) + "'; choose one with --file");
  return std::move(found[0]);
}

// Counts what is read of the archive.
class CountedFile final : public RandomSource {
 public:
  explicit CountedFile(const std::string& path) : file_(path) {}
  uint64_t size() const override { return file_.size(); }
  size_t read_at(uint64_t at, uint8_t* p, size_t n) override {
    const size_t got = file_.read_at(at, p, n);
    bytes_ += got;
    return got;
  }
  uint64_t bytes() const { return bytes_; }

 private:
  FileRandomSource file_;
  std::atomic<uint64_t> bytes_ = 0;
};

void write_text(Sink& out, const std::string& s) {
  out.write({reinterpret_cast<const uint8_t*>(s.data()), s.size()});
}

void get(Options& o) {
  const std::unique_ptr<Backend> backend = make_backend(o);
  DecompressOptions d;
  d.threads = o.threads;
  d.backend = backend.get();
  const std::vector<ModelPtr> models = load_models(o.model_files);
  d.models = models;
  d.max_output = o.max_output;
  Bases bases(o, backend.get(), models);
  d.find_base = [&](const frame::ContentId& id) { return bases.find(id); };
  // Parsed before anything is opened.
  const Range bytes = o.bytes.empty() ? Range() : parse_range(o.bytes, "--bytes", 0);
  const Range lines = o.lines.empty() ? Range() : parse_range(o.lines, "--lines", 1);
  const Range rows = o.rows.empty() ? Range() : parse_range(o.rows, "--rows", 0);
  const std::optional<ElementType> dtype = parse_dtype(o.dtype);
  const auto file = std::make_shared<CountedFile>(o.files.at(0));
  ArchiveReader reader(file);

  Range base{0, reader.content_bytes()};
  std::string head;
  std::optional<Tensor> converted;
  if (!o.tensor.empty()) {
    FoundTensor found = find_tensor(reader, o, d);
    Tensor t = std::move(found.tensor);
    if (!o.rows.empty()) t = rows_of(std::move(t), rows.begin, rows.end, "--rows " + o.rows);
    base = {t.begin, t.end};
    if (dtype) {
      if (!converts(t))
        throw CliError("--dtype: tensor '" + shown(t.name) + "' is of type " + shown(t.dtype) +
                       ", which is no float type");
      converted = t;
      t.end = t.begin + (t.end - t.begin) / element_info(t.type).bytes * element_info(*dtype).bytes;
      t.type = *dtype;
      t.dtype = element_info(*dtype).name;
    }
    if (o.output.ends_with(".safetensors")) head = safetensors_header(t, found.kind);
    if (o.output.ends_with(".npy")) head = npy_header(t);
  } else if (!o.member.empty()) {
    const Member& m = find_member(reader, o.member);
    base = {m.start, m.start + m.size};
  }
  if (!o.bytes.empty()) {
    const uint64_t size = base.end - base.begin;
    if (bytes.begin > size || (bytes.end != UINT64_MAX && bytes.end > size))
      throw CliError("--bytes " + o.bytes + ": there are only " + std::to_string(size) + " bytes");
    base = {base.begin + bytes.begin, bytes.end == UINT64_MAX ? base.end : base.begin + bytes.end};
  }

  OutputOptions options;
  options.force = o.force;
  Output out(o.output.empty() ? "-" : o.output, options);
  write_text(out, head);
  if (converted) {
    DtypeSink sink(out, converted->type, *dtype);
    reader.read(base.begin, base.end, sink, d);
    report_lost(o.console, o.strict, *converted, *dtype, sink.lost());
  } else if (o.lines.empty()) {
    reader.read(base.begin, base.end, out, d);
  } else {
    // Lines can only be counted from the start. A step ends where a segment does, since a segment
    // of text is decoded from its start.
    constexpr uint64_t kStep = 8u << 20;
    LineSink counted(out, lines);
    const auto& segments = reader.segments();
    for (uint64_t at = base.begin, next; at < base.end && !counted.done(); at = next) {
      const auto last =
          std::lower_bound(segments.begin(), segments.end(), std::min(base.end, at + kStep),
                           [](const SegmentInfo& s, uint64_t to) {
                             return s.content_offset + s.content_bytes < to;
                           });
      next = std::min(base.end, last->content_offset + last->content_bytes);
      reader.read(at, next, counted, d);
    }
    if (counted.seen() < lines.begin)
      throw CliError("--lines " + o.lines + ": there are only " + std::to_string(counted.seen()) +
                     " lines");
  }
  out.commit();
  o.console.note(std::to_string(reader.blocks_decoded()) + " blocks decoded, " +
                 std::to_string(file->bytes()) + " bytes of the archive read");
}
}  // namespace

int run_get(Options& o) {
  if (o.files.size() != 1) throw CliError("get takes one archive; see gramzip get --help");
  if (o.tensor.empty() && o.member.empty() && o.bytes.empty() && o.lines.empty())
    throw CliError("get needs --tensor, --file, --bytes or --lines; see gramzip get --help");
  if (!o.lines.empty() && (!o.bytes.empty() || !o.tensor.empty()))
    throw CliError("--lines goes with --file only");
  if (!o.dtype.empty() && (o.tensor.empty() || !o.bytes.empty()))
    throw CliError("--dtype goes with --tensor, without --bytes");
  if (o.strict && o.dtype.empty()) throw CliError("--strict goes with --dtype");
  if (!o.rows.empty() && o.tensor.empty()) throw CliError("--rows goes with --tensor only");
  if (!o.bytes.empty() && !o.tensor.empty() &&
      (o.output.ends_with(".npy") || o.output.ends_with(".safetensors")))
    throw CliError("--bytes gives a part of a tensor; write it to a file of another name");
  try {
    get(o);
  } catch (const CliError& e) {
    o.console.error(shown(o.files[0]) + ": " + e.what());
    return kError;
  } catch (const std::exception& e) {
    o.console.error(describe(shown(o.files[0]), e));
    return kError;
  }
  return exit_code(o, false);
}
}  // namespace gramzip::cli
