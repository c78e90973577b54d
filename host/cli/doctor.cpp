// SPDX-License-Identifier: Apache-2.0
// gramzip doctor: what this build is, which devices answer, and a round trip of every element type
// on each of them.
#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <thread>

#include "host/base/cpu_features.h"
#include "host/cli/bench_codecs.h"
#include "host/cli/tensors.h"

namespace gramzip::cli {
namespace {
using nlohmann::ordered_json;

struct Check {
  std::string name, fault;  // fault empty: passed
};

class ArraySource final : public RandomSource, public Source {
 public:
  explicit ArraySource(Bytes bytes) : bytes_(std::move(bytes)) {}
  uint64_t size() const override { return bytes_.size(); }
  size_t read(uint8_t* p, size_t n) override {
    n = read_at(at_, p, n);
    at_ += n;
    return n;
  }
  size_t read_at(uint64_t at, uint8_t* p, size_t n) override {
    n = static_cast<size_t>(
        std::min<uint64_t>(n, bytes_.size() - std::min<uint64_t>(at, bytes_.size())));
    std::copy_n(bytes_.begin() + static_cast<ptrdiff_t>(at), n, p);
    return n;
  }

 private:
  Bytes bytes_;
  uint64_t at_ = 0;
};

class Collector final : public Sink, public MemberSink {
 public:
  void write(std::span<const uint8_t> b) override { bytes.insert(bytes.end(), b.begin(), b.end()); }
  void begin(const Member&) override {}
  void end(const Member&) override {}
  Bytes bytes;
};

// Values with a skewed distribution in every byte: code lengths differ, raw bits are full. Some
// blocks are constant.
Bytes sample(size_t size, uint32_t seed) {
  Bytes out(size);
  uint32_t x = seed * 2654435761u + 1;
  for (size_t i = 0; i < size; ++i) {
    x = x * 1664525u + 1013904223u;
    const uint32_t r = x >> 8;
    out[i] =
        static_cast<uint8_t>((i >> 16) % 5 == 3 ? 7 : (r & 15) + ((r >> 4) & (r >> 12) & 0xf0));
  }
  return out;
}

Bytes sample_of(ElementType type) {
  constexpr size_t kSize = 700'000;  // several blocks and a part of one
  if (type == ElementType::bytes) return sample(kSize, 1);
  if (type == ElementType::text) {
    Bytes text = sample(kSize, 2);
    for (uint8_t& b : text) b = static_cast<uint8_t>("etaoin shrdlu\n,."[b & 15]);
    return text;
  }
  Tensor t;
  t.name = "sample";
  t.dtype = element_info(type).name;
  t.shape = {kSize / 8 / 10, uint64_t{80} / element_info(type).bytes};
  t.end = kSize;
  const std::string head = safetensors_header(t, MemberKind::safetensors);
  Bytes file(head.begin(), head.end());
  const Bytes values = sample(kSize, 3);
  file.insert(file.end(), values.begin(), values.end());
  return file;
}

Bytes pack(const Bytes& content, Backend* backend) {
  ArraySource source(content);
  Collector out;
  CompressOptions c;
  c.backend = backend;
  bool given = false;
  compress(
      [&](MemberInput& m) {
        m.source = &source;
        return !std::exchange(given, true);
      },
      out, c);
  return std::move(out.bytes);
}

std::string round_trip(ElementType type, Backend* backend) {
  const Bytes content = sample_of(type), archive = pack(content, backend);
  if (backend != nullptr && archive != pack(content, nullptr))
    return "its archive is not the CPU's";
  const ArchiveReader reader(std::make_shared<ArraySource>(archive));
  if (reader.segments().empty() || reader.segment_header(reader.segments().size() - 1).type != type)
    return "the element type was not recognised";
  ArraySource source(archive);
  Collector back;
  DecompressOptions d;
  d.backend = backend;
  decompress(source, back, d);
  if (back.bytes != content) return "what came back is not what went in";
  return "";
}

std::string damage_is_noticed(Backend* backend) {
  Bytes archive = pack(sample_of(ElementType::text), backend);
  archive[archive.size() / 2] ^= 1;
  try {
    ArraySource source(archive);
    Collector back;
    DecompressOptions d;
    d.backend = backend;
    decompress(source, back, d);
  } catch (const Error&) {
    return "";
  }
  return "a flipped bit was not noticed";
}

std::vector<Check> self_test(Backend* backend) {
  std::vector<Check> checks;
  const auto check = [&](const std::string& name, const auto& work) {
    try {
      checks.push_back({name, work()});
    } catch (const std::exception& e) {
      checks.push_back({name, e.what()});
    }
  };
  for (int t = 0; t < static_cast<int>(ElementType::count); ++t) {
    const auto type = static_cast<ElementType>(t);
    check(element_info(type).name, [&] { return round_trip(type, backend); });
  }
  check("damage", [&] { return damage_is_noticed(backend); });
  return checks;
}

std::string compiler() {
#if defined(__clang__)
  return "clang " __clang_version__;
#elif defined(__GNUC__)
  return "gcc " __VERSION__;
#else
  return "unknown";
#endif
}

std::string peers() {
  std::string s;
#ifdef GRAMZIP_HAVE_ZSTD
  s += "zstd ";
#endif
#ifdef GRAMZIP_HAVE_LZMA
  s += "xz ";
#endif
  return s.empty() ? "none" : s.substr(0, s.size() - 1);
}
}  // namespace

int run_doctor(Options& o) {
  std::vector<std::pair<std::string, std::unique_ptr<Backend>>> devices;
  std::string why;
  devices.emplace_back("CPU", nullptr);
  for (int i = 0; i < 64; ++i) {
    std::unique_ptr<Backend> b = make_cuda_backend(i, why);
    if (!b) break;
    devices.emplace_back("cuda:" + std::to_string(i) + " " + b->name(), std::move(b));
  }
  ordered_json json;
  json["command"] = "doctor";
  json["version"] = GRAMZIP_VERSION;
  json["compiler"] = compiler();
  json["cpu"] = cpu_features_text();
  json["cores"] = std::thread::hardware_concurrency();
  json["cuda"] = devices.size() > 1 ? "ok" : why;
  json["bench_peers"] = peers();
  const bool text = !o.console.json && o.console.verbosity > 0;
  if (text) {
    print(fmt::format(
        "gramzip {}\n  compiler  {}\n  CPU       {} cores, {}\n  CUDA      {}\n"
        "  bench     {}\n",
        GRAMZIP_VERSION, compiler(), std::thread::hardware_concurrency(), cpu_features_text(),
        devices.size() > 1 ? std::to_string(devices.size() - 1) + " device(s)" : why, peers()));
  }
  bool failed = false;
  json["devices"] = ordered_json::array();
  for (const auto& [name, backend] : devices) {
    ordered_json d = {{"name", name}, {"checks", ordered_json::array()}};
    if (text) print("self-test on " + name + "\n");
    for (const Check& c : self_test(backend.get())) {
      failed |= !c.fault.empty();
      d["checks"].push_back({{"name", c.name}, {"ok", c.fault.empty()}, {"fault", c.fault}});
      if (text) print(fmt::format("  {:<8}  {}\n", c.name, c.fault.empty() ? "ok" : c.fault));
      if (!c.fault.empty())
        o.console.error("self-test on " + name + ": " + c.name + ": " + c.fault);
    }
    json["devices"].push_back(std::move(d));
  }
  json["ok"] = !failed;
  if (o.console.json) print_json(json, false);
  if (text) print(failed ? "something is wrong; please report it\n" : "all is well\n");
  return exit_code(o, failed);
}
}  // namespace gramzip::cli
