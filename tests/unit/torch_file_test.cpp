// SPDX-License-Identifier: Apache-2.0
// PyTorch archives: what data.pkl says of storages, and that nothing it says is believed blindly.
#include <gtest/gtest.h>

#include "host/base/error.h"
#include "host/formats/checkpoint.h"
#include "tests/registry/memory_io.h"
#include "tests/registry/tensor_files.h"

namespace gramzip {
namespace {
using namespace test;
using namespace std::string_literals;
using Shape = std::vector<uint64_t>;
using Storages = std::vector<std::pair<std::string, std::string>>;

std::vector<Tensor> tensors_of(const ZipFile& z) {
  const std::string s = z.bytes();
  MemorySource file(std::vector<uint8_t>(s.begin(), s.end()));
  const auto c = read_checkpoint(file);
  return c ? c->tensors : std::vector<Tensor>();
}
std::vector<Tensor> tensors_of(const std::string& pickle, const Storages& storages,
                               const std::string& order = "little") {
  return tensors_of(torch_file(pickle, storages, order));
}

TEST(Torch, StateDict) {
  for (const bool nested : {false, true}) {
    const std::string pickle = torch_pickle({{"layer.weight", "FloatStorage", "0", {2, 3}, 6},
                                             {"layer.bias", "BFloat16Storage", "1", {3}, 3},
                                             {"steps", "LongStorage", "2", {}, 1}},
                                            nested);
    const auto t = tensors_of(
        pickle,
        {{"0", std::string(24, 'a')}, {"1", "abcdef"}, {"2", "12345678"}, {"3", "unknown"}});
    ASSERT_EQ(t.size(), 4u);
    const std::string prefix = nested ? "model." : "";
    EXPECT_EQ(t[0].name, prefix + "layer.weight");
    EXPECT_EQ(t[0].dtype, "F32");
    EXPECT_EQ(t[0].type, ElementType::f32);
    EXPECT_EQ(t[0].shape, (Shape{2, 3}));
    EXPECT_EQ(t[0].begin % 64, 0u);
    EXPECT_EQ(t[1].name, prefix + "layer.bias");
    EXPECT_EQ(t[1].type, ElementType::bf16);
    EXPECT_EQ(t[2].type, ElementType::i64);
    EXPECT_EQ(t[2].shape, Shape());
    EXPECT_EQ(t[3].name, "3");
    EXPECT_EQ(t[3].dtype, "bytes");
    EXPECT_EQ(t[3].shape, (Shape{7}));
  }
}

TEST(Torch, ATensorThatIsPartOfItsStorageGivesTypeAndNoName) {
  const std::string pickle = torch_pickle({{"view", "FloatStorage", "0", {2}, 6, 2}});
  const auto t = tensors_of(pickle, {{"0", std::string(24, 'a')}});
  ASSERT_EQ(t.size(), 1u);
  EXPECT_EQ(t[0].name, "0");
  EXPECT_EQ(t[0].type, ElementType::f32);
  EXPECT_EQ(t[0].shape, (Shape{6}));
}

TEST(Torch, TiedWeightsHaveTheFirstName) {
  const std::string pickle = torch_pickle({{"view", "FloatStorage", "0", {2}, 6, 2},
                                           {"embed", "FloatStorage", "0", {2, 3}, 6},
                                           {"head", "FloatStorage", "0", {3, 2}, 6}});
  const auto t = tensors_of(pickle, {{"0", std::string(24, 'a')}});
  ASSERT_EQ(t.size(), 1u);
  EXPECT_EQ(t[0].name, "embed");
  EXPECT_EQ(t[0].shape, (Shape{2, 3}));
}

TEST(Torch, StoragesThatContradictThePickleAreBytes) {
  const std::string good = torch_pickle({{"w", "FloatStorage", "0", {6}, 6}});
  const std::string data(24, 'a');
  EXPECT_EQ(tensors_of(good, {{"0", data}})[0].type, ElementType::f32);
  EXPECT_EQ(tensors_of(good, {{"0", data + "x"}})[0].type, ElementType::bytes);
  EXPECT_EQ(tensors_of(good, {{"0", data + "xxxx"}})[0].type, ElementType::bytes);
  EXPECT_EQ(tensors_of(good, {{"1", data}})[0].type, ElementType::bytes);
  const std::string two_types =
      torch_pickle({{"w", "FloatStorage", "0", {6}, 6}, {"v", "HalfStorage", "0", {6}, 6}});
  EXPECT_EQ(tensors_of(two_types, {{"0", data}})[0].type, ElementType::bytes);
  const std::string odd = torch_pickle({{"w", "QInt8Storage", "0", {24}, 24}});
  EXPECT_EQ(tensors_of(odd, {{"0", data}})[0].type, ElementType::bytes);
  EXPECT_EQ(tensors_of("", {{"0", data}})[0].type, ElementType::bytes);
}

TEST(Torch, BigEndianFilesAreBytesWithAPeriod) {
  const std::string pickle = torch_pickle({{"w", "FloatStorage", "0", {6}, 6}});
  const auto t = tensors_of(pickle, {{"0", std::string(24, 'a')}}, "big");
  ASSERT_EQ(t.size(), 1u);
  EXPECT_EQ(t[0].type, ElementType::bytes);
  EXPECT_EQ(t[0].period, 4);
  EXPECT_EQ(t[0].dtype, "big-endian F32");
}

TEST(Torch, NamesThatRepeatAreReplacedByThoseOfEntries) {
  const std::string pickle =
      torch_pickle({{"w", "FloatStorage", "0", {1}, 1}, {"w", "FloatStorage", "1", {1}, 1}});
  const auto t = tensors_of(pickle, {{"0", "aaaa"}, {"1", "bbbb"}});
  ASSERT_EQ(t.size(), 2u);
  EXPECT_EQ(t[0].name, "w");
  EXPECT_EQ(t[1].name, "archive/data/1");
}

TEST(Torch, TypedTensorsParametersListsAndObjects) {
  const auto text = [](const std::string& t) { return "X" + le(t.size(), 4) + t; };
  const std::string hooks =
      "\x89"
      "ccollections\nOrderedDict\n)R";
  const std::string typed = "ctorch._utils\n_rebuild_tensor_v3\n((" + text("storage") +
                            "ctorch.storage\nUntypedStorage\n" + text("0") + text("cpu") +
                            "K\6tQK\0K\2K\3\x86K\3K\1\x86"s + hooks + "ctorch\nfloat8_e4m3fn\ntR";
  const auto plain = [&](const std::string& key, const std::string& kind) {
    return "ctorch._utils\n_rebuild_tensor_v2\n((" + text("storage") + "ctorch\n" + kind + "\n" +
           text(key) + text("cpu") + "K\2tQK\0K\2\x85K\1\x85"s + hooks + "tR";
  };
  const std::string parameter = "ctorch._utils\n_rebuild_parameter\n" + plain("1", "HalfStorage") +
                                "\x88" + hooks.substr(1) + "\x87R";
  const std::string from_type =
      "ctorch._tensor\n_rebuild_from_type_v2\n(ctorch._utils\n"
      "_rebuild_tensor_v2\ncmine\nClass\n((" +
      text("storage") + "ctorch\nIntStorage\n" + text("3") + text("cpu") +
      "K\2tQK\0K\2\x85K\1\x85"s + hooks + "t}tR";
  // Class(): state {"_parameters": {"w": parameter}}, by NEWOBJ and BUILD.
  const std::string object =
      "cmine\nModule\n)\x81}" + text("_parameters") + "}" + text("w") + parameter + "ssb";
  const std::string pickle = "\x80\2}(" + text("q") + typed + text("list") + "](" +
                             plain("2", "ShortStorage") + "Ne" + text("model") + object + "K\5" +
                             from_type + "u.";
  const auto t =
      tensors_of(pickle, {{"0", "abcdef"}, {"1", "abcd"}, {"2", "abcd"}, {"3", "abcdefgh"}});
  ASSERT_EQ(t.size(), 4u);
  EXPECT_EQ(t[0].name, "q");
  EXPECT_EQ(t[0].type, ElementType::f8_e4m3);
  EXPECT_EQ(t[0].shape, (Shape{2, 3}));
  EXPECT_EQ(t[1].name, "model._parameters.w");
  EXPECT_EQ(t[1].type, ElementType::f16);
  EXPECT_EQ(t[2].name, "list.0");
  EXPECT_EQ(t[2].dtype, "I16");
  EXPECT_EQ(t[3].name, "5");
  EXPECT_EQ(t[3].type, ElementType::i32);
}

TEST(Torch, EveryTruncationAndEveryByteOfThePickleIsHarmless) {
  const std::string good = torch_pickle({{"w", "FloatStorage", "0", {2, 3}, 6}}, true);
  const Storages storages = {{"0", std::string(24, 'a')}};
  for (size_t n = 0; n <= good.size(); ++n)
    EXPECT_EQ(tensors_of(good.substr(0, n), storages).size(), 1u);
  for (size_t at = 0; at < good.size(); ++at)
    for (const uint8_t x : {0x01, 0x80, 0xff}) {
      std::string bad = good;
      bad[at] = static_cast<char>(bad[at] ^ x);
      EXPECT_EQ(tensors_of(bad, storages).size(), 1u);
    }
}

TEST(Torch, HostilePicklesEnd) {
  const Storages storages = {{"0", "abcd"}};
  const auto repeat = [](const std::string& s, size_t n) {
    std::string out;
    for (size_t i = 0; i < n; ++i) out += s;
    return out;
  };
  const std::string tensor = torch_pickle({{"w", "FloatStorage", "0", {1}, 1}});
  const std::string head = tensor.substr(0, tensor.size() - 2);  // before SETITEMS
  const struct {
    const char* title;
    std::string pickle;
  } cases[] = {
      {"deep tuples", repeat(")", 1) + repeat("\x85", 3'000'000)},
      {"wide tuple", "(" + repeat(")", 3'000'000) + "t"},
      {"deep lists", repeat("]", 3'000'000)},
      {"deep marks", repeat("(", 3'000'000)},
      {"lists in lists", "]" + repeat("]2a", 1'000'000)},
      {"a list in itself", "]q\0"s + repeat("h\0a"s, 1'000'000)},
      {"a dict in itself", "}q\0K\1h\0s"s + head.substr(2) + "u."},
      {"two dicts in each other", "}q\0}q\1K\1h\0s0h\0K\2h\1s."s},
      {"memo far away",
       "Nr\xff\xff\xff\xff"
       "Nr\xff\xff\x0f\0"s},
      {"memo that is not there", "h\7j\xff\xff\xff\xff"},
      {"huge string",
       "X\xff\xff\xff\xff"
       "abc"},
      {"huge string of 64 bits",
       "\x8d\xff\xff\xff\xff\xff\xff\xff\xff"
       "abc"},
      {"huge integer",
       "\x8a\xff"
       "abc"},
      {"many doubled tuples", repeat(")", 1) + repeat("2\x86", 2'000'000)},
      {"long global", "c" + repeat("x", 1'000'000) + "\nname\n"},
      {"calls of nothing", "R" + head},
      {"pops of nothing", "0"},
      {"persistent id of nothing", "Q"},
      {"items without container", "(u"},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(c.title);
    const auto t = tensors_of(c.pickle, storages);
    ASSERT_EQ(t.size(), 1u);
    EXPECT_EQ(t[0].end - t[0].begin, 4u);
  }
}
}  // namespace
}  // namespace gramzip
