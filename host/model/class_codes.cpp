// SPDX-License-Identifier: Apache-2.0
#include "host/model/class_codes.h"

#include <algorithm>

#include "host/model/code_lengths.h"
#include "host/model/fixed_log.h"

namespace gramzip::model {
namespace {
constexpr uint32_t kRounds = 4;

// Followers of a class, by symbol.
struct Follower {
  uint16_t symbol;
  bool own;  // has a code in the class
  uint32_t count;
};
using Followers = std::vector<Follower>;

std::vector<Followers> count_followers(const Bigrams& bigrams, std::span<const uint8_t> class_of,
                                       uint32_t classes) {
  std::vector<Followers> result(classes);
  std::vector<uint32_t> counts(bigrams.symbols());
  for (uint32_t c = 0; c < classes; ++c) {
    std::fill(counts.begin(), counts.end(), 0);
    for (uint32_t s = 0; s < bigrams.symbols(); ++s)
      if (class_of[s] == c)
        for (const uint16_t next : bigrams.row(s)) ++counts[next];
    for (uint32_t s = 0; s < bigrams.symbols(); ++s)
      if (counts[s] > 0) result[c].push_back({static_cast<uint16_t>(s), false, counts[s]});
  }
  return result;
}

// Decides Follower::own; returns how often each symbol is escaped.
std::vector<uint64_t> choose_own(std::vector<Followers>& followers,
                                 std::span<const uint64_t> counts, uint32_t entry_bits) {
  const size_t symbols = counts.size();
  uint64_t total = 1;
  for (const uint64_t n : counts) total += n;
  std::vector<int64_t> global(symbols);  // bits of a symbol's global code, in 1/1024
  for (size_t s = 0; s < symbols; ++s)
    global[s] = int64_t{fixed_log2(total)} - (counts[s] > 0 ? int64_t{fixed_log2(counts[s])} : 0);
  std::vector<int64_t> escape(followers.size(), 4 * kLogUnit);
  std::vector<uint64_t> escaped;
  for (uint32_t round = 0; round < kRounds; ++round) {
    escaped.assign(symbols, 0);
    for (size_t c = 0; c < followers.size(); ++c) {
      uint64_t all = 0, out = 0;
      for (const Follower& f : followers[c]) all += f.count;
      const int64_t log_all = all > 0 ? fixed_log2(all) : 0;
      for (Follower& f : followers[c]) {
        const int64_t own =
            f.count * (log_all - int64_t{fixed_log2(f.count)}) + int64_t{entry_bits} * kLogUnit;
        f.own = own < f.count * (escape[c] + global[f.symbol]);
        if (f.own) continue;
        out += f.count;
        escaped[f.symbol] += f.count;
      }
      escape[c] = int64_t{fixed_log2(all + 1)} - int64_t{fixed_log2(out + 1)};
    }
    uint64_t sum = 0;
    for (const uint64_t n : escaped) sum += n;
    const int64_t log_sum = fixed_log2(8 * sum + 2 * symbols + 1);
    for (size_t s = 0; s < symbols; ++s)
      global[s] =
          std::min<int64_t>(20 * kLogUnit, log_sum - int64_t{fixed_log2(8 * escaped[s] + 2)});
  }
  return escaped;
}

ClassCode code_of(Followers& followers, uint16_t fallback, uint32_t weight) {
  const auto own = [](const Follower& f) { return f.own; };
  if (std::none_of(followers.begin(), followers.end(), own)) {
    // A class has one symbol at least: its most frequent one, or any if it has no followers.
    if (followers.empty()) followers.push_back({fallback, true, 1});
    std::max_element(followers.begin(), followers.end(), [](const Follower& a, const Follower& b) {
      return a.count < b.count;
    })->own = true;
  }
  ClassCode code;
  std::vector<uint32_t> counts;
  uint64_t escaped = 0;
  for (const Follower& f : followers) {
    if (!f.own) {
      escaped += f.count;
      continue;
    }
    code.symbols.push_back(f.symbol);
    counts.push_back(f.count * weight);
  }
  counts.push_back(static_cast<uint32_t>(escaped * weight + 1));
  const CodeBook book = make_code_book(counts, text::kClassCodeLimit);
  code.lengths.assign(book.lengths.begin(), book.lengths.end() - 1);
  code.escape = book.lengths.back();
  return code;
}
}  // namespace

void make_codes(NgramModel& m, const Bigrams& bigrams, std::span<const uint64_t> counts,
                std::span<const uint8_t> class_of, const DistanceCounts& distances,
                const CodeOptions& options) {
  using Reach = CodeOptions::Reach;
  const uint32_t symbols = m.symbols();
  const uint32_t classes = 1u + *std::max_element(class_of.begin(), class_of.end());
  std::vector<Followers> followers = count_followers(bigrams, class_of, classes);
  const std::vector<uint64_t> escaped = choose_own(followers, counts, options.entry_bits);

  const uint32_t weight = options.reach == Reach::trained ? 8 : 1;
  std::vector<uint32_t> global(symbols);
  for (uint32_t s = 0; s < symbols; ++s) {
    const bool string = s >= text::kByteSymbols && s < m.strings_end();
    const bool reached = !string || options.reach == Reach::all || counts[s] > 0;
    global[s] = static_cast<uint32_t>(escaped[s] * weight + (reached ? 1 : 0));
  }
  m.global_lengths = make_code_book(global, text::kGlobalCodeLimit).lengths;
  m.codes.clear();
  for (Followers& f : followers) m.codes.push_back(code_of(f, text::kFirstContext, weight));

  uint64_t total = 0;
  for (const uint64_t n : counts) total += n;
  m.trained_symbols = total;
  m.popularity.assign(symbols, 0);
  m.class_of.assign(symbols, 0);
  for (uint32_t s = 0; s < symbols; ++s) {
    // A symbol with a code is ranked, whether it occurred or not; so is the first context.
    uint64_t n = counts[s];
    if (n == 0 && s == text::kFirstContext) n = 1;
    if (n == 0) continue;
    const uint32_t log = fixed_log2(total) - std::min(fixed_log2(total), fixed_log2(n));
    m.popularity[s] = static_cast<uint8_t>(std::clamp((log + kLogUnit / 2) / kLogUnit, 1u, 20u));
    m.class_of[s] = class_of[s];
  }
  for (uint32_t k = 0; k < text::kLengthClasses; ++k) {
    std::array<uint32_t, text::kDistanceBuckets> n{};  // there is no distance 0
    for (uint32_t b = 1; b < text::kDistanceBuckets; ++b) n[b] = distances[k][b] * weight + 1;
    const CodeBook book = make_code_book(n, text::kDistanceCodeLimit);
    std::copy(book.lengths.begin(), book.lengths.end(), m.distance_lengths[k].begin());
  }
}
}  // namespace gramzip::model
