// SPDX-License-Identifier: Apache-2.0
// Kernels and calls of the CUDA backend on generated content, as JSON on standard output.
//
//   bench_gpu [--seconds N] [--max-mib N] [--case WORDS]
//
// --seconds: of measuring, about (240); --max-mib: most content at once (1024); --case: only cases
// whose name has these words. A call is Backend::encode or decode from and to host memory; a kernel
// is the sum of its launches in one call. What a call gives is compared with the content. Exit
// status 2: no device answers.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <nlohmann/json.hpp>

#include "bench/gpu/cases.h"
#include "bench/gpu/device.h"
#include "bench/gpu/launch_times.h"
#include "host/base/error.h"
#include "host/frame/segment_meta.h"

namespace gramzip::bench {
namespace {
using nlohmann::json;
using Clock = std::chrono::steady_clock;

struct Options {
  double seconds = 240;
  uint64_t max_mib = 1024;
  std::string only;
};

double since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}
json summary(std::vector<double> s) {
  std::sort(s.begin(), s.end());
  return {{"runs", s.size()}, {"min_s", s.front()}, {"median_s", s[s.size() / 2]}};
}

// Runs `call` once unmeasured, then up to 10 times within the seconds; appends the call and its
// kernels.
template <class Call>
void measure(json& rows, const json& what, double seconds, const Call& call) {
  call();
  std::vector<double> calls;
  std::map<std::string, std::vector<double>> kernels;
  for (const auto start = Clock::now();
       calls.size() < 10 && (calls.empty() || since(start) < seconds);) {
    start_launch_times();
    const auto begin = Clock::now();
    call();
    calls.push_back(since(begin));
    for (const auto& [name, s] : stop_launch_times()) kernels[name].push_back(s);
  }
  const auto add = [&](const char* kind, const std::string& name, const std::vector<double>& s) {
    json row = what;
    row["kind"] = kind;
    row["name"] = name;
    row.update(summary(s));
    rows.push_back(row);
  };
  add("call", "backend", calls);
  for (const auto& [name, s] : kernels) add("kernel", name, s);
}

struct Batch {
  std::vector<SegmentInput> in;
  std::vector<EncodedSegment> out;
  std::vector<frame::SegmentMeta> metas;
  std::vector<uint8_t> content;
  std::vector<BlockStatus> status;
  std::vector<DecodeRequest> requests;

  uint64_t coded_bytes() const {
    uint64_t n = 0;
    for (const EncodedSegment& s : out) n += frame::segment_section_bytes(s);
    return n;
  }
  void plan_decoding() {
    size_t blocks = 0, block = 0, at = 0;
    for (const EncodedSegment& s : out) blocks += s.header.blocks;
    content.assign(in.size() * kSegmentBytes, 0);
    status.resize(blocks);
    metas.clear();
    for (const EncodedSegment& s : out)
      metas.push_back(
          frame::load_segment_meta(frame::store_segment_meta(s), s.data.size(), "segment"));
    requests.clear();
    for (size_t i = 0; i < out.size(); ++i) {
      const uint32_t n = out[i].header.blocks;
      requests.push_back({metas[i].view(out[i].data, in[i].text), 0, n,
                          std::span(content).subspan(at, in[i].content.size()),
                          std::span(status).subspan(block, n), in[i].base});
      at += in[i].content.size();
      block += n;
    }
  }
  void compare() const {
    for (size_t i = 0; i < in.size(); ++i)
      if (!std::equal(in[i].content.begin(), in[i].content.end(), requests[i].output.begin()))
        fail(ErrorCode::internal, "what was decoded is not what was encoded");
  }
};

void run_case(json& rows, Backend& device, const Case& c, uint64_t bytes, double seconds) {
  Batch b;
  for (size_t i = 0; i < bytes / kSegmentBytes; ++i) b.in.push_back(c.segment(i));
  b.out.resize(b.in.size());
  json what = {{"case", c.name}, {"content_bytes", bytes}, {"step", "encode"}};
  const size_t first = rows.size();
  measure(rows, what, seconds / 2, [&] { device.encode(b.in, b.out); });
  b.plan_decoding();
  what["step"] = "decode";
  measure(rows, what, seconds / 2, [&] { device.decode(b.requests); });
  b.compare();
  for (size_t i = first; i < rows.size(); ++i) rows[i]["coded_bytes"] = b.coded_bytes();
}

json run(const Options& options) {
  const auto start = Clock::now();
  const Device d = describe_device();
  json result = {{"version", GRAMZIP_VERSION},
                 {"device",
                  {{"name", d.name},
                   {"compute", d.compute},
                   {"sms", d.sms},
                   {"memory_bytes", d.memory_bytes},
                   {"driver", d.driver},
                   {"runtime", d.runtime}}},
                 {"measurements", json::array()}};
  const uint64_t copied = std::min<uint64_t>(uint64_t{1} << 30, d.free_bytes / 4);
  result["copy"] = {{"bytes", copied},
                    {"memcpy", summary(time_copies(copied, 10, false))},
                    {"kernel", summary(time_copies(copied, 10, true))}};
  std::string why;
  const auto device = make_cuda_backend(0, why);
  if (!device) fail(ErrorCode::device, why);
  std::vector<Case> cases = make_cases();
  std::erase_if(cases,
                [&](const Case& c) { return c.name.find(options.only) == std::string::npos; });
  std::vector<std::pair<const Case*, uint64_t>>
      plan;  // small ones first: a short time leaves out the largest
  for (const uint64_t mib : {64u, 256u, 1024u})
    for (const Case& c : cases)
      if (mib <= options.max_mib && mib << 20 <= c.most_bytes && (mib << 20) <= d.free_bytes / 8)
        plan.emplace_back(&c, mib << 20);
  for (size_t i = 0; i < plan.size(); ++i) {
    const double left = options.seconds - since(start);
    if (left <= 0) {
      result["left_out"].push_back(plan[i].first->name + ", " +
                                   std::to_string(plan[i].second >> 20) + " MiB");
      continue;
    }
    run_case(result["measurements"], *device, *plan[i].first, plan[i].second,
             std::min(4.0, left / static_cast<double>(plan.size() - i)));
    std::fprintf(stderr, "%s, %llu MiB: %.0f s\n", plan[i].first->name.c_str(),
                 static_cast<unsigned long long>(plan[i].second >> 20), since(start));
  }
  return result;
}

bool parse(int argc, char** argv, Options& o) {
  for (int i = 1; i + 1 < argc; i += 2) {
    if (std::strcmp(argv[i], "--seconds") == 0)
      o.seconds = std::atof(argv[i + 1]);
    else if (std::strcmp(argv[i], "--max-mib") == 0)
      o.max_mib = std::strtoull(argv[i + 1], nullptr, 10);
    else if (std::strcmp(argv[i], "--case") == 0)
      o.only = argv[i + 1];
    else
      return false;
  }
  return argc % 2 == 1;
}
}  // namespace
}  // namespace gramzip::bench

int main(int argc, char** argv) {
  using namespace gramzip;
  bench::Options options;
  if (!bench::parse(argc, argv, options)) {
    std::fputs("usage: bench_gpu [--seconds N] [--max-mib N] [--case WORDS]\n", stderr);
    return 1;
  }
  std::string why;
  if (!bench::device_is_there(why)) {
    std::fprintf(stderr, "bench_gpu: %s\n", why.c_str());
    return 2;
  }
  try {
    std::puts(bench::run(options).dump(1).c_str());
  } catch (const std::exception& e) {
    std::fprintf(stderr, "bench_gpu: %s\n", e.what());
    return 1;
  }
  return 0;
}
