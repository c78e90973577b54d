// SPDX-License-Identifier: Apache-2.0
// Counts of n-grams against a naive count, at any number of threads, size of batch and split.
#include <gtest/gtest.h>

#include <map>
#include <random>

#include "host/base/error.h"
#include "host/cpu/ngram_count.h"
#include "tests/registry/ngrams.h"

namespace gramzip {
namespace {
using cpu::NgramCounter;
using cpu::NgramCountOptions;
using test::Files;
using test::naive_count;

NgramCountOptions options(int threads, size_t batch = 0) {
  NgramCountOptions o;
  o.threads = threads;
  o.batch = batch;
  return o;
}
// Feeds a file in parts of odd sizes.
void feed(NgramCounter& c, const Files& files, size_t part) {
  for (const auto& f : files) {
    for (size_t at = 0; at < f.size(); at += part)
      c.add({f.data() + at, std::min(part, f.size() - at)});
    c.end_file();
  }
}
void expect_counts(NgramCounter& c, const Files& files, const NgramSpec& spec,
                   const std::string& what) {
  const auto want = naive_count(files, spec);
  const auto got = c.top();
  ASSERT_EQ(got.size(), want.size()) << what;
  uint64_t total = 0;
  for (size_t i = 0; i < got.size(); ++i) {
    total += got[i].count;
    const auto it = want.find(got[i].gram);
    ASSERT_TRUE(it != want.end()) << what << ": " << got[i].gram;
    ASSERT_EQ(it->second, got[i].count) << what << ": " << got[i].gram;
    if (i == 0) continue;
    const auto& a = got[i - 1];
    ASSERT_TRUE(a.count > got[i].count || (a.count == got[i].count && a.gram < got[i].gram))
        << what << ": order";
  }
  ASSERT_EQ(c.total(), total) << what;
  ASSERT_EQ(c.distinct(), want.size()) << what;
}
}  // namespace

TEST(Ngram, Words) {
  const NgramSpec spec{NgramUnit::words, 1, false};
  const std::string text =
      "Don't 'quote' it's rock'n'roll, x_1 dogs' ''a''b' 3.14 na\xc3\xafve-\xff \n'";
  const auto want = std::map<std::string, uint64_t>{
      {"Don't", 1},        {"quote", 1}, {"it's", 1}, {"rock'n'roll", 1}, {"x_1", 1},
      {"dogs", 1},         {"a", 1},     {"b", 1},    {"3", 1},           {"14", 1},
      {"na\xc3\xafve", 1}, {"\xff", 1}};
  const Files files{{text.begin(), text.end()}};
  EXPECT_EQ(naive_count(files, spec), want);
  NgramCounter c(spec, options(1));
  feed(c, files, 1000);
  expect_counts(c, files, spec, "words");
  NgramCounter lower({NgramUnit::words, 2, true}, options(1));
  feed(lower, files, 3);
  EXPECT_EQ(lower.top(1)[0].gram, "14 na\xc3\xafve");
}

TEST(Ngram, EveryInputEverySpec) {
  for (const NgramSpec& spec : test::ngram_specs())
    for (const auto& [name, files] : test::ngram_inputs(3000)) {
      const std::string what = name + test::spec_name(spec);
      NgramCounter c(spec, options(1));
      feed(c, files, 1 << 20);
      expect_counts(c, files, spec, what);
      // Batches so small that words and n-grams are cut everywhere.
      NgramCounter small(spec, options(2, 64));
      feed(small, files, 13);
      expect_counts(small, files, spec, what + " in small batches");
    }
}

TEST(Ngram, TheSameAtAnyNumberOfThreads) {
  for (const NgramSpec& spec : test::ngram_specs()) {
    const Files files = test::ngram_inputs(150'000).back().second;
    NgramCounter one(spec, options(1));
    feed(one, files, 1 << 20);
    expect_counts(one, files, spec, test::spec_name(spec));
    for (const int threads : {2, 7}) {
      NgramCounter many(spec, options(threads, 140'000));
      feed(many, files, 37'777);
      const auto a = one.top(), b = many.top();
      ASSERT_EQ(a.size(), b.size());
      for (size_t i = 0; i < a.size(); ++i)
        ASSERT_TRUE(a[i].gram == b[i].gram && a[i].count == b[i].count) << threads;
      ASSERT_EQ(one.memory_used(), many.memory_used()) << test::spec_name(spec);
    }
  }
}

TEST(Ngram, PartsMergeToTheWhole) {
  for (const NgramSpec& spec : test::ngram_specs()) {
    Files files;
    for (const auto& [name, f] : test::ngram_inputs(2000))
      files.insert(files.end(), f.begin(), f.end());
    NgramCounter whole(spec, options(1)), left(spec, options(2)), right(spec, options(1));
    for (size_t i = 0; i < files.size(); ++i) feed(i % 3 == 0 ? left : right, {files[i]}, 100);
    left.merge(right);
    expect_counts(left, files, spec, "merged" + test::spec_name(spec));
  }
  NgramCounter a({NgramUnit::bytes, 2, false}), b({NgramUnit::bytes, 3, false});
  EXPECT_THROW(a.merge(b), Error);
}

TEST(Ngram, TopAndMinimum) {
  const Files files = test::ngram_inputs(20'000).back().second;
  for (const NgramSpec& spec : test::ngram_specs()) {
    NgramCounter c(spec, options(1));
    feed(c, files, 1 << 20);
    const auto all = c.top();
    for (const uint64_t k : {0u, 1u, 2u, 10u, 1000u}) {
      const auto best = c.top(k);
      ASSERT_EQ(best.size(), std::min<size_t>(k, all.size()));
      for (size_t i = 0; i < best.size(); ++i) ASSERT_EQ(best[i].gram, all[i].gram);
    }
    const auto frequent = c.top(UINT64_MAX, 3);
    const auto rare =
        std::find_if(all.begin(), all.end(), [](const auto& e) { return e.count < 3; });
    ASSERT_EQ(frequent.size(), static_cast<size_t>(rare - all.begin()));
  }
}

TEST(Ngram, MemoryIsAClearLimit) {
  const auto noise = test::ngram_noise(3 << 20);
  for (const int threads : {1, 2})
    for (const NgramSpec& spec :
         {NgramSpec{NgramUnit::bytes, 8, false}, NgramSpec{NgramUnit::bytes, 16, false}}) {
      NgramCountOptions o = options(threads);
      o.memory = 40 << 20;
      NgramCounter c(spec, o);
      try {
        c.add(noise);
        c.end_file();
        c.total();
        FAIL() << "it fits";
      } catch (const Error& e) {
        EXPECT_EQ(e.code(), ErrorCode::limit);
        EXPECT_NE(std::string(e.what()).find("--memory"), std::string::npos) << e.what();
      }
    }
  NgramCountOptions tiny;
  tiny.memory = 1000;
  EXPECT_THROW(NgramCounter({NgramUnit::bytes, 2, false}, tiny), Error);
  EXPECT_THROW(NgramCounter({NgramUnit::bytes, 33, false}), Error);
  EXPECT_THROW(NgramCounter({NgramUnit::words, 5, false}), Error);
  EXPECT_THROW(NgramCounter({NgramUnit::bytes, 0, false}), Error);
  EXPECT_THROW(NgramCounter({NgramUnit::bytes, 3, true}), Error);
}

TEST(Ngram, AWordLongerThanTheBatch) {
  const std::string word(300'000, 'w');
  const std::string text = "a " + word + " b " + word + " b";
  const Files files{{text.begin(), text.end()}};
  for (uint32_t n = 1; n <= 4; ++n) {
    const NgramSpec spec{NgramUnit::words, n, false};
    NgramCounter c(spec, options(2, 1000));
    feed(c, files, 10'000);
    expect_counts(c, files, spec, "long words");
  }
  const std::vector<uint8_t> endless(size_t{18} << 20, 'w');
  NgramCounter c({NgramUnit::words, 1, false}, options(1));
  EXPECT_THROW(
      {
        c.add(endless);
        c.end_file();
        c.total();
      },
      Error);
}

// Hashes that agree must not merge n-grams: with all bits equal the bytes still decide.
TEST(Ngram, BytesDecideNotTheHash) {
  cpu::NgramBudget budget(1 << 20);
  cpu::BytesTable table;
  const std::string text = "abcdefghi abcdefghj        ";
  const auto* p = reinterpret_cast<const uint8_t*>(text.data());
  const cpu::BytesTable::Record records[] = {{5, 0, 9, 1}, {5, 10, 9, 2}, {5, 0, 9, 4}};
  table.add(p, records, budget);
  EXPECT_EQ(table.used(), 2u);
  std::map<std::string, uint64_t> got;
  for (const auto& s : table.slots())
    if (s.count != 0) got[std::string(table.bytes(s), table.bytes(s) + s.length())] = s.count;
  EXPECT_EQ(got, (std::map<std::string, uint64_t>{{"abcdefghi", 5}, {"abcdefghj", 2}}));
}
}  // namespace gramzip
