// SPDX-License-Identifier: Apache-2.0
// A member of an archive as a file: the same bytes as the member's, and no more of the archive read
// than what holds them.
#include "host/engine/member_source.h"

#include <gtest/gtest.h>

#include <atomic>
#include <random>

#include "tests/registry/cases.h"
#include "tests/registry/memory_io.h"
#include "tests/registry/tensor_files.h"

namespace gramzip {
namespace {
using namespace test;

class CountingSource final : public RandomSource {
 public:
  explicit CountingSource(std::vector<uint8_t> bytes) : source_(std::move(bytes)) {}
  uint64_t size() const override { return source_.size(); }
  size_t read_at(uint64_t at, uint8_t* p, size_t n) override {
    const size_t got = source_.read_at(at, p, n);
    bytes += got;
    return got;
  }
  std::atomic<uint64_t> bytes = 0;

 private:
  MemorySource source_;
};

std::vector<uint8_t> bytes_of(const std::string& s) { return {s.begin(), s.end()}; }

TEST(MemberSource, ReadsWhatTheMemberHolds) {
  std::vector<NamedFile> files;
  files.push_back({"t.txt", make_text(1'300'000, 3)});  // with a model: decoded from the start
  files.push_back(
      {"w.safetensors",
       make_safetensors({{"w", "BF16", make_weights(ElementType::bf16, 900'002, 0.02, 5), 16}})});
  files.push_back({"empty", {}});
  files.push_back({"b.bin", bytes_of(std::string(70'000, 'b') + std::string(70'000, '\1'))});
  const auto source = std::make_shared<CountingSource>(make_archive(files));
  ArchiveReader reader(source);
  std::mt19937 random(1);
  for (size_t f = 0; f < files.size(); ++f) {
    const std::vector<uint8_t>& want = files[f].content;
    MemberSource file(reader, reader.members()[f], {});
    EXPECT_EQ(file.size(), want.size());
    for (int i = 0; i < 200; ++i) {
      const uint64_t at = random() % (want.size() + 2);
      const size_t n = random() % (i % 10 == 0 ? 300'000 : 300);
      std::vector<uint8_t> got(n, 0xee);
      const size_t k = file.read_at(at, got.data(), n);
      ASSERT_EQ(k, at >= want.size() ? 0 : std::min<uint64_t>(n, want.size() - at));
      ASSERT_TRUE(
          std::equal(got.begin(), got.begin() + static_cast<ptrdiff_t>(k),
                     want.begin() + static_cast<ptrdiff_t>(std::min<uint64_t>(at, want.size()))));
    }
  }
}

TEST(MemberSource, OneRowCostsTheHeaderAndABlockOrTwo) {
  constexpr uint64_t kRows = 2000, kRow = 2000;
  const auto weights = make_weights(ElementType::bf16, kRows * kRow, 0.02, 7);
  const std::vector<uint8_t> content = make_safetensors({{"w", "BF16", weights, 16}});
  const auto source = std::make_shared<CountingSource>(make_archive({{"w.safetensors", content}}));
  ArchiveReader reader(source);
  const uint64_t index = source->bytes;

  const auto c = member_checkpoint(reader, reader.members()[0], {});
  ASSERT_TRUE(c && c->tensors.size() == 1);
  const Tensor& t = c->tensors[0];
  const uint64_t head = source->bytes - index;
  EXPECT_LE(reader.blocks_decoded(), 2u);
  EXPECT_LT(head, 140'000u);

  MemorySink row;
  const uint64_t at = t.begin + 1234 * kRow;
  reader.read(at, at + kRow, row, {});
  EXPECT_EQ(row.bytes,
            std::vector<uint8_t>(weights.begin() + 1234 * kRow, weights.begin() + 1235 * kRow));
  EXPECT_LE(reader.blocks_decoded(), 4u);
  EXPECT_LT(source->bytes - index - head, 2 * 65536u + 4096);
  EXPECT_GT(source->size(), 20 * source->bytes);
}

TEST(MemberSource, MembersOfKindPlainAreLookedAtToo) {
  std::vector<NamedFile> files;
  for (const auto& [name, bytes] : tensor_file_samples()) files.push_back({name, bytes_of(bytes)});
  files.push_back({"notes.txt", bytes_of("PK\3\4, GGUF and other words")});
  files.push_back({"broken.gguf", bytes_of("GGUF" + std::string(100, '\0'))});
  ArchiveReader reader(std::make_shared<CountingSource>(make_archive(files)));
  for (size_t i = 0; i < files.size(); ++i) {
    SCOPED_TRACE(files[i].name);
    const Member& m = reader.members()[i];
    const bool tensors = i + 2 < files.size();
    std::optional<Checkpoint> c;
    try {
      c = member_checkpoint(reader, m, {});
    } catch (const Error&) {
      EXPECT_FALSE(tensors);
    }
    ASSERT_EQ(c.has_value(), tensors);
    for (const Tensor& t : c ? c->tensors : std::vector<Tensor>()) {
      EXPECT_GE(t.begin, m.start);
      EXPECT_LE(t.end, m.start + m.size);
    }
  }
}
}  // namespace
}  // namespace gramzip
