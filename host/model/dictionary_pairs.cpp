// SPDX-License-Identifier: Apache-2.0
// Pairs are counted by distribution: the tokens that follow token x are gathered in bucket x, and a
// bucket is counted in an array over all tokens. 2 bytes written and one increment a token; no
// hashing, no merging of tables, and every step is parallel: scattering by shard, counting by
// bucket.
#include "host/model/dictionary_pairs.h"

#include <algorithm>

#include "host/model/fixed_log.h"

namespace gramzip::model {
void TokenShard::count(size_t vocabulary) {
  places.assign(vocabulary, 0);
  for (const uint16_t t : tokens) ++places[t];
  if (weights.empty()) return;
  mass.assign(vocabulary, 0);
  for (size_t i = 0; i < tokens.size(); ++i) mass[tokens[i]] += weights[i];
}

void PairCounter::scatter(TokenShard& shard) {
  // `places` holds where the shard's part of each bucket begins. The last token is followed by the
  // end, which joins with nothing.
  const std::vector<uint16_t>& t = shard.tokens;
  uint32_t* at = shard.places.data();
  if (t.empty()) return;
  const size_t last = t.size() - 1;
  if (shard.weights.empty()) {
    for (size_t i = 0; i < last; ++i) second_[at[t[i]]++] = t[i + 1];
    second_[at[t[last]]++] = kBreak;
    return;
  }
  for (size_t i = 0; i <= last; ++i) {
    const uint32_t to = at[t[i]]++;
    second_[to] = i < last ? t[i + 1] : kBreak;
    second_weight_[to] = shard.weights[i];
  }
}

void PairCounter::offer(Candidate c, Slot& slot) const {
  if (c.gain < slot.bar) return;
  slot.best.push_back(c);
  if (slot.best.size() < 4 * most_ + 1024) return;
  const auto worst = slot.best.begin() + static_cast<ptrdiff_t>(most_) - 1;
  std::nth_element(slot.best.begin(), worst, slot.best.end());
  slot.bar = worst->gain;
  slot.best.resize(most_);
}

void PairCounter::count_bucket(uint32_t first, size_t begin, size_t end, Slot& slot) const {
  uint32_t* counts = slot.counts.data();
  uint16_t* seen = slot.seen.data();
  size_t distinct = 0;
  for (size_t i = begin; i < end; ++i) {
    const uint16_t y = second_[i];
    seen[distinct] = y;
    distinct += counts[y] == 0;
    counts[y] += second_weight_.empty() ? 1 : second_weight_[i];
  }
  const uint32_t room = max_bytes_ - (*lengths_)[first];
  for (size_t k = 0; k < distinct; ++k) {
    const uint16_t y = seen[k];
    const uint32_t c = counts[y];
    counts[y] = 0;
    if (c < least_ || (*lengths_)[y] > room) continue;
    const int64_t bits = int64_t{fixed_log2(c)} + log_total_ - log_mass_[first] - log_mass_[y];
    if (bits > 0) offer({static_cast<uint64_t>(bits) * c, first << 16 | y}, slot);
  }
}

std::vector<Candidate> PairCounter::best(std::vector<TokenShard>& shards,
                                         const std::vector<uint8_t>& lengths, uint32_t max_bytes,
                                         uint32_t least, size_t most) {
  const size_t vocabulary = lengths.size();
  const bool weighted = !shards.empty() && !shards[0].mass.empty();
  lengths_ = &lengths;
  max_bytes_ = max_bytes;
  least_ = std::max(least, 1u);
  most_ = most;

  // Where buckets begin, and within each the shards' parts.
  std::vector<uint32_t> bucket(vocabulary + 1, 0);
  std::vector<uint64_t> mass(vocabulary, 0);
  for (const TokenShard& s : shards)
    for (size_t x = 0; x < vocabulary; ++x) {
      bucket[x + 1] += s.places[x];
      mass[x] += weighted ? s.mass[x] : s.places[x];
    }
  for (size_t x = 0; x < vocabulary; ++x) bucket[x + 1] += bucket[x];
  std::vector<uint32_t> next(bucket.begin(), bucket.end() - 1);
  for (TokenShard& s : shards)
    for (size_t x = 0; x < vocabulary; ++x) {
      const uint32_t n = s.places[x];
      s.places[x] = next[x];
      next[x] += n;
    }
  mass[kBreak] = 0;
  uint64_t total = 0;
  for (const uint64_t m : mass) total += m;
  if (total == 0) return {};
  log_total_ = fixed_log2(total);
  log_mass_.resize(vocabulary);
  for (size_t x = 0; x < vocabulary; ++x) log_mass_[x] = mass[x] > 0 ? fixed_log2(mass[x]) : 0;

  second_.resize(bucket[vocabulary]);
  second_weight_.resize(weighted ? bucket[vocabulary] : 0);
  workers_.run(shards.size(), [&](size_t s, size_t) { scatter(shards[s]); });

  for (Slot& slot : slots_) {
    slot.counts.assign(vocabulary, 0);
    slot.seen.resize(vocabulary + 1);
    slot.best.clear();
    slot.bar = 0;
  }
  // Ranges of buckets of about equal size.
  constexpr size_t kRanges = 64;
  std::vector<uint32_t> cut(kRanges + 1, static_cast<uint32_t>(vocabulary));
  for (size_t r = 0; r < kRanges; ++r) {
    const uint64_t target = uint64_t{bucket[vocabulary]} * r / kRanges;
    cut[r] = static_cast<uint32_t>(std::lower_bound(bucket.begin(), bucket.end() - 1, target) -
                                   bucket.begin());
  }
  cut[0] = 0;
  workers_.run(kRanges, [&](size_t r, size_t slot) {
    for (uint32_t x = cut[r]; x < cut[r + 1]; ++x)
      if (x != kBreak && mass[x] >= least_ && lengths[x] < max_bytes)
        count_bucket(x, bucket[x], bucket[x + 1], slots_[slot]);
  });

  std::vector<Candidate> all;
  for (const Slot& slot : slots_) all.insert(all.end(), slot.best.begin(), slot.best.end());
  const size_t n = std::min(most, all.size());
  std::nth_element(all.begin(), all.begin() + static_cast<ptrdiff_t>(n), all.end());
  all.resize(n);
  std::sort(all.begin(), all.end());
  return all;
}
}  // namespace gramzip::model
