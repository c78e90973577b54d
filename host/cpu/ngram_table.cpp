// SPDX-License-Identifier: Apache-2.0
#include "host/cpu/ngram_table.h"

#include <algorithm>
#include <bit>

#include "host/base/error.h"

namespace gramzip::cpu {
namespace {
constexpr size_t kFirstSlots = 64;

uint32_t shift_for(size_t slots) { return 64 - static_cast<uint32_t>(std::countr_zero(slots)); }
}  // namespace

void NgramBudget::refuse() const {
  fail(ErrorCode::limit, "counting: the distinct n-grams do not fit in the " +
                             std::to_string(bytes_ >> 20) +
                             " MiB left for them; give more with --memory or take a smaller n");
}

void PackedTable::grow(NgramBudget& budget) {
  const size_t size = std::max(kFirstSlots, slots_.size() * 2);
  budget.charge((size - slots_.size()) * sizeof(Slot));
  std::vector<Slot> old(size, Slot{0, 0});
  old.swap(slots_);
  shift_ = shift_for(size);
  for (const Slot& s : old)
    if (s.count != 0) find(s.key) = s;
}

void BytesTable::grow(NgramBudget& budget) {
  const size_t size = std::max(kFirstSlots, slots_.size() * 2), mask = size - 1;
  budget.charge((size - slots_.size()) * sizeof(Slot));
  std::vector<Slot> old(size, Slot{0, 0, 0});
  old.swap(slots_);
  shift_ = shift_for(size);
  for (const Slot& s : old) {
    if (s.count == 0) continue;
    size_t i = place(s.hash);
    while (slots_[i].count != 0) i = (i + 1) & mask;
    slots_[i] = s;
  }
}

uint64_t BytesTable::keep(const uint8_t* p, uint64_t length, NgramBudget& budget) {
  const uint64_t need = bytes_used_ + length + 8;
  if (need > bytes_.size()) {
    // The sizes are one sequence, so what is charged follows from the sum of the lengths.
    uint64_t size = std::max<uint64_t>(bytes_.size(), 1024);
    while (size < need) size += size / 2;
    budget.charge(size - bytes_.size());
    bytes_.reserve(size);
    bytes_.resize(size);
  }
  std::memcpy(bytes_.data() + bytes_used_, p, length);
  const uint64_t at = bytes_used_;
  bytes_used_ += length;
  return at;
}

void BytesTable::add(const uint8_t* text, std::span<const Record> records, NgramBudget& budget) {
  if (slots_.empty()) grow(budget);
  // Slots first, then the bytes of the slots that may be ours: the misses of many records overlap.
  for (const Record& r : records) __builtin_prefetch(&slots_[place(r.hash)], 1);
  for (const Record& r : records) {
    const Slot& s = slots_[place(r.hash)];
    if (s.hash == r.hash && s.count != 0) __builtin_prefetch(bytes(s));
  }
  for (const Record& r : records) {
    const uint8_t* const p = text + r.at;
    size_t i = place(r.hash);
    for (;; i = (i + 1) & (slots_.size() - 1)) {
      Slot& s = slots_[i];
      if (s.count == 0) {
        s = {r.hash, r.count, keep(p, r.length, budget) << 24 | r.length};
        if (++used_ * 4 > slots_.size() * 3) grow(budget);
        break;
      }
      if (s.hash == r.hash && s.length() == r.length && same_bytes(bytes(s), p, r.length)) {
        s.count += r.count;
        break;
      }
    }
  }
}
}  // namespace gramzip::cpu
