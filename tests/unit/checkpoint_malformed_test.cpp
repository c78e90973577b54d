// SPDX-License-Identifier: Apache-2.0
// Broken tensor files of each format, field by field: refused as corrupt in one line that names the
// place.
#include <gtest/gtest.h>

#include "host/base/error.h"
#include "host/formats/checkpoint.h"
#include "tests/registry/memory_io.h"
#include "tests/registry/tensor_files.h"

namespace gramzip {
namespace {
using namespace test;

void expect_refused(const std::string& title, const std::string& s, const std::string& says) {
  SCOPED_TRACE(title);
  MemorySource file(std::vector<uint8_t>(s.begin(), s.end()));
  try {
    const auto c = read_checkpoint(file);
    ADD_FAILURE() << "was taken" << (c ? "" : " for none");
  } catch (const Error& e) {
    const std::string what = e.what();
    EXPECT_EQ(e.code(), ErrorCode::corrupt);
    EXPECT_NE(what.find(says), std::string::npos) << what;
    EXPECT_EQ(what.find('\n'), std::string::npos) << what;
    EXPECT_LT(what.size(), 400u);
  }
}

TEST(NpyMalformed, EachIsRefusedInOneLine) {
  const auto npy = [](const std::string& dict) { return npy_file(dict, std::string(24, 'x')); };
  const auto shape = [&](const std::string& s) { return npy(npy_dict("'<f4'", s)); };
  const auto descr = [&](const std::string& s) { return npy(npy_dict(s, "(6,)")); };
  const std::string good = shape("(6,)");
  const struct {
    const char* title;
    std::string file;
    const char* says;
  } cases[] = {
      {"cut in the magic's version", good.substr(0, 7), "npy: cut short"},
      {"version 0", npy_file("{}", "", 0), "version 0.0"},
      {"version 4", npy_file("{}", "", 4), "version 4.0"},
      {"header cut", good.substr(0, 40), "header: cut short"},
      {"header of 4 GB", "\x93NUMPY\2" + std::string(1, '\0') + le(UINT32_MAX, 4) + "{}", "1 MiB"},
      {"empty header", npy(""), "no '{'"},
      {"a list", npy("[]"), "no '{'"},
      {"unclosed", npy("{'descr': '<f4'"), "no ','"},
      {"no keys", npy("{}"), "no descr"},
      {"no shape", npy("{'descr': '<f4', 'fortran_order': False}"), "no shape"},
      {"no order", npy("{'descr': '<f4', 'shape': ()}"), "no fortran_order"},
      {"unknown key", npy("{'x': 1}"), "unknown key 'x'"},
      {"key twice", npy("{'descr': '<f4', 'descr': '<f4'}"), "descr: given twice"},
      {"key is a number", npy("{1: 2}"), "no string"},
      {"key without end", npy("{'descr"), "does not end"},
      {"escape in a key", npy("{'des\\x63r': 1}"), "does not end"},
      {"text behind", npy(npy_dict("'<f4'", "(6,)") + "x"), "text behind"},
      {"code", npy("{'descr': __import__('os'), }"), "descr: no string"},
      {"order is a number", npy("{'fortran_order': 1}"), "fortran_order: neither"},
      {"shape is a number", shape("6"), "shape: no '('"},
      {"shape is a list", shape("[6]"), "shape: no '('"},
      {"shape of a string", shape("('6',)"), "shape: no number"},
      {"negative", shape("(-6,)"), "shape: no number"},
      {"fraction", shape("(6.0,)"), "shape: no ','"},
      {"2^63 + 1", shape("(9223372036854775809,)"), "shape: a number above 2^63"},
      {"2^64", shape("(18446744073709551616,)"), "shape: a number above 2^63"},
      {"2^63 items", shape("(9223372036854775808,)"), "shape: above 2^64"},
      {"product above 2^64", shape("(4294967296, 4294967296)"), "shape: above 2^64"},
      {"more than the file", shape("(7,)"), "shape: makes 28 bytes, but 24 follow"},
      {"unclosed shape", npy("{'shape': (6, "), "shape: no number"},
      {"65 dimensions",
       shape("(" +
             [] {
               std::string s;
               for (int i = 0; i < 65; ++i) s += "1,";
               return s;
             }() +
             ")"),
       "64 dimensions"},
      {"descr empty", descr("''"), "descr: empty"},
      {"descr a dict", descr("{}"), "descr: no string"},
      {"unclosed list", npy("{'descr': [('x', '<f4')"), "descr: a list that does not end"},
      {"brackets crossed", descr("[('x'])"), "descr: brackets"},
      {"deep list", descr(std::string(100, '[') + std::string(100, ']')), "descr: nested more"},
      {"control character", descr("'<f\x01'"), "descr: a control character"},
  };
  for (const auto& c : cases) expect_refused(c.title, c.file, c.says);
  for (size_t n = 7; n < good.size(); ++n) expect_refused("truncated", good.substr(0, n), "npy: ");
}

ZipFile two_arrays() {
  ZipFile z;
  z.entries = {{"a.npy", npy_file(npy_dict("'<f4'", "(1,)"), "aaaa")},
               {"b.npy", npy_file(npy_dict("'<f4'", "(1,)"), "bbbb")}};
  return z;
}

TEST(ZipMalformed, EachIsRefusedInOneLine) {
  const struct {
    const char* title;
    size_t at;  // in the directory, from its end if `from_end`
    bool from_end;
    std::string value;
    const char* says;
  } cases[] = {
      {"entry without magic", 0, false, "XX", "entry 0 of the directory: no entry"},
      {"name beyond the directory", 28, false, le(60000, 2), "cut short"},
      {"stored of two sizes", 24, false, le(9, 4), "two sizes"},
      {"size beyond the next", 20, false, le(100'000, 4) + le(100'000, 4),
       "'a.npy': size: reaches"},
      {"local offset into the other", 42, false, le(10, 4), "'a.npy': size: reaches"},
      {"local offset behind all", 42, false, le(1u << 30, 4), "reaches into what follows"},
      {"ZIP64 size without extra", 20, false, le(UINT32_MAX, 4), "no ZIP64 sizes"},
      {"more entries", 10, true, le(3, 2), "more entries than"},
      {"fewer entries", 10, true, le(1, 2), "fewer entries"},
      {"directory behind the end", 16, true, le(1u << 30, 4), "lies behind it"},
      {"directory too long", 12, true, le(1u << 30, 4), "lies behind it"},
      {"several disks", 4, true, le(1, 2), "several disks"},
      {"comment length", 20, true, le(1, 2), "no end of central directory"},
  };
  for (const auto& c : cases) {
    ZipFile z = two_arrays();
    z.spoil = [&](std::string& directory, std::string& end) {
      (c.from_end ? end : directory).replace(c.at, c.value.size(), c.value);
    };
    expect_refused(c.title, z.bytes(), c.says);
  }
}

TEST(ZipMalformed, EntriesAgainstEachOther) {
  ZipFile z = two_arrays();
  z.entries[1].name = "a.npy";
  expect_refused("same name", z.bytes(), "'a.npy': twice");
  z = two_arrays();
  z.entries[1].local_name = "c.npy";
  expect_refused("other name in the local header", z.bytes(), "'b.npy': local header: name");
  const std::string good = two_arrays().bytes();
  const size_t second = good.find("PK\3\4", 4);
  const auto local = [&](size_t at, const std::string& value) {
    return std::string(good).replace(second + at, value.size(), value);
  };
  expect_refused("no local header", local(0, "XX"), "'b.npy': local header: none there");
  expect_refused("encrypted", local(6, le(1, 2)), "'b.npy': local header: method");
  expect_refused("deflated", local(8, le(8, 2)), "'b.npy': local header: method");
  expect_refused("stored size", local(18, le(9, 4)), "'b.npy': local header: size");
  expect_refused("size", local(22, le(9, 4)), "'b.npy': local header: size");
  expect_refused("ZIP64 without extra", local(18, le(UINT32_MAX, 4)), "no ZIP64 sizes");
  expect_refused("name length", local(26, le(4, 2)), "'b.npy': local header: name");
  expect_refused("long extra", local(28, le(60000, 2)), "'b.npy': local header: extra field");
  z = two_arrays();
  z.spoil = [](std::string& directory, std::string&) {
    directory.replace(42, 4, directory.substr(directory.size() - 9, 4));
  };
  expect_refused("both at one place", z.bytes(), "reaches into what follows");
  z = two_arrays();
  z.entries[1].data.resize(z.entries[1].data.size() - 1);
  expect_refused("array cut short", z.bytes(), "zip: entry 'b.npy': header: shape: makes 4 bytes");
  for (size_t n = 40; n < good.size(); ++n) expect_refused("truncated", good.substr(0, n), "zip: ");
}

TEST(ZipMalformed, CountsOfZip64AreBounded) {
  for (const uint64_t count : {uint64_t{3}, uint64_t{1} << 18, uint64_t{10'000'000}, UINT64_MAX}) {
    ZipFile z = two_arrays();
    z.end64 = true;
    z.spoil = [&](std::string&, std::string& end) { end.replace(32, 8, le(count, 8)); };
    expect_refused("count", z.bytes(), "end of central directory: ");
  }
  ZipFile z = two_arrays();
  z.end64 = true;
  z.spoil = [&](std::string&, std::string& end) { end.replace(64, 8, le(UINT64_MAX - 3, 8)); };
  expect_refused("locator", z.bytes(), "ZIP64 locator: points behind itself");
  z.spoil = [&](std::string&, std::string& end) { end.replace(64, 8, le(0, 8)); };
  expect_refused("locator", z.bytes(), "ZIP64 locator: points to no");
  z.spoil = [&](std::string&, std::string& end) { end.replace(48, 8, le(UINT64_MAX, 8)); };
  expect_refused("offset", z.bytes(), "lies behind it");
}

TEST(GgufMalformed, EachIsRefusedInOneLine) {
  const auto file = [](auto change) {
    GgufFile f;
    f.tensors = {{"a", {8}, 0, 0}, {"b", {64}, 8, 32}};
    f.data_bytes = 128;
    change(f);
    return f.bytes();
  };
  const auto key = [&](uint32_t type, const std::string& value) {
    return file([&](GgufFile& f) { f.key("k", type, value); });
  };
  const auto tensor = [&](auto change) { return file([&](GgufFile& f) { change(f.tensors[1]); }); };
  const uint64_t big = uint64_t{1} << 63;
  std::string nested;
  for (int i = 0; i < 6; ++i) nested += le(9, 4) + le(1, 8);
  const struct {
    const char* title;
    std::string file;
    const char* says;
  } cases[] = {
      {"version 1", file([](GgufFile& f) { f.version = 1; }), "version 1"},
      {"version 4", file([](GgufFile& f) { f.version = 4; }), "version 4"},
      {"big-endian", file([](GgufFile& f) { f.version = 3u << 24; }), "big-endian"},
      {"magic alone", "GGUF", "cut short"},
      {"2^64 tensors", "GGUF" + le(3, 4) + le(UINT64_MAX, 8) + le(0, 8), "tensor count"},
      {"2^64 keys", "GGUF" + le(3, 4) + le(0, 8) + le(UINT64_MAX, 8), "key count"},
      {"key of 2^64 bytes", file([](GgufFile& f) { f.metadata = le(UINT64_MAX, 8), f.keys = 1; }),
       "key: longer"},
      {"string value of 2^64", key(8, le(UINT64_MAX, 8)), "key 'k': value: longer"},
      {"unknown value type", key(13, ""), "key 'k': type 13"},
      {"unknown array type", key(9, le(99, 4) + le(1, 8)), "key 'k': type 99"},
      {"array of 2^64", key(9, le(10, 4) + le(UINT64_MAX, 8)), "key 'k': array: longer"},
      {"array of 2^61 numbers", key(9, le(10, 4) + le(uint64_t{1} << 61, 8)), "array: longer"},
      {"array of 2^60 strings", key(9, le(8, 4) + le(uint64_t{1} << 60, 8)), "array: longer"},
      {"deep arrays", key(9, nested + le(0, 8)), "nested more than 4"},
      {"alignment 0", file([](GgufFile& f) { f.key("general.alignment", 4, le(0, 4)); }),
       "power of two"},
      {"alignment 24", file([](GgufFile& f) { f.key("general.alignment", 4, le(24, 4)); }),
       "power of two"},
      {"alignment of 64 bits", file([](GgufFile& f) { f.key("general.alignment", 10, le(32, 8)); }),
       "not a 32-bit"},
      {"tensor name of 2^64", file([](GgufFile& f) { f.metadata = le(UINT64_MAX, 8); }),
       "tensor 0: name: longer"},
      {"2^32 dimensions", tensor([](GgufTensor& t) { t.dims.resize(9); }), "'b': more than 8"},
      {"dimension above 2^63", tensor([&](GgufTensor& t) { t.dims = {big + 64}; }),
       "'b': shape: a dimension"},
      {"product above 2^64", tensor([&](GgufTensor& t) {
         t.dims = {big, big};
       }),
       "'b': shape: above 2^64"},
      {"bytes above 2^64", tensor([&](GgufTensor& t) { t.dims = {big}, t.type = 28; }),
       "'b': shape: above 2^64"},
      {"no whole blocks", tensor([](GgufTensor& t) { t.dims = {48}; }), "'b': shape: rows of 48"},
      {"more than the file", tensor([](GgufTensor& t) { t.dims = {640}; }), "'b': offset: ends at"},
      {"offset beyond the file", tensor([](GgufTensor& t) { t.offset = 1024; }),
       "'b': offset: ends at"},
      {"offset near 2^64", tensor([](GgufTensor& t) { t.offset = UINT64_MAX - 31; }),
       "'b': shape: above 2^64"},
      {"offset not aligned", tensor([](GgufTensor& t) { t.offset = 33; }),
       "'b': offset: 33 is no multiple"},
      {"overlap", tensor([](GgufTensor& t) { t.offset = 0; }), "inside tensor"},
      {"name twice", tensor([](GgufTensor& t) { t.name = "a"; }), "tensor 'a' twice"},
      {"data cut", file([](GgufFile& f) { f.data_bytes = 99; }), "'b': offset: ends at 100 of 99"},
  };
  for (const auto& c : cases) expect_refused(c.title, c.file, c.says);
  const std::string good = file([](GgufFile& f) { f.data_bytes = 100; });
  for (size_t n = 4; n < good.size(); ++n) expect_refused("truncated", good.substr(0, n), "GGUF: ");
}
}  // namespace
}  // namespace gramzip
