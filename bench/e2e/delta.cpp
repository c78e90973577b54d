// SPDX-License-Identifier: Apache-2.0
// Checkpoints coded against a base, beside what others do: XOR with the base, byte planes apart,
// zstd -19; and for updates of few values a list of int32 index and value. Sizes are those of whole
// segments with all headers, and every segment is decoded and compared. Times are the best of
// several runs on one thread.
//
//   bench_delta DATA        DATA/weights holds the checkpoints
#include <time.h>
#include <zstd.h>

#include <bit>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <random>

#include "host/frame/segment_meta.h"

namespace {
using namespace gramzip;
using Bytes = std::vector<uint8_t>;

// The tensors of a safetensors file of one type, without its header.
Bytes read_tensors(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  Bytes file((std::istreambuf_iterator<char>(in)), {});
  if (file.size() < 8) {
    std::fprintf(stderr, "bench_delta: cannot read %s\n", path.c_str());
    std::exit(1);
  }
  return {file.begin() + 8 + static_cast<ptrdiff_t>(load_le<uint64_t>(file.data())), file.end()};
}

// Of processor time, the best of several runs.
double best_seconds(int runs, const auto& f) {
  const auto now = [] {
    timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return static_cast<double>(t.tv_sec) + 1e-9 * static_cast<double>(t.tv_nsec);
  };
  double best = 1e9;
  for (int i = 0; i < runs; ++i) {
    const double start = now();
    f();
    best = std::min(best, now() - start);
  }
  return best;
}

struct Result {
  size_t bytes = 0;
  double encode = 0, decode = 0, copy = 0;  // GB/s of content; copy: of the base
  size_t per_codec[11] = {};
};

Result code(ElementType type, const Bytes& base, const Bytes& content, size_t segment) {
  const auto backend = make_cpu_backend();
  Result r;
  double encode = 0, decode = 0, copy = 0;
  for (size_t at = 0; at < content.size(); at += segment) {
    const size_t n = std::min(segment, content.size() - at);
    SegmentInput in{type, std::span(content).subspan(at, n)};
    in.base = std::span(base).subspan(at, n);
    in.base_at = at;
    EncodedSegment s;
    encode += best_seconds(2, [&] { backend->encode({&in, 1}, {&s, 1}); });
    r.bytes += frame::segment_section_bytes(s);
    ++r.per_codec[static_cast<size_t>(s.header.codec)];
    const frame::SegmentMeta meta =
        frame::load_segment_meta(frame::store_segment_meta(s), s.data.size(), "segment");
    Bytes out(n);
    std::vector<BlockStatus> status(s.header.blocks);
    DecodeRequest request{meta.view(s.data), 0, s.header.blocks, out, status};
    request.base = in.base;
    copy += best_seconds(9, [&] { std::copy(in.base.begin(), in.base.end(), out.begin()); });
    decode += best_seconds(9, [&] { backend->decode({&request, 1}); });
    if (!std::equal(out.begin(), out.end(), in.content.begin())) {
      std::fprintf(stderr, "bench_delta: a segment does not come back\n");
      std::exit(1);
    }
  }
  r.encode = static_cast<double>(content.size()) / encode / 1e9;
  r.decode = static_cast<double>(content.size()) / decode / 1e9;
  r.copy = static_cast<double>(content.size()) / copy / 1e9;
  return r;
}

size_t xor_zstd(const Bytes& base, const Bytes& content, size_t element) {
  const size_t n = content.size() / element;
  size_t sum = 0;
  for (size_t plane = 0; plane < element; ++plane) {
    Bytes bytes(n);
    for (size_t i = 0; i < n; ++i)
      bytes[i] = content[i * element + plane] ^ base[i * element + plane];
    Bytes out(ZSTD_compressBound(n));
    sum += ZSTD_compress(out.data(), out.size(), bytes.data(), n, 19);
  }
  return sum;
}

size_t changed(const Bytes& base, const Bytes& content, size_t element) {
  size_t changes = 0;
  for (size_t i = 0; i < content.size(); i += element)
    changes += std::equal(content.begin() + static_cast<ptrdiff_t>(i),
                          content.begin() + static_cast<ptrdiff_t>(i + element),
                          base.begin() + static_cast<ptrdiff_t>(i))
                   ? 0
                   : 1;
  return changes;
}

void report(const char* name, ElementType type, const Bytes& base, const Bytes& content) {
  const size_t element = element_info(type).bytes, changes = changed(base, content, element);
  const size_t peer = xor_zstd(base, content, element), list = changes * (4 + element);
  const auto ratio = [&](size_t bytes) {
    return static_cast<double>(content.size()) / static_cast<double>(bytes);
  };
  const auto a_change = [&](size_t bytes) {
    return static_cast<double>(bytes) / static_cast<double>(changes);
  };
  std::printf("%-18s %9zu bytes, %5.2f %% changed\n", name, content.size(),
              100.0 * static_cast<double>(changes * element) / static_cast<double>(content.size()));
  std::printf("  %-34s %9zu  ratio %7.3f  %6.3f B a change\n", "index + value", list, ratio(list),
              a_change(list));
  std::printf("  %-34s %9zu  ratio %7.3f  %6.3f B a change\n", "XOR, planes, zstd -19", peer,
              ratio(peer), a_change(peer));
  for (const size_t segment : {size_t{4} << 20, size_t{16} << 20}) {
    const Result r = code(type, base, content, segment);
    std::printf(
        "  gramzip, %2zu MiB (9: %zu, 10: %zu) %9zu  ratio %7.3f  %6.3f B a change, %.2f and %.2f "
        "times smaller; encode %.2f, decode %.2f, copy %.1f GB/s\n",
        segment >> 20, r.per_codec[9], r.per_codec[10], r.bytes, ratio(r.bytes), a_change(r.bytes),
        static_cast<double>(list) / static_cast<double>(r.bytes),
        static_cast<double>(peer) / static_cast<double>(r.bytes), r.encode, r.decode, r.copy);
  }
}

float float_of(uint16_t bf16) { return std::bit_cast<float>(static_cast<uint32_t>(bf16) << 16); }
uint16_t nearest_bf16(float f) {
  const auto u = std::bit_cast<uint32_t>(f);
  return static_cast<uint16_t>((u + 0x7fff + ((u >> 16) & 1)) >> 16);
}

// A step of training on master weights in float32, both sides rounded to bf16: the master weights
// are drawn evenly from the floats that round to the base's value.
Bytes stepped(const Bytes& base, double sigma) {
  std::mt19937_64 g(1);
  std::normal_distribution<float> step(0, static_cast<float>(sigma));
  std::uniform_real_distribution<float> inside(-0.5f, 0.5f);
  Bytes out(base.size());
  for (size_t i = 0; i < base.size(); i += 2) {
    const uint16_t x = load_le<uint16_t>(base.data() + i);
    const float v = float_of(x), next = float_of(static_cast<uint16_t>(x + 1));
    float master = v + inside(g) * (next - v);
    if (nearest_bf16(master) != x) master = v;
    store_le<uint16_t>(out.data() + i, nearest_bf16(master + step(g)));
  }
  return out;
}
}  // namespace

int main(int argc, char** argv) {
  const std::string weights = std::string(argc > 1 ? argv[1] : GRAMZIP_DATA) + "/weights/";
  for (const auto& [name, type] :
       {std::pair{"bf16", ElementType::bf16}, std::pair{"f32", ElementType::f32}})
    report((std::string("step, ") + name).c_str(), type,
           read_tensors(weights + "rl-sac-base-" + name + ".safetensors"),
           read_tensors(weights + "rl-sac-step-" + name + ".safetensors"));
  const Bytes style = read_tensors(weights + "style-bf16.safetensors");
  for (const double sigma : {2.1e-6, 1.44e-5})
    report(sigma < 1e-5 ? "few changes" : "more changes", ElementType::bf16, style,
           stepped(style, sigma));
}
