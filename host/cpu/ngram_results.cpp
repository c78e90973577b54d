// SPDX-License-Identifier: Apache-2.0
// What host/cpu/ngram_count has counted: sums, and the most frequent in a fixed order.
#include <algorithm>

#include "host/cpu/ngram_count.h"

namespace gramzip::cpu {
namespace {
// The k first of what `visit` gives to its argument, in order. Never holds more than 2 k.
template <class Item, class Visit, class Before>
std::vector<Item> select(uint64_t k, Visit visit, Before before) {
  std::vector<Item> best;
  if (k == 0) return best;
  bool full = false;
  Item worst{};  // of the best k when there were k
  const auto cut = [&] {
    std::nth_element(best.begin(), best.begin() + static_cast<ptrdiff_t>(k - 1), best.end(),
                     before);
    best.resize(k);
    worst = best.back();
    full = true;
  };
  visit([&](const Item& item) {
    if (full && !before(item, worst)) return;
    best.push_back(item);
    if (best.size() / 2 >= k) cut();
  });
  if (best.size() > k) cut();
  std::sort(best.begin(), best.end(), before);
  return best;
}

bool bytes_before(const uint8_t* a, uint64_t a_size, const uint8_t* b, uint64_t b_size) {
  const int order = std::memcmp(a, b, std::min(a_size, b_size));
  return order != 0 ? order < 0 : a_size < b_size;
}
}  // namespace

void write_word_ngram(const NgramSpec& spec, const uint8_t* p, uint64_t at,
                      std::vector<uint8_t>& out) {
  out.clear();
  for (uint32_t words = 1;; ++words) {
    const uint64_t end = word_end(p, UINT64_MAX, at);
    for (; at < end; ++at) out.push_back(fold_case(p[at], spec.lower));
    if (words == spec.n) return;
    out.push_back(' ');
    at = next_letter(p, UINT64_MAX, at);
  }
}

uint64_t NgramCounter::total() {
  settle();
  uint64_t sum = 0;
  for (const uint64_t c : store_.dense_counts) sum += c;
  for (const NgramShard& s : store_.shards) {
    for (const PackedTable::Slot& x : s.packed.slots()) sum += x.count;
    for (const BytesTable::Slot& x : s.bytes.slots()) sum += x.count;
  }
  return sum;
}

uint64_t NgramCounter::distinct() {
  settle();
  uint64_t sum = 0;
  for (const uint64_t c : store_.dense_counts) sum += c != 0 ? 1 : 0;
  for (const NgramShard& s : store_.shards) sum += s.packed.used() + s.bytes.used();
  return sum;
}

uint64_t NgramCounter::memory_used() const { return store_.budget.used(); }

void NgramCounter::for_each(const std::function<void(std::span<const uint8_t>, uint64_t)>& f) {
  settle();
  const uint32_t n = store_.spec.n;
  uint8_t gram[kMaxPackedNgram];
  const auto give_key = [&](uint64_t key, uint64_t count) {
    if (count == 0) return;
    store_ngram_key(key, n, gram);
    f({gram, n}, count);
  };
  for (size_t key = 0; key < store_.dense_counts.size(); ++key)
    give_key(key, store_.dense_counts[key]);
  for (const NgramShard& s : store_.shards) {
    for (const PackedTable::Slot& x : s.packed.slots()) give_key(x.key, x.count);
    for (const BytesTable::Slot& x : s.bytes.slots())
      if (x.count != 0) f({s.bytes.bytes(x), x.length()}, x.count);
  }
}

std::vector<NgramEntry> NgramCounter::top(uint64_t k, uint64_t min_count) {
  settle();
  min_count = std::max<uint64_t>(min_count, 1);
  std::vector<NgramEntry> out;
  if (store_.spec.packed()) {
    using Slot = PackedTable::Slot;
    const auto visit = [&](const auto& give) {
      for (size_t key = 0; key < store_.dense_counts.size(); ++key)
        if (store_.dense_counts[key] >= min_count) give(Slot{key, store_.dense_counts[key]});
      for (const NgramShard& s : store_.shards)
        for (const Slot& x : s.packed.slots())
          if (x.count >= min_count) give(x);
    };
    const auto before = [](const Slot& a, const Slot& b) {
      return a.count != b.count ? a.count > b.count : a.key < b.key;
    };
    const auto best = select<Slot>(k, visit, before);
    out.reserve(best.size());
    for (const Slot& x : best) {
      uint8_t gram[kMaxPackedNgram];
      store_ngram_key(x.key, store_.spec.n, gram);
      out.push_back({std::string(gram, gram + store_.spec.n), x.count});
    }
    return out;
  }
  struct Item {
    const uint8_t* bytes;
    uint64_t length, count;
  };
  const auto visit = [&](const auto& give) {
    for (const NgramShard& s : store_.shards)
      for (const BytesTable::Slot& x : s.bytes.slots())
        if (x.count >= min_count) give(Item{s.bytes.bytes(x), x.length(), x.count});
  };
  const auto before = [](const Item& a, const Item& b) {
    return a.count != b.count ? a.count > b.count
                              : bytes_before(a.bytes, a.length, b.bytes, b.length);
  };
  const auto best = select<Item>(k, visit, before);
  out.reserve(best.size());
  for (const Item& x : best) out.push_back({std::string(x.bytes, x.bytes + x.length), x.count});
  return out;
}
}  // namespace gramzip::cpu
