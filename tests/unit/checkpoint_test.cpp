// SPDX-License-Identifier: Apache-2.0
// read_checkpoint: the tensors of good files of each format, and what is none.
#include "host/formats/checkpoint.h"

#include <gtest/gtest.h>

#include "host/base/error.h"
#include "tests/registry/memory_io.h"
#include "tests/registry/tensor_files.h"

namespace gramzip {
namespace {
using namespace test;
using Shape = std::vector<uint64_t>;

std::optional<Checkpoint> read_bytes(const std::string& s) {
  MemorySource file(std::vector<uint8_t>(s.begin(), s.end()));
  return read_checkpoint(file);
}
Checkpoint read_good(const std::string& s, MemberKind kind) {
  const auto c = read_bytes(s);
  EXPECT_TRUE(c && c->kind == kind);
  return c.value_or(Checkpoint());
}
std::string data_of(const std::string& file, const Tensor& t) {
  return file.substr(t.begin, t.end - t.begin);
}

TEST(Checkpoint, PlainFilesAreNone) {
  for (const char* s : {"", "G", "GGU", "hello, world", "PK\3\4 is no archive", "\x93NUM", "{}"})
    EXPECT_FALSE(read_bytes(s)) << s;
  EXPECT_FALSE(read_bytes(std::string(100'000, '\0')));
  ZipFile z;
  z.entries = {{"a.txt", "text"}, {"b.npy", "no magic"}};
  EXPECT_FALSE(read_bytes(z.bytes()));
  z.entries[0].method = 8;  // deflated
  EXPECT_FALSE(read_bytes(z.bytes()));
}

TEST(Checkpoint, SamplesOfEveryFormatAreRead) {
  for (const auto& [name, bytes] : tensor_file_samples()) {
    SCOPED_TRACE(name);
    const auto c = read_bytes(bytes);
    ASSERT_TRUE(c);
    EXPECT_FALSE(c->tensors.empty());
    uint64_t at = 0;
    for (const Tensor& t : c->tensors) {
      EXPECT_LE(at, t.begin);
      EXPECT_LE(t.begin, t.end);
      at = t.end;
    }
    EXPECT_LE(at, bytes.size());
  }
}

TEST(Npy, SimpleTypes) {
  const struct {
    const char* descr;
    size_t item;
    const char* dtype;
    ElementType type;
    int period;
  } cases[] = {
      {"'<f2'", 2, "F16", ElementType::f16, 0},
      {"'<f4'", 4, "F32", ElementType::f32, 0},
      {"'=f8'", 8, "F64", ElementType::f64, 0},
      {"\"<i2\"", 2, "I16", ElementType::i16, 0},
      {"'<u2'", 2, "U16", ElementType::i16, 0},
      {"'<i4'", 4, "I32", ElementType::i32, 0},
      {"'<u8'", 8, "U64", ElementType::i64, 0},
      {"'|u1'", 1, "U8", ElementType::bytes, 0},
      {"'|b1'", 1, "BOOL", ElementType::bytes, 0},
      {"'<c8'", 8, "C64", ElementType::f32, 0},
      {"'<c16'", 16, "C128", ElementType::f64, 0},
      {"'>f4'", 4, ">f4", ElementType::bytes, 4},
      {"'>i8'", 8, ">i8", ElementType::bytes, 8},
      {"'>f2'", 2, ">f2", ElementType::bytes, 2},
      {"'|S5'", 5, "|S5", ElementType::bytes, 5},
      {"'<U3'", 12, "<U3", ElementType::bytes, 12},
      {"'|V2'", 2, "|V2", ElementType::bytes, 2},
      {"'<M8[ns]'", 8, "<M8[ns]", ElementType::i64, 0},
      {"'<f16'", 16, "<f16", ElementType::bytes, 16},
  };
  for (const auto& c : cases)
    for (int version = 1; version <= 3; ++version) {
      SCOPED_TRACE(c.descr);
      const std::string data(6 * c.item, 'd');
      const std::string file = npy_file(npy_dict(c.descr, "(3, 2)"), data, version);
      const Checkpoint k = read_good(file, MemberKind::npy);
      ASSERT_EQ(k.tensors.size(), 1u);
      const Tensor& t = k.tensors[0];
      EXPECT_EQ(t.name, "array");
      EXPECT_EQ(t.dtype, c.dtype);
      EXPECT_EQ(t.type, c.type);
      EXPECT_EQ(t.period, c.period);
      EXPECT_EQ(t.shape, (Shape{3, 2}));
      EXPECT_EQ(data_of(file, t), data);
      EXPECT_THROW(read_bytes(file.substr(0, file.size() - 1)), Error);
      EXPECT_EQ(read_good(file + "behind", MemberKind::npy).tensors[0].end, file.size());
    }
}

TEST(Npy, ShapesAndRecords) {
  const auto shape = [](const std::string& s, size_t bytes) {
    return read_good(npy_file(npy_dict("'<f4'", s), std::string(bytes, 'x')), MemberKind::npy)
        .tensors[0]
        .shape;
  };
  EXPECT_EQ(shape("()", 4), Shape());
  EXPECT_EQ(shape("(3,)", 12), (Shape{3}));
  EXPECT_EQ(shape("(3L, 1L)", 12), (Shape{3, 1}));
  EXPECT_EQ(shape("(0, 9223372036854775807)", 0), (Shape{0, 9223372036854775807u}));
  // In Fortran order: the transpose, which is what the bytes are in C order.
  const Checkpoint f =
      read_good(npy_file(npy_dict("'<f4'", "(2, 3)", true), std::string(24, 'x')), MemberKind::npy);
  EXPECT_EQ(f.tensors[0].shape, (Shape{3, 2}));
  const std::string fields = "[('x', '<f4'), (\"y(\", '<i2', (3,))]";
  Checkpoint s =
      read_good(npy_file(npy_dict(fields, "(5,)"), std::string(50, 'x')), MemberKind::npy);
  EXPECT_EQ(s.tensors[0].period, 10);
  EXPECT_EQ(s.tensors[0].dtype, fields);
  s = read_good(npy_file(npy_dict(fields, "(5,)"), std::string(51, 'x')), MemberKind::npy);
  EXPECT_EQ(s.tensors[0].period, 0);
  s = read_good(npy_file(npy_dict("'|O'", "(5,)"), std::string(50, 'x')), MemberKind::npy);
  EXPECT_EQ(s.tensors[0].period, 0);
}

TEST(Npz, StoredArraysAreTensorsAndOthersAreNot) {
  const std::string w = npy_file(npy_dict("'<f4'", "(4,)"), "0123456789abcdef");
  ZipFile z;
  z.entries = {{"w.npy", w}, {"deflated.npy", w, 8}, {"notes.txt", "x"}, {"dir/v.npy", w}};
  z.entries.push_back({"secret.npy", w, 0, 1});  // encrypted
  for (const bool zip64 : {false, true})
    for (const bool descriptor : {false, true}) {
      for (ZipEntry& e : z.entries) e.zip64 = zip64, e.descriptor = descriptor;
      z.end64 = zip64;
      z.comment = zip64 ? "" : "PK\5\6 in a comment of this and that, long enough";
      const std::string file = z.bytes();
      const Checkpoint c = read_good(file, MemberKind::zip);
      ASSERT_EQ(c.tensors.size(), 2u);
      EXPECT_EQ(c.tensors[0].name, "w");
      EXPECT_EQ(c.tensors[1].name, "dir/v");
      for (const Tensor& t : c.tensors) EXPECT_EQ(data_of(file, t), "0123456789abcdef");
    }
}

TEST(Gguf, TypesShapesAndOffsets) {
  for (const uint32_t version : {2u, 3u}) {
    GgufFile f;
    f.version = version;
    f.key("general.alignment", 4, le(64, 4));
    f.key("flag", 7, le(1, 1));
    f.key("names", 9, le(8, 4) + le(3, 8) + gguf_string("a") + gguf_string("") + gguf_string("c"));
    f.key("nested", 9, le(9, 4) + le(1, 8) + le(5, 4) + le(2, 8) + le(7, 8));
    f.alignment = 64;
    f.tensors = {{"q8", {64, 2}, 8, 256},
                 {"f32", {3, 5}, 0, 0},
                 {"q4k", {256}, 12, 64},
                 {"new", {7}, 999, 448},
                 {"i16", {7}, 25, 512}};
    f.data_bytes = 576;
    const std::string file = f.bytes();
    const Checkpoint c = read_good(file, MemberKind::gguf);
    ASSERT_EQ(c.tensors.size(), 5u);
    const uint64_t data = file.size() - 576;
    EXPECT_EQ(c.tensors[0].name, "f32");
    EXPECT_EQ(c.tensors[0].shape, (Shape{5, 3}));
    EXPECT_EQ(c.tensors[0].begin, data);
    EXPECT_EQ(c.tensors[0].end, data + 60);
    EXPECT_EQ(c.tensors[1].name, "q4k");
    EXPECT_EQ(c.tensors[1].period, 144);
    EXPECT_EQ(c.tensors[1].end, data + 64 + 144);
    EXPECT_EQ(c.tensors[2].dtype, "Q8_0");
    EXPECT_EQ(c.tensors[2].period, 34);
    EXPECT_EQ(c.tensors[2].end, data + 256 + 4 * 34);
    EXPECT_EQ(c.tensors[3].dtype, "type 999");
    EXPECT_EQ(c.tensors[3].type, ElementType::bytes);
    EXPECT_EQ(c.tensors[3].end, data + 512);  // up to the next
    EXPECT_EQ(c.tensors[4].type, ElementType::i16);
  }
}

TEST(Safetensors, AsAFile) {
  std::string header = R"({"w":{"dtype":"I16","shape":[4],"data_offsets":[0,8]}})";
  const std::string file = le(header.size(), 8) + header + "12345678";
  const Checkpoint c = read_good(file, MemberKind::safetensors);
  EXPECT_EQ(c.tensors.at(0).type, ElementType::i16);
  EXPECT_EQ(data_of(file, c.tensors[0]), "12345678");
  EXPECT_THROW(read_bytes(file.substr(0, file.size() - 1)), Error);
  EXPECT_THROW(read_bytes(file.substr(0, 30)), Error);
  EXPECT_FALSE(read_bytes(le(100, 8) + "[" + std::string(200, ' ')));
  // Larger than the pieces that it is read in.
  header.resize(300'000, ' ');
  EXPECT_TRUE(read_bytes(le(header.size(), 8) + header + "12345678"));
  header[200'000] = '\0';
  EXPECT_THROW(read_bytes(le(header.size(), 8) + header + "12345678"), Error);
}
}  // namespace
}  // namespace gramzip
