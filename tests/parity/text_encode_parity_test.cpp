// SPDX-License-Identifier: Apache-2.0
// N-gram text encoded by the CUDA backend and the CPU backend: the same matches, the same parse,
// the same bytes.
#include <algorithm>

#include "host/base/error.h"
#include "host/frame/segment_meta.h"
#include "tests/parity/device.h"
#include "tests/registry/random_models.h"
#include "tests/registry/segments.h"
#include "tests/registry/text_models.h"

namespace gramzip {
namespace {
#if GRAMZIP_PARITY_EMULATED && GRAMZIP_PARITY_CHECKED
constexpr int kScale = 10;  // the checked build is ten times slower
#else
constexpr int kScale = 1;
#endif

struct Case {
  std::string name;
  std::vector<uint8_t> content;
  std::shared_ptr<const model::TextModel> model;
  uint8_t effort = 6;

  SegmentInput input() const { return {ElementType::text, content, model.get(), effort}; }
};

EncodedSegment encode(Backend& backend, const Case& c) {
  const SegmentInput in = c.input();
  EncodedSegment out;
  backend.encode({&in, 1}, {&out, 1});
  return out;
}

using test::expect_same;

// A model that fits made-up text; its codes reach every symbol.
std::shared_ptr<const model::TextModel> fitting_model(uint64_t seed) {
  const std::vector<uint8_t> text = testing::made_up_text(20'000, seed);
  return std::make_shared<const model::TextModel>(
      testing::greedy_model(text, testing::frequent_strings(text, 300),
                            1 + static_cast<uint32_t>(seed % 6), model::CodeOptions::Reach::all));
}

// Text, bytes over few letters, which match everywhere, runs, noise; also glued together.
std::vector<uint8_t> any_content(std::mt19937_64& g, size_t bytes) {
  std::vector<uint8_t> content;
  while (content.size() < bytes) {
    std::vector<uint8_t> part;
    const size_t n = 1 + g() % bytes;
    switch (g() % 8) {
      case 0:
        part.resize(n, static_cast<uint8_t>(g()));
        break;
      case 1:
        part = test::make_random(std::min<size_t>(n, 400), g());
        break;
      case 2:
        for (size_t i = 0; i < n; ++i) part.push_back(static_cast<uint8_t>(g() % 3));
        break;
      case 3:  // what came before, again
        if (!content.empty()) {
          const size_t from = g() % content.size();
          part.assign(content.begin() + static_cast<ptrdiff_t>(from),
                      content.begin() + static_cast<ptrdiff_t>(std::min(content.size(), from + n)));
        }
        break;
      default:
        part = testing::made_up_text(n, g());
    }
    content.insert(content.end(), part.begin(), part.end());
  }
  content.resize(bytes);
  return content;
}

Case any_case(uint64_t seed, size_t max_bytes) {
  std::mt19937_64 g(seed);
  Case c;
  const size_t bytes = 1 + g() % (g() % 4 == 0 ? 100 : max_bytes);
  c.content = any_content(g, bytes);
  static const auto kFitting = [] {
    std::vector<std::shared_ptr<const model::TextModel>> models;
    for (uint64_t i = 0; i < 6; ++i) models.push_back(fitting_model(i));
    return models;
  }();
  c.model = g() % 2 == 0 ? kFitting[g() % 6] : test::random_model(g() % 40);
  c.effort = static_cast<uint8_t>(1 + g() % 9);
  c.name = "case " + std::to_string(seed);
  return c;
}
}  // namespace

TEST(TextEncodeParity, RandomContentAndModels) {
  GRAMZIP_DEVICE_OR_SKIP(device);
  const auto cpu = make_cpu_backend();
  size_t coded = 0, cases = 0;
  test::for_schedules(4, [&](int seed) {
    for (uint64_t i = 0; i < 150 / kScale; ++i) {
      const Case c = any_case(i * 8 + static_cast<uint64_t>(seed), 6000);
      const EncodedSegment expected = encode(*cpu, c);
      expect_same(expected, encode(*device, c), c.name + ", seed " + std::to_string(seed));
      coded += expected.records[0].mode == BlockMode::coded ? 1 : 0;
      ++cases;
    }
  });
  EXPECT_GT(coded, cases / 3);
}

TEST(TextEncodeParity, SeveralBlocks) {
  GRAMZIP_DEVICE_OR_SKIP(device);
  const auto cpu = make_cpu_backend();
  test::for_schedules(2, [&](int seed) {
    std::mt19937_64 g(static_cast<uint64_t>(seed));
    Case c;
    c.content = any_content(g, (kScale > 1 ? 30'000 : 300'000) + g() % 1000);
    if (kScale == 1) {
      c.content.resize(2 << 18, 'x');
      c.content.resize((3 << 18) + 5000, 'x');  // a constant block and one behind
    }
    c.model = test::random_model(5 + static_cast<uint64_t>(seed));
    expect_same(encode(*cpu, c), encode(*device, c), "blocks, seed " + std::to_string(seed));
  });
}

// Segments with and without a model, several models, in one call.
TEST(TextEncodeParity, ABatchIsTheSumOfItsSegments) {
  GRAMZIP_DEVICE_OR_SKIP(device);
  const auto cpu = make_cpu_backend();
  std::vector<Case> cases;
  for (uint64_t i = 0; i < 12; ++i) {
    cases.push_back(any_case(5000 + i, 3000));
    if (i % 3 == 0) cases.back().model = nullptr;
  }
  std::vector<SegmentInput> inputs;
  for (const Case& c : cases) inputs.push_back(c.input());
  test::for_schedules(3, [&](int) {
    std::vector<EncodedSegment> together(inputs.size());
    device->encode(inputs, together);
    for (size_t i = 0; i < cases.size(); ++i)
      expect_same(encode(*cpu, cases[i]), together[i], cases[i].name);
  });
}

#if GRAMZIP_PARITY_EMULATED
// The n-th allocation or launch fails: an error, no memory lost, and the next call works.
TEST(TextEncodeParity, FailuresAreErrorsAndTheNextCallWorks) {
  const auto cpu = make_cpu_backend();
  const Case c = any_case(7, 2000);
  const EncodedSegment expected = encode(*cpu, c);
  const size_t before = simt::live_allocations();
  int failures = 0;
  for (int simt::Options::*fault : {&simt::Options::fail_alloc_at, &simt::Options::fail_launch_at})
    for (int n = 1; n < 30; ++n) {
      const auto backend = test::device_backend();
      simt::options().*fault = n;
      try {
        encode(*backend, c);
      } catch (const Error&) {
        ++failures;
      }
      simt::options().*fault = 0;
      expect_same(expected, encode(*backend, c), c.name);
    }
  EXPECT_GT(failures, 30);
  EXPECT_EQ(simt::live_allocations(), before);
}
#endif
}  // namespace gramzip
