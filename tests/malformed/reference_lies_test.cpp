// SPDX-License-Identifier: Apache-2.0
// References that break the rules of docs/format.md, 14 and 15, behind hashes that are right.
#include <gtest/gtest.h>

#include "gramzip/gramzip.h"
#include "host/engine/base.h"
#include "host/frame/writer.h"
#include "tests/registry/cases.h"
#include "tests/registry/memory_io.h"
#include "tests/registry/segments.h"

namespace gramzip {
namespace {
using Bytes = std::vector<uint8_t>;
constexpr uint32_t kSize = 1000;

const Bytes& first() {
  static const Bytes bytes = test::make_random(2 * kSize, 1);
  return bytes;
}
const Bytes& base_bytes() {
  static const Bytes bytes = test::make_random(3 * kSize, 2);
  return bytes;
}

EncodedSegment stored(size_t at) {
  return test::encode_segment(*make_cpu_backend(),
                              {"s", ElementType::bytes,
                               Bytes(first().begin() + static_cast<ptrdiff_t>(at),
                                     first().begin() + static_cast<ptrdiff_t>(at + kSize))});
}

// A reference to kSize bytes, and the content that it claims.
struct Part {
  EncodedSegment segment;
  Bytes content;
};
Part to(uint64_t at, bool of_base = false) {
  Part p;
  const Bytes& source = of_base ? base_bytes() : first();
  const uint64_t from = at <= source.size() - kSize ? at : 0;
  p.content.assign(source.begin() + static_cast<ptrdiff_t>(from),
                   source.begin() + static_cast<ptrdiff_t>(from + kSize));
  p.segment.header = make_reference_header(ElementType::bytes, kSize, at, of_base);
  const Hash128 hash = hash128(p.content);
  p.segment.header.model_low = hash.low;
  p.segment.header.model_high = hash.high;
  return p;
}
frame::ArchiveHeader header(uint32_t features, uint64_t window) {
  frame::ArchiveHeader h{features, window, {}};
  if (h.has(frame::kFeatureDelta)) h.base = {base_bytes().size(), hash128(base_bytes())};
  return h;
}
const frame::ArchiveHeader kBoth =
    header(frame::kFeatureDelta | frame::kFeatureReferences, UINT64_MAX);

// Two segments of kSize bytes, then the parts.
Bytes forge(const std::vector<Part>& parts, const frame::ArchiveHeader& h) {
  test::MemorySink out;
  frame::ArchiveWriter w(out, h);
  const frame::MemberRecord r{0, 0644, 0, "a"};
  w.members({&r, 1});
  w.segment(stored(0));
  w.segment(stored(kSize));
  Bytes content = first();
  for (const Part& p : parts) {
    w.segment(p.segment);
    content.insert(content.end(), p.content.begin(), p.content.end());
  }
  w.finish({{0, content.size(), hash128(content)}}, hash128(content));
  return out.bytes;
}

// By every way of reading; they must agree.
std::string error_of(const Bytes& archive) {
  DecompressOptions o;
  o.find_base = [](const frame::ContentId&) {
    return Base::of_file(std::make_shared<test::MemorySource>(base_bytes()), "");
  };
  const auto caught = [](const std::function<void()>& f) -> std::string {
    try {
      f();
    } catch (const Error& e) {
      EXPECT_EQ(e.code(), ErrorCode::corrupt) << e.what();
      std::string what = e.what();
      if (const size_t at = what.find(" at byte 0:"); at != std::string::npos) what.erase(at, 10);
      return what;
    }
    return "";
  };
  const std::string pipe = caught([&] { test::open_archive(archive, o); });
  EXPECT_EQ(pipe, caught([&] {
              test::MemorySource anywhere(archive);
              o.archive = &anywhere;
              test::open_archive(archive, o);
            }));
  EXPECT_EQ(pipe, caught([&] {
              ArchiveReader reader(std::make_shared<test::MemorySource>(archive));
              test::MemorySink out;
              reader.read(0, reader.content_bytes(), out, o);
            }));
  return pipe;
}

void expect(const char* what, const std::vector<Part>& parts,
            const frame::ArchiveHeader& h = kBoth) {
  const std::string error = error_of(forge(parts, h));
  EXPECT_NE(error.find(what), std::string::npos) << "wanted: " << what << "; got: " << error;
}
}  // namespace

TEST(ReferenceLies, TheForgeItselfIsHonest) {
  EXPECT_EQ(error_of(forge({to(0), to(kSize), to(100, true), to(0)}, kBoth)), "");
  EXPECT_EQ(error_of(forge({to(0)}, header(frame::kFeatureReferences, 2 * kSize))), "");
  EXPECT_EQ(error_of(forge({to(0, true)}, header(frame::kFeatureDelta, 0))), "");
}

TEST(ReferenceLies, WhereTheyPoint) {
  expect("not before it", {to(2 * kSize)});         // itself
  expect("not before it", {to(2 * kSize - 1)});     // in part itself
  expect("not before it", {to(3 * kSize), to(0)});  // forward
  expect("not before it", {to(uint64_t{1} << 60)});
  expect("several segments", {to(1)});
}

TEST(ReferenceLies, WhatTheyPointAt) {
  expect("to a reference", {to(0), to(2 * kSize)});
  expect("beyond the reference window", {to(0)}, header(frame::kFeatureReferences, 2 * kSize - 1));
  expect("beyond the reference window", {to(0)}, header(frame::kFeatureReferences, 0));
  expect("does not say so", {to(0)}, header(frame::kFeatureDelta, 0));
  expect("the archive has none", {to(0, true)}, header(frame::kFeatureReferences, UINT64_MAX));
  Part p = to(0);
  p.segment.header.type = ElementType::bf16;
  expect("another element type", {p});
  p = to(0);
  p.segment.header.model_low ^= 1;
  expect("the hash of what it refers to", {p});
  p = to(0, true);
  p.segment.header.model_high ^= 1;
  expect("the hash of what it refers to", {p});
  p = to(0, true);
  p.segment.header.reference_at = 2 * kSize + 1;
  expect("behind the end of the base", {p});
  p.segment.header.reference_at = UINT64_MAX - 5;
  expect("impossible bytes", {p});
}

TEST(ReferenceLies, Fields) {
  const auto changed = [](const std::function<void(EncodedSegment&)>& change) {
    Part p = to(0);
    change(p.segment);
    return std::vector<Part>{p};
  };
  expect("block size", changed([](EncodedSegment& s) { s.header.block_log2 = 16; }));
  expect("symbol width", changed([](EncodedSegment& s) { s.header.symbol_bits = 8; }));
  expect("code length limit", changed([](EncodedSegment& s) { s.header.code_limit = 11; }));
  expect("too many code tables", changed([](EncodedSegment& s) { s.header.tables = 1; }));
  expect("run length", changed([](EncodedSegment& s) { s.header.run_log2 = 8; }));
  expect("number of blocks", changed([](EncodedSegment& s) { s.header.blocks = 1; }));
  expect("tables of a reference", changed([](EncodedSegment& s) { s.header.table_bytes = 8; }));
  expect("do not fill its data", changed([](EncodedSegment& s) { s.data.resize(32); }));
  expect("size of its meta", changed([](EncodedSegment& s) { s.records.resize(1); }));
  EncodedSegment s = stored(0);
  s.header.reference_at = 1;
  expect("that its codec has not", {{s, Bytes(first().begin(), first().begin() + kSize)}});
}

TEST(ReferenceLies, Headers) {
  const auto refused = [](const frame::ArchiveHeader& h, const char* what) {
    const std::string error = error_of(forge({}, h));
    EXPECT_NE(error.find(what), std::string::npos) << error;
  };
  refused({0, 1, {}}, "window without");
  refused({frame::kFeatureReferences, 1, {1, {}}}, "base without");
  refused({0, 0, {0, {0, 1}}}, "base without");
}

// What hashes cannot notice beforehand changes the buffer, and the status says so.
TEST(ReferenceLies, ADeltaThatDeceivesIsReported) {
  test::MemorySink out;
  frame::ArchiveWriter w(out, {frame::kFeatureDelta, 0, {3 * kSize, hash128(base_bytes())}});
  const frame::MemberRecord r{0, 0644, 0, ""};
  w.members({&r, 1});
  w.segment(stored(0));
  EncodedSegment bad = stored(kSize);
  bad.records[0].decoded_hash ^= 1;
  w.segment(bad);
  Part rest = to(0, true);
  rest.segment.header.reference_at = 2 * kSize;
  const Hash128 hash = hash128(std::span(base_bytes()).subspan(2 * kSize));
  rest.segment.header.model_low = hash.low;
  rest.segment.header.model_high = hash.high;
  w.segment(rest.segment);
  w.finish({{0, 3 * kSize, {}}}, {});
  gramzip_options o = GRAMZIP_OPTIONS_INIT;
  o.threads = 1;
  Bytes buffer = base_bytes();
  EXPECT_EQ(
      gramzip_apply_delta(out.bytes.data(), out.bytes.size(), buffer.data(), buffer.size(), &o),
      GRAMZIP_BUFFER_CHANGED);
}
}  // namespace gramzip
