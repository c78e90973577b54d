// SPDX-License-Identifier: Apache-2.0
// gramzip compare: how far the tensors of one checkpoint are from those of another.
#include <fnmatch.h>

#include <algorithm>
#include <charconv>

#include "host/cli/checkpoint_set.h"
#include "host/cli/models.h"
#include "host/cli/report_file.h"
#include "host/cli/report_json.h"
#include "host/cli/report_table.h"
#include "host/cli/tensors.h"

namespace gramzip::cli {
namespace {
// Of one tensor of either checkpoint at a time.
constexpr uint64_t kWindowBytes = 16u << 20;

bool chosen(const Options& o, const std::string& name) {
  if (o.patterns.empty()) return true;
  return std::any_of(o.patterns.begin(), o.patterns.end(), [&](const std::string& p) {
    return fnmatch(p.c_str(), name.c_str(), 0) == 0;
  });
}

// Floats in the tensor; complex numbers have two. 0 if it is of no float type.
uint64_t floats_in(const StoredTensor& t) {
  return is_float(t.tensor.type) ? t.bytes() / element_info(t.tensor.type).bytes : 0;
}

// Bytes of a unit that is equal or not: an element, or a byte of what is packed.
uint64_t unit_bytes(const StoredTensor& t) {
  const uint64_t n = t.elements(), bytes = t.bytes();
  return n > 0 && bytes % n == 0 ? bytes / n : 1;
}

class Comparison {
 public:
  Comparison(Options& o, Backend* backend, std::span<const ModelPtr> models)
      : o_(o), bases_(o, backend, models), workers_(o.threads) {
    decode_.threads = o.threads;
    decode_.backend = backend;
    decode_.models = models;
    decode_.find_base = [this](const frame::ContentId& id) { return bases_.find(id); };
  }

  ErrorReport run(const std::string& a_path, const std::string& b_path) {
    Stopwatch watch;
    CheckpointSet a(o_, a_path, decode_, workers_), b(o_, b_path, decode_, workers_);
    ErrorReport r;
    r.command = "compare";
    r.original = a_path;
    r.other = b_path;
    uint64_t total = 0, done = 0, seen = 0;
    for (const StoredTensor& t : a.tensors())
      if (chosen(o_, t.tensor.name)) total += t.bytes();
    ProgressBar bar(o_.console, "comparing", total);
    for (const StoredTensor& t : a.tensors()) {
      if (!chosen(o_, t.tensor.name)) continue;
      ++seen;
      const StoredTensor* other = b.find(t.tensor.name);
      if (other == nullptr) {
        r.only_in_original.push_back(t.tensor.name);
      } else if (const std::string why = why_not(t, *other); !why.empty()) {
        r.not_comparable.push_back({t.tensor.name, why});
      } else {
        r.tensors.push_back(
            compare(a, t, b, *other, [&](uint64_t bytes) { bar.update(done + bytes, 0); }));
      }
      done += t.bytes();
    }
    for (const StoredTensor& t : b.tensors()) {
      if (!chosen(o_, t.tensor.name)) continue;
      ++seen;
      if (a.find(t.tensor.name) == nullptr) r.only_in_other.push_back(t.tensor.name);
    }
    if (seen == 0)
      throw CliError(o_.patterns.empty()
                         ? "there are no tensors to compare"
                         : "--tensors: no tensor of either checkpoint has such a name");
    r.archive_bytes = b.file_bytes();
    r.add_up();
    r.seconds = watch.seconds();
    return r;
  }

 private:
  // Why two tensors cannot be compared; empty if they can.
  static std::string why_not(const StoredTensor& a, const StoredTensor& b) {
    if (a.tensor.shape != b.tensor.shape)
      return "shape " + shape_text(a.tensor) + " against " + shape_text(b.tensor);
    const std::string types = shown(a.tensor.dtype) + " against " + shown(b.tensor.dtype);
    if (is_float(a.tensor.type) && is_float(b.tensor.type))
      return floats_in(a) == floats_in(b) ? "" : types;
    if (a.tensor.dtype == b.tensor.dtype && a.bytes() == b.bytes()) return "";
    return types + "; only floats are compared across types";
  }

  template <class Done>
  TensorError compare(CheckpointSet& a, const StoredTensor& x, CheckpointSet& b,
                      const StoredTensor& y, const Done& done) {
    TensorError e;
    e.name = x.tensor.name;
    e.dtype = x.tensor.dtype;
    if (y.tensor.dtype != x.tensor.dtype) e.other_dtype = y.tensor.dtype;
    e.shape = x.tensor.shape;
    e.elements = x.elements();
    e.original_bytes = x.bytes();
    e.stored_bytes = y.stored_bytes;
    e.exact = !is_float(x.tensor.type) || !is_float(y.tensor.type);
    e.figures = e.exact ? compare_bytes(a, x, b, y, done) : compare_floats(a, x, b, y, done);
    return e;
  }

  template <class Done>
  ErrorFigures compare_floats(CheckpointSet& a, const StoredTensor& x, CheckpointSet& b,
                              const StoredTensor& y, const Done& done) {
    constexpr uint64_t kPiece = ErrorSums::kPieceElements;
    const ElementType a_type = x.tensor.type, b_type = y.tensor.type;
    const uint64_t a_bytes = element_info(a_type).bytes, b_bytes = element_info(b_type).bytes;
    const uint64_t window = std::max(kPiece, kWindowBytes / std::max(a_bytes, b_bytes));
    const uint64_t n = floats_in(x);
    ErrorSums sums;
    for (uint64_t at = 0; at < n; at += window) {
      const uint64_t k = std::min(window, n - at);
      load(a, x, at * a_bytes, k * a_bytes, a_buffer_);
      load(b, y, at * b_bytes, k * b_bytes, b_buffer_);
      std::vector<ErrorSums> pieces((k + kPiece - 1) / kPiece);
      workers_.run(pieces.size(), [&](size_t i, size_t) {
        const uint64_t from = i * kPiece;
        pieces[i].add(a_buffer_.data() + from * a_bytes, a_type, b_buffer_.data() + from * b_bytes,
                      b_type, std::min(kPiece, k - from));
      });
      for (const ErrorSums& p : pieces) sums.merge(p);
      done((at + k) * a_bytes);
    }
    return sums.figures();
  }

  template <class Done>
  ErrorFigures compare_bytes(CheckpointSet& a, const StoredTensor& x, CheckpointSet& b,
                             const StoredTensor& y, const Done& done) {
    const uint64_t unit = unit_bytes(x), window = kWindowBytes / unit * unit;
    ErrorFigures f;
    f.elements = x.bytes() / unit;
    for (uint64_t at = 0; at < x.bytes(); at += window) {
      const uint64_t k = std::min(window, x.bytes() - at);
      load(a, x, at, k, a_buffer_);
      load(b, y, at, k, b_buffer_);
      for (uint64_t i = 0; i < k; i += unit)
        f.differing += !std::equal(a_buffer_.begin() + static_cast<ptrdiff_t>(i),
                                   a_buffer_.begin() + static_cast<ptrdiff_t>(i + unit),
                                   b_buffer_.begin() + static_cast<ptrdiff_t>(i));
      done(at + k);
    }
    return f;
  }

  static void load(CheckpointSet& set, const StoredTensor& t, uint64_t at, uint64_t bytes,
                   std::vector<uint8_t>& buffer) {
    buffer.resize(bytes);
    set.read(t, at, buffer);
  }

  Options& o_;
  Bases bases_;
  DecompressOptions decode_;
  Workers workers_;
  std::vector<uint8_t> a_buffer_, b_buffer_;
};

double parse_decibels(const std::string& text) {
  double v = 0;
  const auto r = std::from_chars(text.data(), text.data() + text.size(), v);
  if (r.ec != std::errc() || r.ptr != text.data() + text.size() || !(v - v == 0))
    throw CliError("--fail-below: '" + shown(text) +
                   "' is no number of decibels; write 30 or 22.5");
  return v;
}

std::string counted(size_t n, const std::string& what) {
  return std::to_string(n) + " " + what + (n == 1 ? "" : "s");
}

// What makes the exit code 1; empty if nothing does.
std::string verdict(const ErrorReport& r, std::optional<double> least) {
  std::string s;
  const auto say = [&](const std::string& text) { s.append(s.empty() ? "" : ", ").append(text); };
  if (!r.only_in_original.empty())
    say(counted(r.only_in_original.size(), "tensor") + " only in " + shown(r.original));
  if (!r.only_in_other.empty())
    say(counted(r.only_in_other.size(), "tensor") + " only in " + shown(r.other));
  if (!r.not_comparable.empty())
    say(counted(r.not_comparable.size(), "tensor") + " of other shape or type");
  size_t unequal = 0;
  for (const TensorError& t : r.tensors) unequal += t.exact && t.figures.differing > 0;
  if (unequal > 0) say(counted(unequal, "tensor") + " of no floats not equal");
  if (least && !(r.total.figures.sqnr_db() >= *least)) {
    std::string bound = std::to_string(*least);
    bound.erase(bound.find_last_not_of('0') + 1);
    if (bound.ends_with('.')) bound.pop_back();
    say("an SQNR of " + decibel_text(r.total.figures.sqnr_db()) + " dB, below " + bound);
  }
  return s;
}
}  // namespace

int run_compare(Options& o) {
  if (o.files.size() != 2)
    throw CliError("compare takes two checkpoints; see gramzip compare --help");
  if (!o.report.empty()) check_report_name(o.report);
  std::optional<double> least;
  if (!o.fail_below.empty()) least = parse_decibels(o.fail_below);
  const std::unique_ptr<Backend> backend = make_backend(o);
  const std::vector<ModelPtr> models = load_models(o.model_files);
  Comparison comparison(o, backend.get(), models);
  const ErrorReport r = comparison.run(o.files[0], o.files[1]);
  const std::string why = verdict(r, least);
  if (!o.report.empty()) write_report(o.report, r, o.force);
  if (o.console.json) {
    nlohmann::ordered_json j = report_json(r);
    if (least) j["fail_below"] = *least;
    j["passed"] = why.empty();
    print_json(j, false);
  } else if (o.console.verbosity > 0) {
    print(report_table(r));
  }
  if (!why.empty()) o.console.error("the checkpoints differ: " + why);
  return exit_code(o, !why.empty());
}
}  // namespace gramzip::cli
