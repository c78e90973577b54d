// SPDX-License-Identifier: Apache-2.0
#include "host/cli/bench_codecs.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <thread>

#ifdef GRAMZIP_HAVE_ZSTD
#include <zstd.h>
#endif
#ifdef GRAMZIP_HAVE_LZMA
#include <lzma.h>
#endif

#include "host/base/memory_source.h"

namespace gramzip::cli {
namespace {
class BytesSink final : public Sink {
 public:
  explicit BytesSink(Bytes& out) : out_(out) { out_.clear(); }
  void write(std::span<const uint8_t> b) override { out_.insert(out_.end(), b.begin(), b.end()); }

 private:
  Bytes& out_;
};

class BufferMembers final : public MemberSink {
 public:
  explicit BufferMembers(Bytes& out) : out_(out) {}
  void begin(const Member&) override {}
  void write(std::span<const uint8_t> b) override {
    if (b.size() > out_.size() - at_) fail(ErrorCode::internal, "more came back than went in");
    uint8_t* const to = out_.data() + at_;
    if (to != b.data()) std::memcpy(to, b.data(), b.size());
    at_ += b.size();
  }
  std::span<uint8_t> place(uint64_t at, size_t n) override {
    if (at > out_.size() || n > out_.size() - at) return {};
    return std::span(out_).subspan(at, n);
  }
  void end(const Member&) override {}

 private:
  Bytes& out_;
  size_t at_ = 0;
};

BenchCodec gramzip_codec(const Options& o, Backend* backend, std::span<const ModelPtr> models,
                         int threads) {
  const ContentMode mode = o.mode;
  const int level = o.level;
  const bool lines_aligned = o.lines_aligned, fast = o.fast;
  return {fast ? "gramzip --fast" : "gramzip -" + std::to_string(level), threads,
          [=](const Bytes& in, Bytes& out) {
            MemorySource source(in);
            BytesSink sink(out);
            CompressOptions c;
            c.threads = threads;
            c.mode = mode;
            c.backend = backend;
            c.level = level;
            c.lines_aligned = lines_aligned;
            c.fast = fast;
            c.models = models;
            bool given = false;
            compress(
                [&](MemberInput& m) {
                  m.source = &source;
                  m.random = &source;
                  return !std::exchange(given, true);
                },
                sink, c);
          },
          [=](const Bytes& in, Bytes& out) {
            MemorySource source(in);
            BufferMembers sink(out);
            DecompressOptions d;
            d.threads = threads;
            d.backend = backend;
            d.models = models;
            d.archive = &source;
            decompress(source, sink, d);
          }};
}

#ifdef GRAMZIP_HAVE_ZSTD
void check_zstd(size_t result) {
  if (ZSTD_isError(result))
    fail(ErrorCode::internal, std::string("zstd: ") + ZSTD_getErrorName(result));
}

BenchCodec zstd_codec(int level, int threads) {
  return {"zstd -" + std::to_string(level), threads,
          [=](const Bytes& in, Bytes& out) {
            const std::unique_ptr<ZSTD_CCtx, decltype(&ZSTD_freeCCtx)> c(ZSTD_createCCtx(),
                                                                         ZSTD_freeCCtx);
            check_zstd(ZSTD_CCtx_setParameter(c.get(), ZSTD_c_compressionLevel, level));
            check_zstd(ZSTD_CCtx_setParameter(c.get(), ZSTD_c_checksumFlag, 1));
            if (threads > 1) check_zstd(ZSTD_CCtx_setParameter(c.get(), ZSTD_c_nbWorkers, threads));
            out.resize(ZSTD_compressBound(in.size()));
            const size_t n = ZSTD_compress2(c.get(), out.data(), out.size(), in.data(), in.size());
            check_zstd(n);
            out.resize(n);
          },
          [](const Bytes& in, Bytes& out) {
            check_zstd(ZSTD_decompress(out.data(), out.size(), in.data(), in.size()));
          }};
}
#endif

#ifdef GRAMZIP_HAVE_LZMA
BenchCodec xz_codec(uint32_t level) {
  return {"xz -" + std::to_string(level), 1,
          [=](const Bytes& in, Bytes& out) {
            out.resize(lzma_stream_buffer_bound(in.size()));
            size_t n = 0;
            if (lzma_easy_buffer_encode(level, LZMA_CHECK_CRC64, nullptr, in.data(), in.size(),
                                        out.data(), &n, out.size()) != LZMA_OK)
              fail(ErrorCode::internal, "xz: compression failed");
            out.resize(n);
          },
          [](const Bytes& in, Bytes& out) {
            uint64_t memory = UINT64_MAX;
            size_t in_at = 0, out_at = 0;
            if (lzma_stream_buffer_decode(&memory, 0, nullptr, in.data(), &in_at, in.size(),
                                          out.data(), &out_at, out.size()) != LZMA_OK)
              fail(ErrorCode::internal, "xz: decompression failed");
          }};
}
#endif
}  // namespace

std::vector<BenchCodec> bench_codecs(const Options& o, Backend* backend,
                                     std::span<const ModelPtr> models) {
  const int cores = std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
  const int all = o.threads > 0 ? o.threads : cores;
  std::vector<BenchCodec> out = {gramzip_codec(o, backend, models, 1)};
  if (all > 1) out.push_back(gramzip_codec(o, backend, models, all));
#ifdef GRAMZIP_HAVE_ZSTD
  for (const int level : {1, 3, 19}) {
    out.push_back(zstd_codec(level, 1));
    // zstd decompresses one frame with one thread.
    if (all > 1 && level == 3) out.push_back(zstd_codec(level, all));
  }
#endif
#ifdef GRAMZIP_HAVE_LZMA
  out.push_back(xz_codec(6));
#endif
  return out;
}

double order0_entropy(const Bytes& bytes) {
  uint64_t counts[256] = {};
  for (const uint8_t b : bytes) ++counts[b];
  double bits = 0;
  for (const uint64_t c : counts) {
    if (c == 0) continue;
    const double p = static_cast<double>(c) / static_cast<double>(bytes.size());
    bits -= p * std::log2(p);
  }
  return bits;
}
}  // namespace gramzip::cli
