// SPDX-License-Identifier: Apache-2.0
// What an n-gram saves: its uses in the best parse, times the cost of the best other way to spell
// it less its own. One trie serves all rounds: an n-gram that leaves loses its value there.
#include "host/model/dictionary_prune.h"

#include <algorithm>

#include "host/model/fixed_log.h"
#include "host/model/order0_parse.h"
#include "host/model/trie.h"

namespace gramzip::model {
namespace {
constexpr uint64_t kLeastSaving = 40 * kLogUnit;  // an entry's bytes and code length, and more
constexpr size_t kStringsAtOnce = 256;

class Pruner {
 public:
  Pruner(const Seeds& seeds, Workers& workers)
      : workers_(workers),
        grams_(seeds.grams),
        trie_(seeds.grams),
        uses_(seeds.counts),
        cost_(seeds.counts.size()),
        lengths_(seeds.counts.size(), 1),
        alive_(seeds.grams.size(), true) {
    for (size_t k = 0; k < grams_.size(); ++k)
      lengths_[256 + k] = static_cast<uint8_t>(grams_[k].size());
    set_costs();
  }

  void parse(std::span<const uint8_t> sample) {
    const ParseModel model = {trie_.view(), cost_.data(), lengths_.data()};
    uses_ = order0_parse(sample, model, cost_.size(), parse_loops(), workers_).uses;
    set_costs();
  }

  // Leaves the `most` that save most, if they save anything.
  void prune(size_t most) {
    struct Entry {
      uint64_t saving;
      uint32_t gram;
    };
    std::vector<Entry> entries(grams_.size());
    workers_.run((grams_.size() + kStringsAtOnce - 1) / kStringsAtOnce, [&](size_t part, size_t) {
      const size_t end = std::min(grams_.size(), (part + 1) * kStringsAtOnce);
      for (size_t k = part * kStringsAtOnce; k < end; ++k)
        entries[k] = {alive_[k] ? saving(k) : 0, static_cast<uint32_t>(k)};
    });
    std::sort(entries.begin(), entries.end(), [](const Entry& a, const Entry& b) {
      return a.saving != b.saving ? a.saving > b.saving : a.gram < b.gram;
    });
    for (size_t i = 0; i < entries.size(); ++i) {
      if (i < most && entries[i].saving >= kLeastSaving) continue;
      alive_[entries[i].gram] = false;
      trie_.set_value(entries[i].gram, kNoSymbol);
    }
  }

  std::vector<std::string> rest() const {
    std::vector<std::string> result;
    for (size_t k = 0; k < grams_.size(); ++k)
      if (alive_[k]) result.push_back(grams_[k]);
    return result;
  }

 private:
  // -log2 of (uses + 1/4) / (all + 1/4 each), so that unused symbols have a cost, too.
  void set_costs() {
    uint64_t total = 0;
    for (const uint64_t n : uses_) total += n;
    const uint32_t log_total = fixed_log2(4 * total + uses_.size());
    for (size_t s = 0; s < cost_.size(); ++s) {
      const uint32_t log_uses = fixed_log2(4 * uses_[s] + 1);
      cost_[s] = log_total > log_uses ? std::min(kMaxCost, log_total - log_uses) : 0;
      if (s >= 256 && alive_[s - 256])
        trie_.set_value(s - 256, cost_[s] << 16 | static_cast<uint32_t>(s));
    }
  }

  uint64_t saving(size_t k) const {
    const uint64_t uses = uses_[256 + k];
    if (uses == 0) return 0;
    const std::string& s = grams_[k];
    const auto* p = reinterpret_cast<const uint8_t*>(s.data());
    const size_t n = s.size();
    uint32_t cost[kTrieMaxBytes + 1];  // of what is left from here on
    cost[n] = 0;
    for (size_t i = n; i-- > 0;) {
      cost[i] = cost[i + 1] + cost_[p[i]];
      trie_.view().walk(p + i, n - i, [&](uint32_t length, uint32_t value) {
        if (length < n) cost[i] = std::min(cost[i], cost[i + length] + (value >> 16));
      });
    }
    return cost[0] > cost_[256 + k] ? uses * (cost[0] - cost_[256 + k]) : 0;
  }

  Workers& workers_;
  const std::vector<std::string>& grams_;
  Trie trie_;
  std::vector<uint64_t> uses_;  // by symbol
  std::vector<uint32_t> cost_;  // by symbol
  std::vector<uint8_t> lengths_;
  std::vector<bool> alive_;  // by n-gram
};

// The least r with r * r >= n.
uint64_t root(uint64_t n) {
  uint64_t low = 0, high = uint64_t{1} << 32;
  while (low < high) {
    const uint64_t r = (low + high) / 2;
    if (r * r >= n) {
      high = r;
    } else {
      low = r + 1;
    }
  }
  return low;
}
}  // namespace

std::vector<std::string> prune_seeds(std::span<const uint8_t> sample, const Seeds& seeds,
                                     size_t entries, Workers& workers) {
  Pruner pruner(seeds, workers);
  // Half of the way by ratio, then all of it.
  const uint64_t half_way = root((256 + seeds.grams.size()) * (256 + entries));
  for (const size_t most : {std::max<size_t>(half_way, 256) - 256, entries}) {
    pruner.parse(sample);
    pruner.prune(most);
  }
  return pruner.rest();
}
}  // namespace gramzip::model
