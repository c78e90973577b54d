// SPDX-License-Identifier: Apache-2.0
// Counts of n-grams on a device against those of the CPU: the same n-grams, counts and order.
#include "host/backend/ngram_device.h"
#include "tests/parity/device.h"
#include "tests/registry/ngrams.h"

namespace gramzip {
namespace {
using cpu::NgramAccelerator;
using cpu::NgramCounter;
using cpu::NgramCountOptions;
using test::Files;
#if GRAMZIP_PARITY_EMULATED && GRAMZIP_PARITY_CHECKED
constexpr size_t kScale = 4;  // the checked build is ten times slower
#else
constexpr size_t kScale = 1;
#endif

// Counts what the device left to the CPU.
class Watched final : public NgramAccelerator {
 public:
  explicit Watched(std::unique_ptr<NgramAccelerator> device) : device_(std::move(device)) {}
  std::string name() const override { return device_->name(); }
  size_t preferred_batch() const override { return device_->preferred_batch(); }
  std::vector<NgramPiece> count(const NgramSpec& spec, std::span<const uint8_t> batch,
                                std::span<const NgramPiece> pieces, const Emit& emit) override {
    given += pieces.size();
    auto rest = device_->count(spec, batch, pieces, emit);
    left += rest.size();
    return rest;
  }
  size_t given = 0, left = 0;

 private:
  std::unique_ptr<NgramAccelerator> device_;
};

std::unique_ptr<Watched> watched_device(uint32_t table_log2) {
  std::string why;
  NgramDeviceOptions o;
  o.table_log2 = table_log2;
  auto device = make_ngram_device(0, why, o);
  if (!device && std::getenv("GRAMZIP_REQUIRE_GPU") != nullptr) ADD_FAILURE() << why;
  return device ? std::make_unique<Watched>(std::move(device)) : nullptr;
}

std::vector<cpu::NgramEntry> counts_of(const NgramSpec& spec, const Files& files, size_t batch,
                                       NgramAccelerator* device) {
  NgramCountOptions o;
  o.threads = 1;
  o.batch = batch;
  o.device = device;
  NgramCounter c(spec, o);
  for (const auto& f : files) {
    c.add(f);
    c.end_file();
  }
  return c.top();
}

void expect_same(const std::vector<cpu::NgramEntry>& a, const std::vector<cpu::NgramEntry>& b,
                 const std::string& what) {
  ASSERT_EQ(a.size(), b.size()) << what;
  for (size_t i = 0; i < a.size(); ++i) {
    ASSERT_EQ(a[i].gram, b[i].gram) << what;
    ASSERT_EQ(a[i].count, b[i].count) << what << ": " << a[i].gram;
  }
}
}  // namespace

TEST(NgramParity, EveryInputEverySpec) {
  const auto device = watched_device(14);
  if (!device) GTEST_SKIP() << "no device answers";
  const auto specs = test::ngram_specs();
  test::for_schedules(5, [&](int seed) {
    for (size_t s = 0; s < specs.size(); ++s)
      for (const auto& [name, files] : test::ngram_inputs(2000)) {
        if (seed > 1 && (s + static_cast<size_t>(seed)) % 3 != 0) continue;
        // 4096: files share batches; 300: n-grams and words are cut everywhere.
        for (const size_t batch : {4096u, 300u}) {
          const std::string what = name + test::spec_name(specs[s]) + ", seed " +
                                   std::to_string(seed) + ", batch " + std::to_string(batch);
          expect_same(counts_of(specs[s], files, batch, nullptr),
                      counts_of(specs[s], files, batch, device.get()), what);
          if (::testing::Test::HasFatalFailure()) return;
        }
      }
  });
  EXPECT_GT(device->given, 100u);
  EXPECT_EQ(device->left, 0u);
}

// Several CTAs claim slots of one table, pieces cut words, a piece has 64 KiB.
TEST(NgramParity, SeveralPieces) {
  const auto device = watched_device(19);
  if (!device) GTEST_SKIP() << "no device answers";
  const Files files = test::ngram_inputs(200'000).back().second;
  test::for_schedules(3, [&](int seed) {
    for (const NgramSpec& spec :
         {NgramSpec{NgramUnit::bytes, 3, false}, NgramSpec{NgramUnit::bytes, 8, false},
          NgramSpec{NgramUnit::bytes, 20, false}, NgramSpec{NgramUnit::words, 1, true},
          NgramSpec{NgramUnit::words, 2, false}})
      expect_same(counts_of(spec, files, 1 << 20, nullptr),
                  counts_of(spec, files, 1 << 20, device.get()),
                  test::spec_name(spec) + ", seed " + std::to_string(seed));
  });
  EXPECT_EQ(device->left, 0u);
}

// A table that is too small: halves first, then the CPU takes what does not fit even so.
TEST(NgramParity, OverflowLosesNothing) {
  const auto device = watched_device(10);
  if (!device) GTEST_SKIP() << "no device answers";
  const Files files{test::ngram_noise(70'000 / kScale),
                    test::ngram_inputs(30'000 / kScale).back().second[0]};
  for (const NgramSpec& spec :
       {NgramSpec{NgramUnit::bytes, 4, false}, NgramSpec{NgramUnit::bytes, 12, false},
        NgramSpec{NgramUnit::words, 2, false}})
    expect_same(counts_of(spec, files, 1 << 20, nullptr),
                counts_of(spec, files, 1 << 20, device.get()), test::spec_name(spec));
  EXPECT_GT(device->left, 0u);
  const Files fits{test::ngram_inputs(70'000)[5].second[0]};
  const size_t before = device->left;
  expect_same(counts_of({NgramUnit::bytes, 4, false}, fits, 1 << 20, nullptr),
              counts_of({NgramUnit::bytes, 4, false}, fits, 1 << 20, device.get()), "NULs");
  EXPECT_EQ(device->left, before);
}
}  // namespace gramzip
