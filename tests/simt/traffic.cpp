// SPDX-License-Identifier: Apache-2.0
#include "simt/traffic.h"

#include <algorithm>
#include <unordered_map>
#include <vector>

#include "simt/block.h"

namespace simt {
namespace {

constexpr uintptr_t kSector = 32, kBankBytes = 4, kBanks = 32, kVector = 16;

// One execution of an instruction by a warp.
struct Key {
  uintptr_t pc;
  uint32_t warp, round;
  bool operator==(const Key& o) const { return pc == o.pc && warp == o.warp && round == o.round; }
};
struct KeyHash {
  size_t operator()(const Key& k) const {
    return (k.pc * 0x9e3779b97f4a7c15u) ^ (uint64_t{k.round} << 20) ^ (uint64_t{k.warp} << 50);
  }
};
struct Part {
  uintptr_t address;
  size_t size;
};
struct WarpAccess {
  bool shared = false;
  Access access = Access::kRead;
  std::vector<Part> parts;  // of lanes
};
// What a thread did last, to join the parts of a vector.
struct Last {
  uintptr_t next = 0;  // the address behind it
  uintptr_t chunk = 0;
  Access access = Access::kRead;
  WarpAccess* into = nullptr;
  size_t part = 0;
};

std::map<std::string, Traffic> totals;
std::string kernel_now;
std::unordered_map<Key, WarpAccess, KeyHash> accesses;        // of the running block; pointers stay
std::unordered_map<uintptr_t, uint32_t> rounds[kMaxThreads];  // by instruction
Last last[kMaxThreads];

std::vector<uintptr_t> distinct(const WarpAccess& w, uintptr_t unit) {
  std::vector<uintptr_t> units;
  for (const Part& p : w.parts)
    for (uintptr_t u = p.address / unit; u <= (p.address + p.size - 1) / unit; ++u)
      units.push_back(u);
  std::sort(units.begin(), units.end());
  units.erase(std::unique(units.begin(), units.end()), units.end());
  return units;
}

void add(Traffic& t, const WarpAccess& w) {
  if (w.shared) {
    uint32_t words[kBanks] = {};
    for (const uintptr_t word : distinct(w, kBankBytes)) ++words[word % kBanks];
    ++t.shared_accesses;
    t.shared_passes += *std::max_element(words, words + kBanks);
    return;
  }
  const bool atomic = w.access >= Access::kAtomicRead;
  Traffic::Global& g = atomic ? t.atomics : w.access == Access::kWrite ? t.stores : t.loads;
  ++g.accesses;
  g.sectors += distinct(w, kSector).size();
  for (const Part& p : w.parts) g.bytes += p.size;
}

void close_block() {
  if (accesses.empty()) return;
  Traffic& t = totals[kernel_now];
  for (const auto& [key, access] : accesses) add(t, access);
  accesses.clear();
}

}  // namespace

std::map<std::string, Traffic> traffic() {
  close_block();
  return totals;
}

void clear_traffic() {
  close_block();
  totals.clear();
}

void traffic_begin_block(const Kernel& kernel) {
  close_block();
  kernel_now = kernel_name(kernel.symbol);
  for (auto& r : rounds) r.clear();
  for (Last& l : last) l = {};
}

void traffic_access(const Fiber& fiber, uintptr_t address, size_t size, bool shared, Access access,
                    uintptr_t pc) {
  Last& before = last[fiber.id];
  const uintptr_t chunk = address / kVector;
  if (size >= kBankBytes && before.into != nullptr && before.next == address &&
      before.chunk == chunk && before.access == access && before.into->shared == shared) {
    before.into->parts[before.part].size += size;
    before.next = address + size;
    return;
  }
  const uint32_t round = rounds[fiber.id][pc]++;
  WarpAccess& w = accesses[{pc, fiber.warp, round}];
  w.shared = shared;
  w.access = access;
  w.parts.push_back({address, size});
  before = {address + size, chunk, access, size >= kBankBytes ? &w : nullptr, w.parts.size() - 1};
}

}  // namespace simt
