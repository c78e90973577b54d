// SPDX-License-Identifier: Apache-2.0
// Tensors that are stored once, deltas against a base, chains of them.
#include <gtest/gtest.h>

#include "host/engine/base.h"
#include "host/engine/spool.h"
#include "tests/registry/cases.h"
#include "tests/registry/memory_io.h"

namespace gramzip {
using test::make_archive;
using test::make_safetensors;
using test::make_weights;
using test::MemorySink;
using test::MemorySource;
using test::open_archive;
using Bytes = std::vector<uint8_t>;

namespace {
constexpr ElementType kBf16 = ElementType::bf16;
Bytes weights(size_t bytes, uint64_t seed) { return make_weights(kBf16, bytes, 0.05, seed); }

test::TensorCase tensor(const std::string& name, Bytes bytes) {
  return {name, "BF16", std::move(bytes), 16};
}

BasePtr file_base(const Bytes& bytes, const std::string& name = "w") {
  return Base::of_file(std::make_shared<MemorySource>(bytes), name);
}
BasePtr archive_base(const Bytes& archive, BasePtr below = nullptr) {
  DecompressOptions o;
  o.find_base = [below](const frame::ContentId&) { return below; };
  return Base::of_archive(std::make_shared<ArchiveReader>(std::make_shared<MemorySource>(archive)),
                          o);
}
DecompressOptions with_base(BasePtr base) {
  DecompressOptions o;
  o.find_base = [base](const frame::ContentId&) { return base; };
  return o;
}
CompressOptions against(BasePtr base) {
  CompressOptions o;
  o.base = std::move(base);
  return o;
}

// By every way of reading.
void expect_content(const Bytes& archive, const Bytes& content, const BasePtr& base = nullptr) {
  DecompressOptions o = with_base(base);
  EXPECT_TRUE(open_archive(archive, o).files.at(0).content == content);
  MemorySource anywhere(archive);
  o.archive = &anywhere;
  EXPECT_TRUE(open_archive(archive, o).files.at(0).content == content);
  ArchiveReader reader(std::make_shared<MemorySource>(archive));
  for (const auto& [begin, end] : {std::pair<uint64_t, uint64_t>{0, content.size()},
                                   {content.size() / 3, content.size() / 2},
                                   {content.size() - 3, content.size()}}) {
    MemorySink out;
    reader.read(begin, end, out, o);
    EXPECT_TRUE(out.bytes == Bytes(content.begin() + static_cast<ptrdiff_t>(begin),
                                   content.begin() + static_cast<ptrdiff_t>(end)));
  }
}

frame::ArchiveHeader header_of(const Bytes& archive) {
  return frame::load_archive_header(archive.data(), "header");
}
ErrorCode code_of(const std::function<void()>& f, std::string* what = nullptr) {
  try {
    f();
  } catch (const Error& e) {
    if (what != nullptr) *what = e.what();
    return e.code();
  }
  return ErrorCode::ok;
}
// The section that begins at a content offset, without what says where it lies.
Bytes section_at(const Bytes& archive, uint64_t content_offset) {
  const ArchiveReader reader(std::make_shared<MemorySource>(archive));
  const SegmentInfo s = reader.segments().at(reader.segment_at(content_offset));
  EXPECT_EQ(s.content_offset, content_offset);
  return Bytes(archive.begin() + static_cast<ptrdiff_t>(s.archive_offset) + 64,
               archive.begin() + static_cast<ptrdiff_t>(s.archive_offset + s.section_bytes));
}
}  // namespace

TEST(References, EqualTensorsAreStoredOnce) {
  const Bytes a = weights(5'000'000, 1), b = weights(300'000, 2), small = weights(5000, 3);
  const Bytes file =
      make_safetensors({tensor("a", a), tensor("s1", small), tensor("b", b), tensor("s2", small),
                        tensor("lone", weights(5000, 4)), tensor("a2", a), tensor("b2", b)});
  ArchiveSummary s;
  const Bytes archive = make_archive({{"w", file}}, {}, &s);
  EXPECT_EQ(s.references, 4u);  // a in two segments, b, s
  EXPECT_EQ(header_of(archive).features, frame::kFeatureReferences);
  EXPECT_EQ(header_of(archive).window, 5'000'000u + 5000 + 300'000 + 5000 + 5000);
  expect_content(archive, file);
  const Bytes once =
      make_archive({{"w", make_safetensors({tensor("a", a), tensor("s1", small), tensor("b", b),
                                            tensor("x", weights(5000, 4))})}});
  EXPECT_LT(archive.size(), once.size() + 4096);
  for (const int threads : {1, 2, 7}) {
    CompressOptions o;
    o.threads = threads;
    EXPECT_TRUE(make_archive({{"w", file}}, o) == archive);
  }
}

TEST(References, TensorsThatDifferByOneByteDoNotMatch) {
  Bytes a = weights(9'000'000, 1), b = a;
  b[8'500'001] ^= 1;  // between the samples; in the last of three segments
  const Bytes file = make_safetensors({tensor("a", a), tensor("b", b)});
  ArchiveSummary s;
  const Bytes archive = make_archive({{"w", file}}, {}, &s);
  EXPECT_EQ(s.references, 2u);
  expect_content(archive, file);
}

TEST(References, APipeHasNoneAndTheSameCuts) {
  for (const test::FileCase& f : test::edge_files()) {
    const ArchiveReader file(std::make_shared<MemorySource>(make_archive({{"w", f.content}})));
    const Bytes archive = make_archive({{"w", f.content, 0644, true}});
    const ArchiveReader pipe(std::make_shared<MemorySource>(archive));
    EXPECT_EQ(header_of(archive).features, 0u);
    ASSERT_EQ(file.segments().size(), pipe.segments().size()) << f.name;
    for (size_t i = 0; i < file.segments().size(); ++i)
      EXPECT_EQ(file.segments()[i].content_offset, pipe.segments()[i].content_offset) << f.name;
  }
}

TEST(References, MembersReferToEarlierOnesIfTheHeaderMay) {
  const Bytes a = weights(1'400'000, 1);
  const std::vector<test::NamedFile> files = {
      {"readme", test::make_text(10'000, 1)},
      {"1", make_safetensors({tensor("a", a), tensor("b", weights(300'000, 2))})},
      {"2", make_safetensors({tensor("x", weights(300'000, 5)), tensor("c", a)})}};
  ArchiveSummary s;
  EXPECT_EQ(header_of(make_archive(files, {}, &s)).features, 0u);
  EXPECT_EQ(s.references, 0u);
  CompressOptions o;
  o.across_members = true;
  const Bytes archive = make_archive(files, o, &s);
  EXPECT_EQ(s.references, 1u);
  EXPECT_EQ(header_of(archive).window, UINT64_MAX);
  const auto out = open_archive(archive);
  for (size_t i = 0; i < files.size(); ++i) EXPECT_TRUE(out.files[i].content == files[i].content);
}

TEST(References, AnUnchangedTensorHasTheSameBytesInEveryArchive) {
  const Bytes a = weights(6'000'000, 1);
  const Bytes one = make_safetensors({tensor("a", a)}),
              two = make_safetensors({tensor("b", weights(999'998, 2)), tensor("c", weights(70, 3)),
                                      tensor("other", a), tensor("d", weights(300'000, 4))});
  const Bytes in_one = make_archive({{"w", one}}),
              in_two = make_archive({{"t", test::make_text(3000, 1)}, {"w", two}});
  const uint64_t at_one = one.size() - a.size(), at_two = 3000 + two.size() - 300'000 - a.size();
  EXPECT_TRUE(section_at(in_one, at_one) == section_at(in_two, at_two));
  EXPECT_TRUE(section_at(in_one, at_one + (4u << 20)) == section_at(in_two, at_two + (4u << 20)));
}

TEST(Delta, WhatIsEqualToTheBaseIsNotStored) {
  const Bytes b = weights(5'000'000, 1), small = weights(600, 2);
  const Bytes before = make_safetensors({tensor("s", small), tensor("b", b), tensor("b2", b)});
  ArchiveSummary s;
  const Bytes archive = make_archive({{"w", before}}, against(file_base(before)), &s);
  EXPECT_LT(archive.size(), 2500u);
  EXPECT_EQ(s.references, s.segments);
  EXPECT_EQ(header_of(archive).base.hash, hash128(before));
  expect_content(archive, before, file_base(before));
  // Other tensors before it, another header, one value changed: tensors are found by name.
  Bytes changed = b;
  changed[4'500'000] ^= 1;
  const Bytes after = make_safetensors({tensor("new", weights(400'000, 5)), tensor("s", small),
                                        tensor("b", changed), tensor("b2", b)});
  const Bytes delta = make_archive({{"w", after}}, against(file_base(before)), &s);
  EXPECT_EQ(s.references, 4u);  // s, the first of two of b, both of b2
  expect_content(delta, after, file_base(before));
  for (const int threads : {1, 2, 7}) {
    CompressOptions o = against(file_base(before));
    o.threads = threads;
    EXPECT_TRUE(make_archive({{"w", after}}, o) == delta);
  }
}

TEST(Delta, AReferenceToAReferenceToTheBaseIsOneToTheBase) {
  // The new file has the base's tensor twice; the base has it once.
  const Bytes b = weights(500'000, 1);
  const Bytes before = make_safetensors({tensor("a", b), tensor("b", weights(500'000, 2))}),
              after = make_safetensors({tensor("a", b), tensor("b", b)});
  ArchiveSummary s;
  const Bytes archive = make_archive({{"w", after}}, against(file_base(before)), &s);
  EXPECT_GE(s.references, 2u);
  expect_content(archive, after, file_base(before));
}

TEST(Delta, PlainMembersMatchByNameAndPlace) {
  Bytes text = test::make_text(3'000'000, 1), random = test::make_random(2'500'000, 2);
  const Bytes base = make_archive({{"t", text}, {"r", random}});
  text[2'900'000] ^= 1;
  random.resize(2'000'000);
  ArchiveSummary s;
  CompressOptions o = against(archive_base(base));
  o.level = 1;
  const Bytes archive = make_archive({{"r", random}, {"t", text}}, o, &s);
  EXPECT_GE(s.references, 3u);
  EXPECT_LT(archive.size(), 1'500'000u);
  const auto out = open_archive(archive, with_base(archive_base(base)));
  EXPECT_TRUE(out.files[0].content == random && out.files[1].content == text);
}

TEST(Delta, ChainsOfArchives) {
  std::vector<Bytes> steps, archives;
  std::vector<BasePtr> bases;
  Bytes w = weights(700'000, 1);
  for (size_t i = 0; i < 4; ++i) {
    w[i * 1000] ^= 1;
    steps.push_back(make_safetensors({tensor("a", w), tensor("frozen", weights(600'000, 9))}));
    archives.push_back(
        make_archive({{"w", steps[i]}}, i == 0 ? CompressOptions() : against(bases[i - 1])));
    bases.push_back(archive_base(archives[i], i == 0 ? nullptr : bases[i - 1]));
    EXPECT_EQ(bases[i]->hash(), hash128(steps[i]));
    expect_content(archives[i], steps[i], i == 0 ? nullptr : bases[i - 1]);
  }
  // The content's bytes count, not how they are kept.
  expect_content(archives[3], steps[3], file_base(steps[2]));
}

TEST(Delta, AWrongBaseIsRefusedBeforeAnythingIsWritten) {
  const Bytes before = make_safetensors({tensor("a", weights(500'000, 1))});
  Bytes other = before;
  other.back() ^= 1;
  const Bytes archive = make_archive({{"w", before}}, against(file_base(before)));
  const auto expect = [&](const BasePtr& base, ErrorCode code,
                          const std::vector<std::string>& words) {
    test::CollectMembers out;
    MemorySource in(archive);
    std::string what;
    EXPECT_EQ(code_of([&] { decompress(in, out, with_base(base)); }, &what), code) << what;
    EXPECT_TRUE(out.files.empty());
    ArchiveReader reader(std::make_shared<MemorySource>(archive));
    MemorySink part;
    EXPECT_EQ(code_of([&] { reader.read(0, 10, part, with_base(base)); }), code);
    EXPECT_TRUE(part.bytes.empty());
    for (const std::string& w : words) EXPECT_NE(what.find(w), std::string::npos) << what;
  };
  const std::string needed = hash128(before).hex(), size = std::to_string(before.size());
  expect(nullptr, ErrorCode::unsupported, {needed, size, "--base"});
  expect(file_base(other), ErrorCode::invalid_argument, {needed, hash128(other).hex()});
  other.push_back(0);
  expect(file_base(other), ErrorCode::invalid_argument,
         {needed, size, std::to_string(other.size())});
  expect_content(archive, before, file_base(before));
}

TEST(Delta, ABaseThatBecomesShorterIsAnError) {
  class Shrinking final : public RandomSource {
   public:
    explicit Shrinking(Bytes b) : bytes_(std::move(b)) {}
    uint64_t size() const override { return bytes_.size(); }
    size_t read_at(uint64_t at, uint8_t* p, size_t n) override {
      return ++reads > 1 ? 0 : MemorySource(bytes_).read_at(at, p, n);
    }
    int reads = 0;

   private:
    Bytes bytes_;
  };
  const Bytes before = weights(500'000, 1);
  const Bytes archive = make_archive({{"w", before}}, against(file_base(before)));
  const BasePtr base = Base::of_file(std::make_shared<Shrinking>(before), "w");
  EXPECT_EQ(code_of([&] { open_archive(archive, with_base(base)); }), ErrorCode::io);
}

TEST(Spool, MovesToAFileAndIsReadMeanwhile) {
  Spool spool(1000);
  Bytes all;
  for (int i = 0; i < 50; ++i) {
    const Bytes piece = test::make_random(static_cast<size_t>(i * 7), static_cast<uint64_t>(i));
    spool.append(piece);
    all.insert(all.end(), piece.begin(), piece.end());
    ASSERT_EQ(spool.size(), all.size());
    Bytes back(all.size());
    ASSERT_EQ(spool.read_at(0, back.data(), back.size()), all.size());
    ASSERT_TRUE(back == all);
  }
  uint8_t b[10];
  EXPECT_EQ(spool.read_at(all.size() - 4, b, 10), 4u);
  EXPECT_EQ(spool.read_at(all.size(), b, 10), 0u);
}
}  // namespace gramzip
