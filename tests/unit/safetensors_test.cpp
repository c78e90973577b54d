// SPDX-License-Identifier: Apache-2.0
// The safetensors header parser: what it must refuse, with what words, then what it must take.
#include "host/formats/safetensors.h"

#include <gtest/gtest.h>

#include <cstring>

#include "host/base/error.h"

namespace gramzip::safetensors {
namespace {
Layout parse_text(const std::string& s) {
  return parse({reinterpret_cast<const uint8_t*>(s.data()), s.size()});
}

// One tensor 'a' of dtype, shape and offsets as given.
std::string one(const std::string& dtype, const std::string& shape, const std::string& offsets) {
  return R"({"a":{"dtype":)" + dtype + R"(,"shape":)" + shape + R"(,"data_offsets":)" + offsets +
         "}}";
}

struct Malformed {
  const char* title;
  std::string header;
  const char* says;  // part of the message
};

std::string deep(size_t n) { return R"({"a":)" + std::string(n, '[') + std::string(n, ']') + "}"; }

std::string many_dims() {
  std::string s = "[1";
  for (int i = 0; i < 1024; ++i) s += ",1";
  return s + "]";
}

const std::string kGood = R"({"dtype":"U8","shape":[4],"data_offsets":[0,4]})";
const std::string kNext = R"({"dtype":"U8","shape":[4],"data_offsets":[4,8]})";

std::vector<Malformed> malformed() {
  using namespace std::string_literals;
  return {
      {"empty", "", "does not begin"},
      {"space first", " {}", "does not begin"},
      {"byte order mark", "\xef\xbb\xbf{}", "does not begin"},
      {"array at the top", "[]", "does not begin"},
      {"unclosed", "{", "JSON"},
      {"truncated key", R"({"a)", "JSON"},
      {"truncated tensor", R"({"a":{"dtype":"U8")", "JSON"},
      {"junk behind", "{}x", "JSON at byte 3"},
      {"second object", "{}{}", "JSON"},
      {"zero byte behind", "{}\0"s, "JSON at byte 3"},
      {"zero byte hides junk", "{}\0{{{{"s, "JSON at byte 3"},
      {"zero byte in a name", "{\"a\0b\":"s + kGood + "}", "JSON"},
      {"comment", "{/* */}", "JSON"},
      {"trailing comma", R"({"a":)" + kGood + ",}", "JSON"},
      {"single quotes", "{'a':1}", "JSON"},
      {"bad UTF-8", "{\"\xff\":" + kGood + "}", "JSON"},
      {"overlong UTF-8", "{\"\xc0\x80\":" + kGood + "}", "JSON"},
      {"lone surrogate", R"({"\ud800":)" + kGood + "}", "JSON"},
      {"control character in a name", "{\"a\nb\":" + kGood + "}", "JSON"},
      {"tensor is a number", R"({"a":5})", "a number instead of an object"},
      {"tensor is a negative number", R"({"a":-5})", "a number instead of an object"},
      {"tensor is a fraction", R"({"a":1.5})", "a number instead of an object"},
      {"tensor is a string", R"({"a":"b"})", "a string instead of an object"},
      {"tensor is null", R"({"a":null})", "null instead of an object"},
      {"tensor is a boolean", R"({"a":true})", "a boolean instead of an object"},
      {"tensor is an array", R"({"a":[]})", "an array instead of an object"},
      {"deep nesting", deep(1000000), "an array instead of an object"},
      {"empty tensor", R"({"a":{}})", "'a': no dtype"},
      {"no shape", R"({"a":{"dtype":"U8","data_offsets":[0,4]}})", "no shape"},
      {"no offsets", R"({"a":{"dtype":"U8","shape":[4]}})", "no data_offsets"},
      {"unknown key", R"({"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4],"x":1}})", "key 'x'"},
      {"same tensor twice", R"({"a":)" + kGood + R"(,"a":)" + kNext + "}", "key 'a' twice"},
      {"same name by escape", R"({"a":)" + kGood + R"(,"\u0061":)" + kNext + "}", "key 'a' twice"},
      {"dtype twice", R"({"a":{"dtype":"U8","dtype":"U8"}})", "dtype: given twice"},
      {"shape twice", R"({"a":{"shape":[],"shape":[]}})", "shape: given twice"},
      {"offsets twice", R"({"a":{"data_offsets":[0,0],"data_offsets":[0,0]}})", "given twice"},
      {"metadata twice", R"({"__metadata__":{},"__metadata__":{}})", "'__metadata__' twice"},
      {"metadata key twice", R"({"__metadata__":{"k":"1","k":"2"}})", "key 'k' twice"},
      {"metadata is a string", R"({"__metadata__":"x"})", "__metadata__: a string"},
      {"metadata holds a number", R"({"__metadata__":{"k":1}})", "__metadata__: a number"},
      {"metadata holds an object", R"({"__metadata__":{"k":{}}})", "__metadata__: an object"},
      {"metadata holds null", R"({"__metadata__":{"k":null}})", "__metadata__: null"},
      {"dtype is a number", one("1", "[4]", "[0,4]"), "dtype: a number instead of a string"},
      {"dtype is empty", one("\"\"", "[4]", "[0,4]"), "dtype: not 1 to 64"},
      {"dtype is long", one("\"" + std::string(65, 'x') + "\"", "[4]", "[0,4]"), "dtype: not 1"},
      {"dtype is null", one("null", "[4]", "[0,4]"), "dtype: null"},
      {"shape is a number", one("\"U8\"", "4", "[0,4]"), "shape: a number instead of an array"},
      {"shape is an object", one("\"U8\"", "{}", "[0,4]"), "shape: an object instead of an array"},
      {"shape holds a string", one("\"U8\"", "[\"4\"]", "[0,4]"), "shape: a string instead"},
      {"shape holds a fraction", one("\"U8\"", "[4.0]", "[0,4]"), "no integer"},
      {"shape holds an exponent", one("\"U8\"", "[4e0]", "[0,4]"), "no integer"},
      {"shape holds a negative", one("\"U8\"", "[-4]", "[0,4]"), "negative"},
      {"shape holds minus zero", one("\"U8\"", "[-0]", "[0,0]"), "negative"},
      {"shape holds an array", one("\"U8\"", "[[4]]", "[0,4]"), "shape: an array instead"},
      {"shape holds 2^63 + 1", one("\"U8\"", "[9223372036854775809]", "[0,4]"), "above 2^63"},
      {"shape holds 2^64", one("\"U8\"", "[18446744073709551616]", "[0,4]"), "no integer"},
      {"leading zero", one("\"U8\"", "[04]", "[0,4]"), "JSON"},
      {"shape holds 1e999", one("\"U8\"", "[1e999]", "[0,4]"), "no integer"},
      {"1025 dimensions", one("\"U8\"", many_dims(), "[0,1]"), "1024 dimensions"},
      {"product beyond 2^64", one("\"F64\"", "[4294967296,4294967296]", "[0,0]"), "2^64 bits"},
      {"product wraps to the size", one("\"U8\"", "[4294967296,4294967297]", "[0,4]"), "2^64 bits"},
      {"offsets empty", one("\"U8\"", "[4]", "[]"), "fewer than two"},
      {"one offset", one("\"U8\"", "[4]", "[0]"), "fewer than two"},
      {"three offsets", one("\"U8\"", "[4]", "[0,4,4]"), "more than two"},
      {"offsets reversed", one("\"U8\"", "[4]", "[4,0]"), "ends before it begins"},
      {"offset a string", one("\"U8\"", "[4]", "[0,\"4\"]"), "data_offsets: a string"},
      {"offset negative", one("\"U8\"", "[4]", "[-4,0]"), "negative"},
      {"too few bytes", one("\"F32\"", "[4]", "[0,15]"), "15 bytes, but dtype and shape make 16"},
      {"too many bytes", one("\"BF16\"", "[4]", "[0,9]"), "9 bytes, but dtype and shape make 8"},
      {"scalar without bytes", one("\"F32\"", "[]", "[0,0]"), "make 4"},
      {"half a byte", one("\"F4\"", "[3]", "[0,2]"), "whole number of bytes"},
      {"six bits", one("\"F6_E2M3\"", "[3]", "[0,3]"), "whole number of bytes"},
      {"hole at the start", one("\"U8\"", "[4]", "[1,5]"), "begins at 1, a hole after 0"},
      {"hole between",
       R"({"a":)" + kGood + R"(,"b":{"dtype":"U8","shape":[4],"data_offsets":[5,9]}})",
       "'b': data_offsets: begins at 5, a hole after 4"},
      {"overlap", R"({"a":)" + kGood + R"(,"b":{"dtype":"U8","shape":[4],"data_offsets":[3,7]}})",
       "inside the tensor that ends at 4"},
      {"same place twice", R"({"a":)" + kGood + R"(,"b":)" + kGood + "}", "inside the tensor"},
      {"empty tensor inside another",
       R"({"a":)" + kGood + R"(,"b":{"dtype":"U8","shape":[0],"data_offsets":[2,2]}})",
       "'b': data_offsets: begins at 2"},
      {"beyond 2^63", one("\"X\"", "[]", "[0,9223372036854775808]"), "beyond 2^63"},
  };
}

TEST(SafetensorsMalformed, EachIsRefusedInOneLine) {
  const auto cases = malformed();
  EXPECT_GE(cases.size(), 40u);
  for (const Malformed& m : cases) {
    SCOPED_TRACE(m.title);
    try {
      parse_text(m.header);
      ADD_FAILURE() << "was taken";
    } catch (const Error& e) {
      const std::string what = e.what();
      EXPECT_EQ(e.code(), ErrorCode::corrupt);
      EXPECT_NE(what.find(m.says), std::string::npos) << what;
      EXPECT_EQ(what.find('\n'), std::string::npos) << what;
      EXPECT_LT(what.size(), 400u);
    }
  }
}

TEST(SafetensorsMalformed, EveryTruncationIsRefused) {
  const std::string s = R"({"__metadata__":{"k":"v"},"a":)" + kGood + R"(,"b":)" + kNext + "}";
  for (size_t n = 0; n < s.size(); ++n) EXPECT_THROW(parse_text(s.substr(0, n)), Error) << n;
  EXPECT_NO_THROW(parse_text(s));
}

TEST(SafetensorsMalformed, HostileNamesStayOnOneLine) {
  const std::string name = std::string(5000, 'x');
  try {
    parse_text("{\"\\n\\u0007'" + name + "\":1}");
    ADD_FAILURE();
  } catch (const Error& e) {
    EXPECT_LT(std::strlen(e.what()), 300u);
    EXPECT_EQ(std::string(e.what()).find('\n'), std::string::npos);
  }
}

TEST(SafetensorsHeaderSize, TakesWhatAHeaderCanHave) {
  const auto size = [](uint64_t n) {
    uint8_t p[8];
    for (int i = 0; i < 8; ++i) p[i] = static_cast<uint8_t>(n >> (8 * i));
    return header_size(p);
  };
  EXPECT_EQ(size(0), 0u);
  EXPECT_EQ(size(1), 0u);
  EXPECT_EQ(size(2), 2u);
  EXPECT_EQ(size(kMaxHeaderBytes), kMaxHeaderBytes);
  EXPECT_EQ(size(kMaxHeaderBytes + 1), 0u);
  EXPECT_EQ(size(UINT64_MAX), 0u);
  const uint8_t seven[7] = {2};
  EXPECT_EQ(header_size(seven), 0u);
}

TEST(Safetensors, EmptyHeader) {
  for (const char* s : {"{}", "{}     ", R"({"__metadata__":{}})"}) {
    const Layout l = parse_text(s);
    EXPECT_EQ(l.data_begin, 8 + std::strlen(s));
    EXPECT_EQ(l.file_bytes, l.data_begin);
    EXPECT_TRUE(l.tensors.empty());
  }
}

TEST(Safetensors, OffsetsAreThoseOfTheFileInOrder) {
  const std::string s = R"({"second":{"dtype":"BF16","shape":[2,3],"data_offsets":[8,20]},)"
                        R"("__metadata__":{"format":"pt"},)"
                        R"("first":{"data_offsets":[0,8],"shape":[],"dtype":"F64"}}   )";
  const Layout l = parse_text(s);
  ASSERT_EQ(l.tensors.size(), 2u);
  EXPECT_EQ(l.tensors[0].name, "first");
  EXPECT_EQ(l.tensors[0].type, ElementType::f64);
  EXPECT_EQ(l.tensors[0].begin, 8 + s.size());
  EXPECT_EQ(l.tensors[1].dtype, "BF16");
  EXPECT_EQ(l.tensors[1].shape, (std::vector<uint64_t>{2, 3}));
  EXPECT_EQ(l.tensors[1].type, ElementType::bf16);
  EXPECT_EQ(l.tensors[1].end, 8 + s.size() + 20);
  EXPECT_EQ(l.file_bytes, 8 + s.size() + 20);
}

TEST(Safetensors, EveryDtype) {
  const struct {
    const char* name;
    int bits;
    ElementType type;
  } cases[] = {{"BOOL", 8, ElementType::bytes},      {"F4", 4, ElementType::bytes},
               {"F6_E2M3", 6, ElementType::bytes},   {"F6_E3M2", 6, ElementType::bytes},
               {"U8", 8, ElementType::bytes},        {"I8", 8, ElementType::bytes},
               {"F8_E5M2", 8, ElementType::f8_e5m2}, {"F8_E4M3", 8, ElementType::f8_e4m3},
               {"F8_E8M0", 8, ElementType::bytes},   {"I16", 16, ElementType::i16},
               {"U16", 16, ElementType::i16},        {"F16", 16, ElementType::f16},
               {"BF16", 16, ElementType::bf16},      {"I32", 32, ElementType::i32},
               {"U32", 32, ElementType::i32},        {"F32", 32, ElementType::f32},
               {"F64", 64, ElementType::f64},        {"I64", 64, ElementType::i64},
               {"U64", 64, ElementType::i64},        {"C64", 64, ElementType::f32}};
  for (const auto& c : cases) {
    SCOPED_TRACE(c.name);
    const std::string dtype = std::string("\"") + c.name + "\"";
    const Layout l = parse_text(one(dtype, "[2,4]", "[0," + std::to_string(c.bits) + "]"));
    EXPECT_EQ(l.tensors.at(0).type, c.type);
    EXPECT_THROW(parse_text(one(dtype, "[2,4]", "[0," + std::to_string(c.bits + 1) + "]")), Error);
  }
}

TEST(Safetensors, UnknownDtypeIsBytesOfAnySize) {
  const Layout l = parse_text(one("\"Q3_K\"", "[7]", "[0,3]"));
  EXPECT_EQ(l.tensors.at(0).type, ElementType::bytes);
  EXPECT_EQ(l.tensors.at(0).dtype, "Q3_K");
}

TEST(Safetensors, ZeroSizeTensors) {
  const Layout l =
      parse_text(R"({"a":{"dtype":"F32","shape":[0],"data_offsets":[0,0]},)"
                 R"("b":{"dtype":"F32","shape":[9223372036854775808,0,9223372036854775808],)"
                 R"("data_offsets":[4,4]},)"
                 R"("c":{"dtype":"U8","shape":[4],"data_offsets":[0,4]},)"
                 R"("d":{"dtype":"U8","shape":[0],"data_offsets":[0,0]}})");
  ASSERT_EQ(l.tensors.size(), 4u);
  EXPECT_EQ(l.tensors[0].name, "a");
  EXPECT_EQ(l.tensors[1].name, "d");
  EXPECT_EQ(l.tensors[2].name, "c");
  EXPECT_EQ(l.tensors[3].name, "b");
}

TEST(Safetensors, SizesNear2To63) {
  const Layout l = parse_text(one("\"X\"", "[9223372036854775808]", "[0,9223372036854000000]"));
  EXPECT_EQ(l.tensors.at(0).shape.at(0), uint64_t{1} << 63);
  EXPECT_EQ(l.file_bytes, l.data_begin + 9223372036854000000u);
}

TEST(Safetensors, ManyTensors) {
  std::string s = "{";
  for (int i = 0; i < 20000; ++i) {
    if (i > 0) s += ",";
    s += "\"t" + std::to_string(i) + R"(":{"dtype":"U8","shape":[1],"data_offsets":[)" +
         std::to_string(i) + "," + std::to_string(i + 1) + "]}";
  }
  EXPECT_EQ(parse_text(s + "}").tensors.size(), 20000u);
}
}  // namespace
}  // namespace gramzip::safetensors
