// SPDX-License-Identifier: Apache-2.0
// gramzip bench: ratio and speed beside peers, in one process, verified by comparison. One run to
// warm up, then the median and the minimum of several.
#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "host/cli/bench_codecs.h"
#include "host/cli/files.h"
#include "host/cli/models.h"

namespace gramzip::cli {
namespace {
using nlohmann::ordered_json;

struct Times {
  double median = 0, minimum = 0;
  int runs = 0;
};

// At most `runs`, and no more once `limit` seconds are spent.
Times measure(const std::function<void()>& work, int runs, double limit) {
  Stopwatch total;
  work();
  std::vector<double> times;
  if (const double first = total.seconds(); first > limit) times.push_back(first);
  while (static_cast<int>(times.size()) < runs && (times.empty() || total.seconds() < limit)) {
    Stopwatch one;
    work();
    times.push_back(one.seconds());
  }
  std::sort(times.begin(), times.end());
  return {times[times.size() / 2], times[0], static_cast<int>(times.size())};
}

struct Result {
  std::string codec;
  int threads;
  uint64_t bytes;
  Times in, out;
};

double mb_per_s(uint64_t bytes, double seconds) {
  return static_cast<double>(bytes) / 1e6 / std::max(seconds, 1e-9);
}

Bytes load(const std::string& path, uint64_t limit) {
  FileSource source(path);
  Bytes bytes;
  const uint64_t step = source.size_hint() > 0 ? source.size_hint() + 1 : 1u << 24;
  while (bytes.size() < limit) {
    const size_t at = bytes.size();
    const size_t want = static_cast<size_t>(std::min<uint64_t>(step, limit - at));
    bytes.resize(at + want);
    const size_t got = source.read(bytes.data() + at, want);
    bytes.resize(at + got);
    if (got < want) break;
  }
  return bytes;
}

Result run(const BenchCodec& codec, const Bytes& content, const Options& o) {
  Bytes archive, back(content.size());
  Result r{codec.name, codec.threads, 0, {}, {}};
  r.in = measure([&] { codec.compress(content, archive); }, o.runs, o.seconds);
  r.bytes = archive.size();
  r.out = measure([&] { codec.decompress(archive, back); }, o.runs, o.seconds);
  if (back != content)
    fail(ErrorCode::internal, codec.name + ": what came back is not what went in");
  return r;
}

void print_table(const std::string& path, const Bytes& content, double entropy,
                 const std::vector<Result>& results) {
  const double order0 = entropy / 8 * static_cast<double>(content.size());
  print(fmt::format("{}: {} bytes, order-0 entropy {:.3f} bits a byte = {:.0f} bytes\n",
                    shown(path), content.size(), entropy, order0));
  print(fmt::format("{:<10} {:>2} {:>12} {:>7} {:>8} {:>10} {:>10} {:>10} {:>10} {:>5}\n", "codec",
                    "T", "bytes", "ratio", "/order-0", "MB/s in", "best", "MB/s out", "best",
                    "runs"));
  for (const Result& r : results) {
    print(fmt::format(
        "{:<10} {:>2} {:>12} {:>7.3f} {:>8.4f} {:>10.1f} {:>10.1f} {:>10.1f} {:>10.1f} {:>5}\n",
        r.codec, r.threads, r.bytes, ratio(content.size(), r.bytes),
        order0 > 0 ? static_cast<double>(r.bytes) / order0 : 0.0,
        mb_per_s(content.size(), r.in.median), mb_per_s(content.size(), r.in.minimum),
        mb_per_s(content.size(), r.out.median), mb_per_s(content.size(), r.out.minimum),
        std::min(r.in.runs, r.out.runs)));
  }
}

ordered_json to_json(const std::string& path, const Bytes& content, double entropy,
                     const std::vector<Result>& results) {
  ordered_json j = {{"file", path},
                    {"bytes", content.size()},
                    {"hash", hash128(content).hex()},
                    {"order0_bits_per_byte", entropy},
                    {"results", ordered_json::array()}};
  for (const Result& r : results)
    j["results"].push_back({{"codec", r.codec},
                            {"threads", r.threads},
                            {"bytes", r.bytes},
                            {"ratio", ratio(content.size(), r.bytes)},
                            {"compress_seconds_median", r.in.median},
                            {"compress_seconds_min", r.in.minimum},
                            {"compress_runs", r.in.runs},
                            {"decompress_seconds_median", r.out.median},
                            {"decompress_seconds_min", r.out.minimum},
                            {"decompress_runs", r.out.runs},
                            {"verified", true}});
  return j;
}

void print_csv(const std::string& path, const Bytes& content, double entropy,
               const std::vector<Result>& results) {
  std::string name = "\"";
  for (const char c : path) name += c == '"' ? std::string("\"\"") : std::string(1, c);
  for (const Result& r : results)
    print(fmt::format("{}\",{},{:.6f},{},{},{},{:.6f},{:.9f},{:.9f},{:.9f},{:.9f}\n", name,
                      content.size(), entropy, r.codec, r.threads, r.bytes,
                      ratio(content.size(), r.bytes), r.in.median, r.in.minimum, r.out.median,
                      r.out.minimum));
}
}  // namespace

int run_bench(Options& o) {
  if (o.files.empty()) throw CliError("bench needs a file; see gramzip bench --help");
  const std::unique_ptr<Backend> backend = make_backend(o);
  const std::vector<ModelPtr> models = load_models(o.model_files);
  const std::vector<BenchCodec> codecs = bench_codecs(o, backend.get(), models);
  ordered_json json = {{"command", "bench"},
                       {"version", GRAMZIP_VERSION},
                       {"device", backend ? backend->name() : "CPU"},
                       {"files", ordered_json::array()}};
  if (o.csv)
    print(
        "file,bytes,order0_bits_per_byte,codec,threads,compressed,ratio,compress_s_median,"
        "compress_s_min,decompress_s_median,decompress_s_min\n");
  const int code = for_each_file(o, [&](const std::string& path) {
    const Bytes content = load(path, o.limit);
    if (content.empty()) throw CliError(shown(path) + ": is empty; there is nothing to measure");
    const double entropy = order0_entropy(content);
    std::vector<Result> results;
    for (const BenchCodec& codec : codecs) {
      o.console.note("measuring " + codec.name + " -T" + std::to_string(codec.threads));
      results.push_back(run(codec, content, o));
    }
    if (o.console.json) {
      json["files"].push_back(to_json(path, content, entropy, results));
    } else if (o.csv) {
      print_csv(path, content, entropy, results);
    } else {
      print_table(path, content, entropy, results);
    }
  });
  if (o.console.json) print_json(json, false);
  return code;
}
}  // namespace gramzip::cli
