// SPDX-License-Identifier: Apache-2.0
// Text with models in whole archives: windows, fallback, sections, models that are given, damage.
// The codec itself is the registry's stub.
#include <gtest/gtest.h>

#include "host/frame/model_wire.h"
#include "host/frame/segment_meta.h"
#include "host/frame/writer.h"
#include "tests/registry/cases.h"
#include "tests/registry/memory_io.h"
#include "tests/registry/text_stub.h"

namespace gramzip {
using test::CollectMembers;
using test::NamedFile;

namespace {
using Bytes = std::vector<uint8_t>;

class TextEngine : public testing::Test {
 protected:
  CompressOptions options(int level = 1, int threads = 2) {
    CompressOptions o;
    o.level = level;
    o.threads = threads;
    o.backend = &backend;
    o.train = [this](std::span<const std::span<const uint8_t>> text, const TrainOptions& t) {
      trained.emplace_back();
      for (const auto piece : text) trained.back().push_back(piece.size());
      return test::stub_train(text, t);
    };
    return o;
  }
  Bytes pack(const std::vector<NamedFile>& files, const CompressOptions& o) {
    trained.clear();
    return test::make_archive(files, o, &summary);
  }
  CollectMembers unpack(const Bytes& archive, std::span<const ModelPtr> models = {}) {
    DecompressOptions o;
    o.backend = &backend;
    o.models = models;
    return test::open_archive(archive, o);
  }
  std::string error_of(const Bytes& archive, std::span<const ModelPtr> models = {},
                       ErrorCode* code = nullptr) {
    try {
      unpack(archive, models);
    } catch (const Error& e) {
      if (code != nullptr) *code = e.code();
      return e.what();
    }
    return "";
  }
  Bytes read(ArchiveReader& reader, uint64_t begin, uint64_t end,
             std::span<const ModelPtr> models = {}) {
    DecompressOptions o;
    o.backend = &backend;
    o.models = models;
    test::MemorySink out;
    reader.read(begin, end, out, o);
    return out.bytes;
  }
  static ArchiveReader reader_of(const Bytes& archive) {
    return ArchiveReader(std::make_shared<test::MemorySource>(archive));
  }

  test::StubTextBackend backend;
  ArchiveSummary summary;
  std::vector<std::vector<size_t>> trained;  // sizes of the pieces of each training
};

constexpr size_t MiB = 1u << 20;
}  // namespace

TEST_F(TextEngine, OneModelForAWindowOfText) {
  const Bytes text = test::make_text(3 * MiB + 100, 1);
  const Bytes archive = pack({{"t", text}}, options());
  EXPECT_EQ(trained, (std::vector<std::vector<size_t>>{{MiB, MiB, MiB, 100}}));
  EXPECT_EQ(summary.models, 1u);
  EXPECT_EQ(summary.segments, 4u);
  EXPECT_GE(summary.ngram_segments, 3u);
  EXPECT_EQ(unpack(archive).files.at(0).content, text);
  CompressOptions bytes;
  bytes.mode = ContentMode::bytes;
  EXPECT_LT(archive.size(), test::make_archive({{"t", text}}, bytes).size());
}

TEST_F(TextEngine, SegmentsGrowWithTheLevel) {
  const Bytes text = test::make_text(17 * MiB, 1);
  for (const auto& [level, segments] : {std::pair{1, 17u}, {3, 17u}, {4, 5u}, {6, 5u}, {7, 2u}}) {
    const Bytes archive = pack({{"t", text}}, options(level));
    EXPECT_EQ(summary.segments, segments) << level;
    // 16 MiB are a window of the levels 1 to 3; the rest is like the text before it.
    EXPECT_EQ(trained.size(), 1u) << level;
    EXPECT_EQ(summary.models, 1u) << level;
    EXPECT_EQ(unpack(archive).files.at(0).content, text) << level;
  }
  EXPECT_THROW(pack({{"t", text}}, options(0)), Error);
  EXPECT_THROW(pack({{"t", text}}, options(10)), Error);
}

TEST_F(TextEngine, OtherTextGetsAModelOfItsOwnAndComesBackToTheOldOne) {
  const Bytes a = test::make_text(16 * MiB, 1), b = test::make_text(16 * MiB, 2);
  const Bytes archive = pack({{"a", a}, {"b", b}, {"c", a}}, options());
  EXPECT_EQ(trained.size(), 2u);
  EXPECT_EQ(summary.models, 2u);
  EXPECT_EQ(summary.segments, 48u);
  EXPECT_EQ(summary.ngram_segments, 48u);
  EXPECT_EQ(unpack(archive).files.at(2).content, a);
}

TEST_F(TextEngine, TheSameBytesAtAnyThreadCountAndBatch) {
  const std::vector<NamedFile> files = {{"a", test::make_text(17 * MiB, 1)},
                                        {"b", test::make_random(MiB + 3, 2)},
                                        {"c", test::make_text(20 * MiB, 3)},
                                        {"w", test::edge_files()[7].content},
                                        {"d", test::make_text(5000, 4)}};
  const Bytes one = pack(files, options(1, 1));
  for (const int threads : {2, 7})
    for (const uint32_t batch : {1u, 3u}) {
      backend.batch = batch;
      EXPECT_TRUE(pack(files, options(1, threads)) == one) << threads << " " << batch;
    }
  const CollectMembers out = unpack(one);
  for (size_t i = 0; i < files.size(); ++i) EXPECT_EQ(out.files[i].content, files[i].content) << i;
}

TEST_F(TextEngine, ATextTooSmallForAModelCarriesNone) {
  for (const size_t n : {1u, 500u, 1024u, 1500u, 2000u}) {
    const Bytes text = test::make_text(n, n);
    const Bytes archive = pack({{"t", text}}, options());
    EXPECT_EQ(summary.models, 0u) << n;
    EXPECT_EQ(summary.ngram_segments, 0u) << n;
    EXPECT_EQ(trained.size(), n >= 1024 ? 1u : 0u) << n;
    EXPECT_EQ(unpack(archive).files.at(0).content, text) << n;
  }
  // Text without words: the model is trained, and never pays.
  Bytes letters = test::make_random(3 * MiB, 1);
  for (uint8_t& b : letters) b = static_cast<uint8_t>('!' + b % 80);
  const Bytes archive = pack({{"t", letters}}, options());
  EXPECT_EQ(trained.size(), 1u);
  EXPECT_EQ(summary.models, 0u);
  EXPECT_EQ(unpack(archive).files.at(0).content, letters);
}

TEST_F(TextEngine, SegmentsThatGainNothingGoWithoutTheModel) {
  Bytes letters = test::make_random(2 * MiB, 1);
  for (uint8_t& b : letters) b = static_cast<uint8_t>('!' + b % 80);
  const Bytes text = test::make_text(2 * MiB, 1);
  const Bytes archive = pack({{"l", letters}, {"t", text}}, options());
  EXPECT_EQ(summary.models, 1u);
  EXPECT_EQ(summary.ngram_segments, 2u);
  const CollectMembers out = unpack(archive);
  EXPECT_EQ(out.files.at(0).content, letters);
  EXPECT_EQ(out.files.at(1).content, text);
}

TEST_F(TextEngine, BytesWeightsAndEmptyMembersInOrder) {
  const std::vector<NamedFile> files = {{"e0", {}},
                                        {"a.txt", test::make_text(2 * MiB, 1)},
                                        {"b.bin", test::make_random(2 * MiB, 2)},
                                        {"e1", {}},
                                        {"c.txt", test::make_text(3 * MiB, 1)},
                                        {"w.safetensors", test::edge_files()[7].content},
                                        {"d.txt", test::make_text(MiB, 1)},
                                        {"e2", {}}};
  const Bytes archive = pack(files, options());
  // Weights end a window, bytes do not; the text behind them goes on with the model.
  // The checkpoint's header, text of another kind, is too small for one.
  EXPECT_EQ(trained.size(), 1u);
  EXPECT_EQ(summary.models, 1u);
  const CollectMembers out = unpack(archive);
  ASSERT_EQ(out.files.size(), files.size());
  ArchiveReader reader = reader_of(archive);
  uint64_t at = 0;
  for (size_t i = 0; i < files.size(); ++i) {
    EXPECT_EQ(out.files[i].content, files[i].content) << files[i].name;
    EXPECT_EQ(read(reader, at, at + files[i].content.size()), files[i].content) << files[i].name;
    at += files[i].content.size();
  }
}

TEST_F(TextEngine, ReadingDecodesFromTheFirstBlockOfASegmentToTheLastNeeded) {
  const Bytes text = test::make_text(3 * MiB, 1);
  const Bytes archive = pack({{"t", text}}, options());
  ASSERT_EQ(summary.ngram_segments, 3u);
  ArchiveReader reader = reader_of(archive);
  ASSERT_EQ(reader.segments().size(), 3u);
  EXPECT_EQ(reader.segment_header(1).codec, Codec::ngram);
  const auto part = [&](size_t a, size_t b) {
    return Bytes(text.begin() + static_cast<ptrdiff_t>(a),
                 text.begin() + static_cast<ptrdiff_t>(b));
  };
  EXPECT_EQ(read(reader, MiB + 5, MiB + 10), part(MiB + 5, MiB + 10));
  EXPECT_EQ(reader.blocks_decoded(), 1u);
  const size_t in_third = MiB + 2 * (MiB / 4) + 7;
  EXPECT_EQ(read(reader, in_third, in_third + 1), part(in_third, in_third + 1));
  EXPECT_EQ(reader.blocks_decoded(), 4u);
  EXPECT_EQ(read(reader, MiB - 1, MiB + 1), part(MiB - 1, MiB + 1));
  EXPECT_EQ(reader.blocks_decoded(), 9u);
}

TEST_F(TextEngine, GivenModelsAreNamedAndNotHeld) {
  const Bytes text = test::make_text(20'000, 1), other = test::make_text(20'000, 2);
  const ModelPtr right = test::stub_model(test::make_text(MiB, 1)),
                 wrong = test::stub_model(test::make_text(MiB, 9));
  const ModelPtr both[] = {wrong, right};
  CompressOptions o = options();
  o.models = both;
  const Bytes archive = pack({{"t", text}}, o);
  EXPECT_EQ(trained.size(), 0u);
  EXPECT_EQ(summary.models, 0u);
  EXPECT_EQ(summary.ngram_segments, 1u);
  EXPECT_LT(archive.size(), pack({{"t", text}}, options()).size());
  EXPECT_EQ(unpack(archive, both).files.at(0).content, text);
  EXPECT_EQ(unpack(archive, {&both[1], 1}).files.at(0).content, text);

  ErrorCode code = ErrorCode::ok;
  for (const auto models : {std::span<const ModelPtr>(), std::span<const ModelPtr>(both, 1)}) {
    const std::string what = error_of(archive, models, &code);
    EXPECT_EQ(code, ErrorCode::unsupported);
    EXPECT_NE(what.find(right->id().hex()), std::string::npos) << what;
    EXPECT_NE(what.find("give it with -D MODEL.grm"), std::string::npos) << what;
    ArchiveReader reader = reader_of(archive);
    EXPECT_EQ(reader.members().size(), 1u);
    EXPECT_THROW(read(reader, 0, 1, models), Error);
  }
  ArchiveReader reader = reader_of(archive);
  EXPECT_EQ(read(reader, 5, 500, both), Bytes(text.begin() + 5, text.begin() + 500));
  // Of text that no given model suits, nothing is named.
  CompressOptions only_wrong = options();
  only_wrong.models = {both, 1};
  pack({{"t", test::make_text(400, 77)}}, only_wrong);
  EXPECT_EQ(summary.ngram_segments, 0u);
}

TEST_F(TextEngine, LinesAlignedSegmentsEndAtLineEnds) {
  Bytes text = test::make_text(5 * MiB, 1);
  CompressOptions o = options();
  o.lines_aligned = true;
  const auto ends = [&](const Bytes& archive) {
    ArchiveReader reader = reader_of(archive);
    std::vector<uint64_t> at;
    for (const SegmentInfo& s : reader.segments()) at.push_back(s.content_offset + s.content_bytes);
    return at;
  };
  Bytes archive = pack({{"t", text}}, o);
  EXPECT_EQ(unpack(archive).files.at(0).content, text);
  std::vector<uint64_t> at = ends(archive);
  ASSERT_EQ(at.size(), 6u);
  for (size_t i = 0; i + 1 < at.size(); ++i) EXPECT_EQ(text[at[i] - 1], '\n') << i;
  // A line longer than a block is cut where the segment is full, and the next ends align again.
  std::fill(text.begin() + MiB - 300'000, text.begin() + MiB + 300'000, 'x');
  archive = pack({{"t", text}}, o);
  EXPECT_EQ(unpack(archive).files.at(0).content, text);
  at = ends(archive);
  EXPECT_EQ(at[0], MiB);
  for (size_t i = 1; i + 1 < at.size(); ++i) EXPECT_EQ(text[at[i] - 1], '\n') << i;
  // Members that begin in the rest of a line; bytes behind it; the same at other thread counts.
  const std::vector<NamedFile> files = {{"a", Bytes(text.begin(), text.begin() + MiB - 9)},
                                        {"b", {}},
                                        {"c", test::make_text(40, 2)},
                                        {"d", test::make_random(2 * MiB, 3)},
                                        {"e", {}},
                                        {"f", test::make_text(MiB, 4)}};
  archive = pack(files, o);
  o.threads = 5;
  EXPECT_TRUE(pack(files, o) == archive);
  const CollectMembers out = unpack(archive);
  for (size_t i = 0; i < files.size(); ++i) EXPECT_EQ(out.files[i].content, files[i].content) << i;
}

// Archives written by hand: which model sections a segment may name.
class ModelSections : public TextEngine {
 protected:
  const Bytes text = test::make_text(30'000, 1);
  static std::pair<ModelPtr, Bytes> model_of(uint64_t seed) {
    const Bytes t = test::make_text(5000, seed);
    const std::span<const uint8_t> piece = t;
    model::NgramModel m = test::stub_train({&piece, 1}, {});
    Bytes bytes = frame::store_model(m);
    return {std::make_shared<const model::TextModel>(std::move(m)), bytes};
  }
  // A model section a seed, then one segment that names the model of `named`.
  Bytes forge(const std::vector<uint64_t>& seeds, uint64_t named, uint32_t features = 0) {
    test::MemorySink out;
    frame::ArchiveWriter w(out, {features, 0, {}});
    for (const uint64_t s : seeds) w.model(model_of(s).second);
    const frame::MemberRecord r{0, 0644, 0, "a"};
    w.members({&r, 1});
    const ModelPtr m = model_of(named).first;
    const SegmentInput in{ElementType::text, text, m.get(), 1};
    EncodedSegment s;
    backend.encode({&in, 1}, {&s, 1});
    w.segment(s);
    w.finish({{0, text.size(), hash128(text)}}, hash128(text));
    return out.bytes;
  }
};

TEST_F(ModelSections, OnlyTheLastEightAreInReach) {
  EXPECT_EQ(unpack(forge({1}, 1)).files.at(0).content, text);
  const std::vector<uint64_t> eight = {1, 2, 3, 4, 5, 6, 7, 8};
  std::vector<uint64_t> nine = eight;
  nine.push_back(9);
  for (const uint64_t named : eight) EXPECT_EQ(error_of(forge(eight, named)), "") << named;
  for (const auto& [seeds, named] : {std::pair{nine, 1}, {eight, 9}, {{}, 1}}) {
    ErrorCode code = ErrorCode::ok;
    const Bytes archive = forge(seeds, static_cast<uint64_t>(named));
    const std::string what = error_of(archive, {}, &code);
    EXPECT_EQ(code, ErrorCode::corrupt);
    EXPECT_NE(what.find("not among the last 8"), std::string::npos) << what;
    // Only an archive that says so may use models from outside.
    const ModelPtr given = model_of(static_cast<uint64_t>(named)).first;
    EXPECT_NE(error_of(archive, {&given, 1}), "");
    ArchiveReader reader = reader_of(archive);
    EXPECT_THROW(read(reader, 0, 1, {&given, 1}), Error);
    const Bytes with = forge(seeds, static_cast<uint64_t>(named), frame::kFeatureModels);
    EXPECT_EQ(error_of(with, {&given, 1}), "");
    ArchiveReader other = reader_of(with);
    EXPECT_EQ(read(other, 9, 30, {&given, 1}), Bytes(text.begin() + 9, text.begin() + 30));
  }
  EXPECT_EQ(error_of(forge(nine, 9)), "");
  ArchiveReader reader = reader_of(forge(eight, 1));
  EXPECT_EQ(read(reader, 0, text.size()), text);
}

TEST_F(ModelSections, ADamagedModelConcernsOnlyThoseWhoUseIt) {
  Bytes archive = forge({1, 2}, 1);
  const size_t second = 128 + frame::model_section_bytes(model_of(1).second.size());
  archive[second + frame::kSectionHeaderBytes + 10] ^= 1;
  EXPECT_NE(error_of(archive), "");
  ArchiveReader reader = reader_of(archive);
  EXPECT_EQ(read(reader, 0, text.size()), text);

  Bytes needed = forge({2, 1}, 1);
  const size_t last = 128 + frame::model_section_bytes(model_of(2).second.size());
  needed[last + frame::kSectionHeaderBytes + 10] ^= 1;
  ArchiveReader other = reader_of(needed);
  EXPECT_THROW(read(other, 0, 1), Error);
}

TEST_F(ModelSections, EveryBitOfAModelSectionCounts) {
  Bytes archive = forge({1}, 1);
  const size_t bytes = model_of(1).second.size();
  size_t unnoticed = 0;
  for (size_t bit = 128 * 8; bit < (128 + frame::model_section_bytes(bytes)) * 8; ++bit) {
    archive[bit / 8] ^= static_cast<uint8_t>(1u << (bit % 8));
    unnoticed += error_of(archive).empty();
    archive[bit / 8] ^= static_cast<uint8_t>(1u << (bit % 8));
  }
  EXPECT_EQ(unnoticed, 0u);
}

TEST_F(ModelSections, WithHashesThatFitEveryByteOfAModelIsJudged) {
  // Each changed byte gives another model or none. Another one has another name: nothing of it is
  // used, so no change decodes to the content.
  const Bytes bytes = model_of(1).second;
  const ModelPtr m = model_of(1).first;
  const SegmentInput in{ElementType::text, text, m.get(), 1};
  EncodedSegment s;
  backend.encode({&in, 1}, {&s, 1});
  for (size_t at = 0; at < bytes.size(); ++at) {
    Bytes changed = bytes;
    changed[at] ^= static_cast<uint8_t>(1u << (at % 8));
    test::MemorySink out;
    frame::ArchiveWriter w(out);
    w.model(changed);
    const frame::MemberRecord r{0, 0644, 0, "a"};
    w.members({&r, 1});
    w.segment(s);
    w.finish({{0, text.size(), hash128(text)}}, hash128(text));
    ErrorCode code = ErrorCode::ok;
    error_of(out.bytes, {}, &code);
    ASSERT_TRUE(code == ErrorCode::corrupt || code == ErrorCode::limit) << at;
  }
}

TEST_F(ModelSections, ADamagedModelIsTheFirstErrorAtAnyThreadCount) {
  test::MemorySink out;
  frame::ArchiveWriter w(out);
  const frame::MemberRecord r{0, 0644, 0, "a"};
  w.members({&r, 1});
  Bytes bad = model_of(1).second;
  bad[4] ^= 1;
  w.model(bad);
  w.finish({{0, 0, hash128({})}}, hash128({}));
  for (const int threads : {1, 4}) {
    DecompressOptions o;
    o.threads = threads;
    o.backend = &backend;
    try {
      test::open_archive(out.bytes, o);
      ADD_FAILURE() << "a model that nothing uses was not checked";
    } catch (const Error& e) {
      EXPECT_NE(std::string(e.what()).find("model section 1"), std::string::npos) << e.what();
    }
  }
}
}  // namespace gramzip
