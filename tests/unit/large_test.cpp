// SPDX-License-Identifier: Apache-2.0
// Tensors over 4 GiB, one of them twice, from a source that makes its bytes when they are read.
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <algorithm>
#include <cstring>
#include <string>

#include "gramzip/core/wire.h"
#include "host/engine/engine.h"
#include "tests/registry/memory_io.h"

namespace gramzip {
namespace {
constexpr uint64_t kTensor = (uint64_t{4} << 30) + (5u << 20), kEvery = 100'000'007;

// A safetensors file of two equal tensors: zeros, and a byte of its own every kEvery bytes.
class Generated final : public Source, public RandomSource {
 public:
  Generated() {
    std::string json = "{";
    for (const int i : {0, 1}) {
      const std::string n = std::to_string(kTensor / 4), begin = std::to_string(i * kTensor),
                        end = std::to_string((i + 1) * kTensor);
      json.append(i == 0 ? "" : ",").append(i == 0 ? "\"a\"" : "\"b\"");
      json.append(":{\"dtype\":\"F32\",\"shape\":[").append(n).append("],\"data_offsets\":[");
      json.append(begin).append(",").append(end).append("]}");
    }
    json.append("}");
    json.resize(round_up(json.size(), 8), ' ');
    head_.resize(8);
    store_le<uint64_t>(head_.data(), json.size());
    head_.insert(head_.end(), json.begin(), json.end());
  }
  uint64_t size() const override { return head_.size() + 2 * kTensor; }
  size_t read_at(uint64_t at, uint8_t* p, size_t n) override {
    if (at >= size()) return 0;
    n = std::min<uint64_t>(n, size() - at);
    std::memset(p, 0, n);
    for (uint64_t i = at; i < std::min<uint64_t>(at + n, head_.size()); ++i) p[i - at] = head_[i];
    for (const int t : {0, 1}) {
      const uint64_t begin = head_.size() + t * kTensor;
      for (uint64_t k = 0; k * kEvery < kTensor; ++k) {
        const uint64_t mark = begin + k * kEvery;
        if (mark >= at && mark < at + n) p[mark - at] = static_cast<uint8_t>(k + 1);
      }
    }
    return n;
  }
  size_t read(uint8_t* p, size_t n) override {
    const size_t got = read_at(at_, p, n);
    at_ += got;
    return got;
  }

 private:
  std::vector<uint8_t> head_;
  uint64_t at_ = 0;
};

class Nowhere final : public MemberSink {
 public:
  void begin(const Member&) override {}
  void write(std::span<const uint8_t>) override {}
  void end(const Member&) override {}
};
}  // namespace

TEST(Large, TensorsOver4GiBAndTheirTwins) {
  Generated file;
  test::MemorySink out;
  bool given = false;
  const ArchiveSummary s = compress(
      [&](MemberInput& m) {
        m.name = "large.safetensors";
        m.source = &file;
        m.random = &file;
        return !std::exchange(given, true);
      },
      out, {});
  EXPECT_EQ(s.content_bytes, file.size());
  EXPECT_EQ(s.references, (kTensor + (4u << 20) - 1) / (4u << 20));
  EXPECT_LT(out.bytes.size(), 16u << 20);
  EXPECT_EQ(load_le<uint64_t>(out.bytes.data() + 16), kTensor);  // the window

  test::MemorySource archive(out.bytes);
  Nowhere nowhere;
  DecompressOptions options;
  options.archive = &archive;
  EXPECT_EQ(decompress(archive, nowhere, options).hash, s.hash);

  ArchiveReader reader(std::make_shared<test::MemorySource>(out.bytes));
  for (const uint64_t at : {uint64_t{0}, file.size() - kTensor - 5, file.size() - 1'000'000,
                            file.size() - kTensor + 42 * kEvery - 3}) {
    test::MemorySink part;
    reader.read(at, at + 1000, part, {});
    std::vector<uint8_t> expected(1000);
    file.read_at(at, expected.data(), 1000);
    EXPECT_TRUE(part.bytes == expected) << at;
  }
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  EXPECT_LT(usage.ru_maxrss, 400'000);  // KiB
}
}  // namespace gramzip
