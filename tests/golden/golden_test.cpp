// SPDX-License-Identifier: Apache-2.0
// Golden archives, kept for ever: must_decode, must_fail, and
// the encoder's record: today's encoder still writes the same bytes. GRAMZIP_GOLDEN_WRITE=1 writes
// new ones.
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>

#include "host/engine/base.h"
#include "tests/registry/cases.h"
#include "tests/registry/memory_io.h"
#include "tests/registry/quant_cases.h"
#include "tests/registry/segments.h"

namespace gramzip {
namespace {
namespace fs = std::filesystem;
const fs::path kDir = fs::path(GRAMZIP_GOLDEN_DIR) / "v1";

std::vector<uint8_t> read_file(const fs::path& p) {
  std::ifstream in(p, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}
void write_file(const fs::path& p, const std::vector<uint8_t>& bytes) {
  std::ofstream(p, std::ios::binary)
      .write(reinterpret_cast<const char*>(bytes.data()),
             static_cast<std::streamsize>(bytes.size()));
}

// The inputs of the record: generated, small, every mode and element type.
std::map<std::string, std::vector<test::NamedFile>> record_inputs() {
  std::map<std::string, std::vector<test::NamedFile>> inputs;
  for (const test::FileCase& f : test::small_files()) inputs[f.name] = {{f.name, f.content}};
  inputs["empty"] = {{"empty", {}}};
  inputs["pipe"] = {{"", {'p', 'i', 'p', 'e', '\n'}}};
  std::vector<test::TensorCase> all;
  for (const ElementType t : {ElementType::bf16, ElementType::f16, ElementType::f32,
                              ElementType::f64, ElementType::f8_e4m3, ElementType::f8_e5m2})
    all.push_back({element_info(t).name, element_info(t).name, test::make_weights(t, 3000, 0.05, 6),
                   8u * element_info(t).bytes});
  inputs["every-dtype"] = {{"w.safetensors", test::make_safetensors(all)}};
  // Columns have a period, which does not divide the number of elements.
  inputs["period"] = {
      {"w.safetensors",
       test::make_safetensors(
           {{"w", "F8_E4M3", test::make_columns(ElementType::f8_e4m3, 33'000, 64, 3), 8}})}};
  inputs["members"] = {{"a/b.txt", test::make_text(900, 1), 0644},
                       {"a/empty", {}, 0600},
                       {"run.sh", test::make_text(300, 2), 0755}};
  const auto weights = [](uint64_t seed) {
    return test::make_weights(ElementType::bf16, 4096, 0.05, seed);
  };
  inputs["references"] = {
      {"w.safetensors", test::make_safetensors({{"embed", "BF16", weights(1), 16},
                                                {"n1", "BF16", weights(2), 16},
                                                {"head", "BF16", weights(1), 16},
                                                {"n2", "BF16", weights(2), 16}})}};
  inputs["delta-equal"] = inputs["references"];
  return inputs;
}
// NAME.base is what NAME.grz is a delta against.
BasePtr base_beside(const fs::path& archive) {
  const fs::path path = fs::path(archive).replace_extension(".base");
  if (!fs::exists(path)) return nullptr;
  return Base::of_file(std::make_shared<test::MemorySource>(read_file(path)), "w.safetensors");
}

// Segments of fast floats: every type, exceptions, classes, a step that is not whole.
std::vector<test::SegmentCase> fast_inputs() {
  std::vector<test::SegmentCase> cases;
  for (const ElementType t : {ElementType::bf16, ElementType::f16, ElementType::f32,
                              ElementType::f8_e4m3, ElementType::f8_e5m2})
    cases.push_back({element_info(t).name, t, test::make_weights(t, 9000, 0.05, 6), 0, true});
  std::vector<uint8_t> classes;
  for (uint64_t i = 0; i < 70; ++i) {
    const auto run = test::make_weights(ElementType::f8_e5m2, 256, i % 3 == 0 ? 0.001 : 0.3, i);
    classes.insert(classes.end(), run.begin(), run.end());
  }
  classes.resize(classes.size() - 77);
  cases.push_back({"classes", ElementType::f8_e5m2, classes, 0, true});
  return cases;
}
std::map<std::string, std::vector<uint8_t>> record_archives() {
  std::map<std::string, std::vector<uint8_t>> archives;
  for (const auto& [name, files] : record_inputs()) {
    CompressOptions options;
    options.base = base_beside(kDir / "encoder_record" / (name + ".grz"));
    archives[name] = test::make_archive(files, options);
  }
  for (const test::SegmentCase& c : fast_inputs())
    archives["fast-" + c.name] =
        test::archive_of(test::encode_segment(*make_cpu_backend(), c), c.content);
  archives["quantized"] = test::quantized_archive();
  archives["trellis"] = test::trellis_archive();
  return archives;
}
}  // namespace

TEST(Golden, TheEncoderStillWritesTheRecord) {
  for (const auto& [name, archive] : record_archives()) {
    const fs::path path = kDir / "encoder_record" / (name + ".grz");
    if (std::getenv("GRAMZIP_GOLDEN_WRITE") != nullptr) {
      fs::create_directories(path.parent_path());
      write_file(path, archive);
    }
    EXPECT_TRUE(read_file(path) == archive) << path << " differs: the encoder's output has changed";
  }
}

TEST(Golden, RecordsAndMustDecodeDecode) {
  size_t archives = 0;
  const auto inputs = record_inputs();
  for (const char* drawer : {"encoder_record", "must_decode"}) {
    if (!fs::exists(kDir / drawer)) continue;
    for (const auto& entry : fs::directory_iterator(kDir / drawer)) {
      if (entry.path().extension() != ".grz") continue;
      DecompressOptions options;
      options.find_base = [&](const frame::ContentId&) { return base_beside(entry.path()); };
      const test::CollectMembers out = test::open_archive(read_file(entry.path()), options);
      const auto known = inputs.find(entry.path().stem());
      if (std::string(drawer) == "encoder_record" && known != inputs.end()) {
        ASSERT_EQ(out.files.size(), known->second.size());
        for (size_t i = 0; i < out.files.size(); ++i)
          EXPECT_EQ(out.files[i].content, known->second[i].content) << entry.path();
      }
      ++archives;
    }
  }
  EXPECT_GE(archives, inputs.size());
}

TEST(Golden, MustFailFails) {
  size_t archives = 0;
  for (const auto& entry : fs::directory_iterator(kDir / "must_fail")) {
    if (entry.path().extension() != ".grz") continue;
    ++archives;
    std::ifstream in(fs::path(entry.path()).replace_extension(".txt"));
    std::string words;
    std::getline(in, words);
    try {
      test::open_archive(read_file(entry.path()));
      ADD_FAILURE() << entry.path() << " was accepted";
    } catch (const Error& e) {
      EXPECT_NE(std::string(e.what()).find(words), std::string::npos)
          << entry.path() << ": " << e.what();
    }
  }
  EXPECT_GE(archives, 13u);
}
}  // namespace gramzip
