// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <string>

#include "gramzip/gramzip.hpp"
#include "tests/registry/cases.h"

TEST(CApi, RoundTripAndErrors) {
  const std::vector<uint8_t> text = gramzip::test::make_text(500'000, 1);
  const auto archive = gramzip::compress(text);
  EXPECT_LE(archive.size(), gramzip_compress_bound(text.size()));
  EXPECT_EQ(gramzip::decompress(archive), text);

  std::vector<uint8_t> small(100);
  size_t size = small.size();
  EXPECT_EQ(gramzip_compress(text.data(), text.size(), small.data(), &size, nullptr),
            GRAMZIP_OUTPUT_TOO_SMALL);
  EXPECT_EQ(size, small.size());
  EXPECT_STRNE(gramzip_last_error(), "");
  EXPECT_EQ(gramzip_decompress(archive.data(), archive.size(), small.data(), &size, nullptr),
            GRAMZIP_OUTPUT_TOO_SMALL);
  EXPECT_EQ(gramzip_decompress(archive.data(), archive.size() - 1, small.data(), &size, nullptr),
            GRAMZIP_OUTPUT_TOO_SMALL);
  EXPECT_EQ(gramzip_decompress(text.data(), text.size(), small.data(), &size, nullptr),
            GRAMZIP_NOT_AN_ARCHIVE);
  EXPECT_EQ(gramzip_decompress(nullptr, 0, small.data(), &size, nullptr), GRAMZIP_INVALID_ARGUMENT);
  std::vector<uint8_t> out(text.size());
  size = out.size();
  EXPECT_EQ(gramzip_decompress(archive.data(), archive.size() - 1, out.data(), &size, nullptr),
            GRAMZIP_TRUNCATED);

  size = 50;
  ASSERT_EQ(
      gramzip_decompress_range(archive.data(), archive.size(), 300'000, out.data(), &size, nullptr),
      GRAMZIP_OK);
  EXPECT_EQ(std::memcmp(out.data(), text.data() + 300'000, 50), 0);
  gramzip_options o = GRAMZIP_OPTIONS_INIT;
  o.struct_size = 3;
  EXPECT_EQ(gramzip_compress(text.data(), text.size(), out.data(), &size, &o),
            GRAMZIP_INVALID_ARGUMENT);
  o = GRAMZIP_OPTIONS_INIT;
  o.max_output = 10;
  size = out.size();
  EXPECT_EQ(gramzip_decompress(archive.data(), archive.size(), out.data(), &size, &o),
            GRAMZIP_LIMIT);
}

TEST(CApi, DeltasOfArraysInPlace) {
  const std::vector<uint8_t> base =
      gramzip::test::make_weights(gramzip::ElementType::bf16, 9'000'000, 0.05, 1);
  std::vector<uint8_t> target = base;
  for (size_t i = 5'000'000; i < 5'000'400; i += 4) target[i] ^= 1;
  const auto delta = gramzip::encode_delta(base, target, GRAMZIP_DTYPE_BF16);
  EXPECT_LT(delta.size(), 4'000'000u);  // one of three segments differs
  for (const int threads : {1, 2, 7}) {
    gramzip_options o = GRAMZIP_OPTIONS_INIT;
    o.threads = threads;
    std::vector<uint8_t> buffer = base;
    gramzip::apply_delta(delta, buffer, o);
    EXPECT_TRUE(buffer == target);
    // The target is no base.
    EXPECT_EQ(gramzip_apply_delta(delta.data(), delta.size(), buffer.data(), buffer.size(), &o),
              GRAMZIP_INVALID_ARGUMENT);
    EXPECT_TRUE(buffer == target);
  }
  // An archive like any other.
  gramzip_options o = GRAMZIP_OPTIONS_INIT;
  o.base = base.data();
  o.base_size = base.size();
  EXPECT_TRUE(gramzip::decompress(delta, o) == target);
  EXPECT_TRUE(gramzip::decompress(gramzip::compress(target, o), o) == target);
  std::vector<uint8_t> out(target.size());
  size_t size = out.size();
  EXPECT_EQ(gramzip_decompress(delta.data(), delta.size(), out.data(), &size, nullptr),
            GRAMZIP_UNSUPPORTED);

  const std::vector<uint8_t> none;
  std::vector<uint8_t> empty;
  gramzip::apply_delta(gramzip::encode_delta(none, none, GRAMZIP_DTYPE_F32), empty);
  size = out.size();
  EXPECT_EQ(gramzip_encode_delta(base.data(), target.data(), 7, GRAMZIP_DTYPE_BF16, out.data(),
                                 &size, nullptr),
            GRAMZIP_INVALID_ARGUMENT);
  EXPECT_EQ(gramzip_encode_delta(base.data(), target.data(), 8, static_cast<gramzip_dtype>(1),
                                 out.data(), &size, nullptr),
            GRAMZIP_INVALID_ARGUMENT);
  for (const int type : {0, 2, 3, 4, 5, 6, 7, 8, 9, 10}) {
    std::vector<uint8_t> buffer(base.begin(), base.begin() + 80'000), to = buffer;
    to[4321] ^= 0x40;
    gramzip::apply_delta(gramzip::encode_delta(buffer, to, static_cast<gramzip_dtype>(type)),
                         buffer);
    EXPECT_TRUE(buffer == to) << type;
  }
}

// No flipped bit of a delta changes the buffer.
TEST(CApi, ADamagedDeltaLeavesTheBase) {
  const auto base = gramzip::test::make_weights(gramzip::ElementType::bf16, 200'000, 0.05, 1);
  std::vector<uint8_t> target = base, buffer = base;
  target[777] ^= 1;
  target[190'000] ^= 3;
  auto delta = gramzip::encode_delta(base, target, GRAMZIP_DTYPE_BF16);
  gramzip_options o = GRAMZIP_OPTIONS_INIT;
  o.threads = 1;
  for (size_t at = 0; at < delta.size(); at += 1 + at % 97) {
    delta[at] ^= static_cast<uint8_t>(1 << at % 8);
    const gramzip_status s =
        gramzip_apply_delta(delta.data(), delta.size(), buffer.data(), buffer.size(), &o);
    // Padding behind sections is not read; the target is then what it should be.
    if (s == GRAMZIP_OK) {
      ASSERT_TRUE(buffer == target) << at;
      buffer = base;
    }
    ASSERT_NE(s, GRAMZIP_BUFFER_CHANGED) << at;
    ASSERT_TRUE(buffer == base) << at;
    delta[at] ^= static_cast<uint8_t>(1 << at % 8);
  }
  for (size_t n = 0; n < delta.size(); n += 1000)
    ASSERT_NE(gramzip_apply_delta(delta.data(), n, buffer.data(), buffer.size(), &o), GRAMZIP_OK);
  ASSERT_TRUE(buffer == base);
}

// With a device as without: arrays in host memory that are said to lie on one are refused, and so
// is the word for it where a call has no arrays.
TEST(CApi, ArraysThatAreNotInDeviceMemory) {
  const auto base = gramzip::test::make_weights(gramzip::ElementType::bf16, 20'000, 0.05, 1);
  std::vector<uint8_t> target = base, buffer = base;
  target[777] ^= 1;
  const auto delta = gramzip::encode_delta(base, target, GRAMZIP_DTYPE_BF16);
  std::vector<uint8_t> out(gramzip_compress_bound(base.size()), 0xa5);
  const std::vector<uint8_t> untouched = out;
  size_t size = out.size();
  gramzip_options o = gramzip::device_memory_options();
  for (const gramzip_device coder : {GRAMZIP_DEVICE_AUTO, GRAMZIP_DEVICE_CPU}) {
    o.device = coder;
    const gramzip_status encoded = gramzip_encode_delta(base.data(), target.data(), base.size(),
                                                        GRAMZIP_DTYPE_BF16, out.data(), &size, &o);
    EXPECT_TRUE(encoded == GRAMZIP_DEVICE || encoded == GRAMZIP_INVALID_ARGUMENT) << encoded;
    EXPECT_NE(std::strstr(gramzip_last_error(),
                          encoded == GRAMZIP_DEVICE ? "CUDA" : "in no device's memory"),
              nullptr)
        << gramzip_last_error();
    EXPECT_EQ(gramzip_apply_delta(delta.data(), delta.size(), buffer.data(), buffer.size(), &o),
              encoded);
    EXPECT_STRNE(gramzip_last_error(), "");
    EXPECT_EQ(size, out.size());
    EXPECT_TRUE(out == untouched);
    EXPECT_TRUE(buffer == base);
  }
  EXPECT_EQ(gramzip_compress(base.data(), base.size(), out.data(), &size, &o),
            GRAMZIP_INVALID_ARGUMENT);
  EXPECT_NE(std::strstr(gramzip_last_error(), "options.memory"), nullptr) << gramzip_last_error();
  EXPECT_EQ(gramzip_decompress(delta.data(), delta.size(), out.data(), &size, &o),
            GRAMZIP_INVALID_ARGUMENT);
}

TEST(CApi, OptionsOfEarlierVersionsAreTaken) {
  const std::vector<uint8_t> text = gramzip::test::make_text(10'000, 1);
  gramzip_options o = GRAMZIP_OPTIONS_INIT;
  o.base_size = 7;  // behind what the caller's version has
  for (const size_t size : {offsetof(gramzip_options, models), offsetof(gramzip_options, base)}) {
    o.struct_size = static_cast<uint32_t>(size);
    EXPECT_EQ(gramzip::decompress(gramzip::compress(text, o), o), text);
  }
  o.struct_size = sizeof o;
  size_t size = 0;
  EXPECT_EQ(gramzip_compress(text.data(), text.size(), nullptr, &size, &o),
            GRAMZIP_INVALID_ARGUMENT);
}

// Blocks are decoded to the caller's memory: of concatenated archives, at any number of threads,
// and into more room than they need, which stays as it was.
TEST(CApi, ConcatenatedArchivesInPlace) {
  std::vector<uint8_t> content, archives;
  for (const size_t n : {5'000'000, 1, 0, 700'000, 2'200'000}) {
    const auto part =
        n % 3 == 0 ? gramzip::test::make_text(n, n) : gramzip::test::make_random(n, n);
    const auto archive = gramzip::compress(part);
    content.insert(content.end(), part.begin(), part.end());
    archives.insert(archives.end(), archive.begin(), archive.end());
  }
  for (const int threads : {1, 2, 7}) {
    std::vector<uint8_t> out(content.size() + 1000, 0xa5);
    size_t size = out.size();
    gramzip_options o = GRAMZIP_OPTIONS_INIT;
    o.threads = threads;
    ASSERT_EQ(gramzip_decompress(archives.data(), archives.size(), out.data(), &size, &o),
              GRAMZIP_OK);
    ASSERT_EQ(size, content.size());
    EXPECT_TRUE(std::equal(content.begin(), content.end(), out.begin()));
    EXPECT_EQ(std::count(out.begin() + static_cast<ptrdiff_t>(size), out.end(), 0xa5), 1000);
    size = content.size() - 1;
    EXPECT_EQ(gramzip_decompress(archives.data(), archives.size(), out.data(), &size, &o),
              GRAMZIP_OUTPUT_TOO_SMALL);
  }
}

TEST(CApi, EmptyInput) {
  const auto archive = gramzip::compress({});
  EXPECT_EQ(gramzip::decompress(archive).size(), 0u);
}

TEST(CApi, BoundHoldsForEveryEdgeFile) {
  for (const auto& f : gramzip::test::edge_files()) {
    std::vector<uint8_t> out(gramzip_compress_bound(f.content.size()));
    size_t size = out.size();
    ASSERT_EQ(gramzip_compress(f.content.data(), f.content.size(), out.data(), &size, nullptr),
              GRAMZIP_OK)
        << f.name;
  }
}

TEST(CApi, DeviceCudaFailsHardWithoutOne) {
  gramzip_options o = GRAMZIP_OPTIONS_INIT;
  o.device = GRAMZIP_DEVICE_CUDA;
  uint8_t out[4096];
  size_t size = sizeof out;
  const gramzip_status s = gramzip_compress("x", 1, out, &size, &o);
  EXPECT_TRUE(s == GRAMZIP_OK || s == GRAMZIP_DEVICE);
  if (s == GRAMZIP_DEVICE) EXPECT_STRNE(gramzip_last_error(), "");
}

TEST(CApi, StreamsStopWhenACallbackFails) {
  const auto read = [](void*, void*, size_t, size_t*) { return 1; };
  const auto write = [](void*, const void*, size_t) { return 0; };
  EXPECT_EQ(gramzip_compress_stream(read, nullptr, write, nullptr, nullptr), GRAMZIP_IO);
  EXPECT_EQ(gramzip_decompress_stream(read, nullptr, write, nullptr, nullptr), GRAMZIP_IO);
}

TEST(CApi, LevelsAndModels) {
  const std::vector<uint8_t> text = gramzip::test::make_text(300'000, 1),
                             some = gramzip::test::make_text(4'000, 1);
  gramzip_options o = gramzip::default_options();
  for (const int level : {0, 1, 6}) {
    o.level = level;
    const auto archive = gramzip::compress(text, o);
    EXPECT_EQ(gramzip::decompress(archive), text);
    if (level == 0) EXPECT_EQ(archive, gramzip::compress(text));
  }
  for (const int level : {-1, 10}) {
    o.level = level;
    EXPECT_THROW(gramzip::compress(text, o), gramzip::StatusError);
  }
  o.level = 1;
  const auto model = gramzip::Model::train(text, o);
  const auto file = model.save();
  const auto loaded = gramzip::Model::load(file);
  EXPECT_EQ(loaded.save(), file);
  const gramzip_model* models[] = {loaded.get()};
  o.models = models;
  o.model_count = 1;
  const auto archive = gramzip::compress(some, o);
  EXPECT_LT(archive.size(), gramzip::compress(some).size());
  EXPECT_EQ(gramzip::decompress(archive, o), some);
  try {
    gramzip::decompress(archive);
    ADD_FAILURE() << "the model was not needed";
  } catch (const gramzip::StatusError& e) {
    EXPECT_EQ(e.status(), GRAMZIP_UNSUPPORTED);
  }
  std::vector<uint8_t> part(100);
  size_t size = part.size();
  EXPECT_EQ(gramzip_decompress_range(archive.data(), archive.size(), 50, part.data(), &size, &o),
            GRAMZIP_OK);
  EXPECT_TRUE(std::equal(part.begin(), part.end(), some.begin() + 50));
  auto damaged = file;
  damaged[damaged.size() / 2] ^= 1;
  EXPECT_THROW(gramzip::Model::load(damaged), gramzip::StatusError);
  size = 10;
  EXPECT_EQ(gramzip_model_save(loaded.get(), part.data(), &size), GRAMZIP_OUTPUT_TOO_SMALL);
  gramzip_model* none = nullptr;
  EXPECT_EQ(gramzip_model_train("", 0, &none, nullptr), GRAMZIP_INVALID_ARGUMENT);
  gramzip_model_free(nullptr);
}

TEST(CApi, OptionsOfTheFirstReleaseAreTaken) {
  gramzip_options o = gramzip::default_options();
  o.struct_size = offsetof(gramzip_options, models);
  o.models = reinterpret_cast<const gramzip_model* const*>(1);  // not looked at
  o.model_count = 1;
  const std::vector<uint8_t> text = gramzip::test::make_text(5000, 1);
  EXPECT_EQ(gramzip::decompress(gramzip::compress(text, o), o), text);
}

TEST(CApi, Quantize) {
  constexpr size_t kWeights = 1 << 16;
  std::string head = R"({"w":{"dtype":"F32","shape":[256,256],"data_offsets":[0,262144]}})";
  head.resize((head.size() + 7) / 8 * 8, ' ');
  std::vector<uint8_t> file(8 + head.size() + 4 * kWeights);
  file[0] = static_cast<uint8_t>(head.size());
  std::memcpy(file.data() + 8, head.data(), head.size());
  uint32_t state = 1;
  for (size_t i = 0; i < kWeights; ++i) {
    float x = 0;
    for (int k = 0; k < 4; ++k)
      x += static_cast<float>((state = state * 1664525 + 1013904223) >> 8) * 0x1p-24f - 0.5f;
    std::memcpy(file.data() + 8 + head.size() + 4 * i, &x, 4);
  }
  std::vector<uint8_t> archive(file.size());
  size_t size = archive.size();
  gramzip_quantize_options q = GRAMZIP_QUANTIZE_OPTIONS_INIT;
  gramzip_quantize_result r;
  const auto call = [&] {
    return gramzip_quantize(file.data(), file.size(), archive.data(), &size, &q, &r, nullptr);
  };
  EXPECT_EQ(call(), GRAMZIP_INVALID_ARGUMENT);  // no target
  q.target_bpw = 4;
  ASSERT_EQ(call(), GRAMZIP_OK) << gramzip_last_error();
  EXPECT_LE(r.bits_per_weight, 4);
  EXPECT_GE(r.bits_per_weight, 3.98);
  EXPECT_DOUBLE_EQ(r.bits_per_weight, 8.0 * static_cast<double>(size) / kWeights);
  EXPECT_GT(r.sqnr_db, 20);
  archive.resize(size);
  const std::vector<uint8_t> back = gramzip::decompress(archive);
  ASSERT_EQ(back.size(), file.size());
  EXPECT_EQ(std::memcmp(back.data(), file.data(), 8 + head.size()), 0);
  EXPECT_NE(back, file);
  const char* const none[] = {"nothing*"};
  q.keep = none, q.keep_count = 1;
  EXPECT_EQ(call(), GRAMZIP_INVALID_ARGUMENT);
  EXPECT_NE(std::string(gramzip_last_error()).find("nothing*"), std::string::npos);
  q.keep_count = 0, q.target_bpw = 0.001;
  EXPECT_EQ(call(), GRAMZIP_INVALID_ARGUMENT);
  EXPECT_NE(std::string(gramzip_last_error()).find("smallest"), std::string::npos);
  size = 10, q.target_bpw = 4;
  EXPECT_EQ(call(), GRAMZIP_OUTPUT_TOO_SMALL);
}
