// SPDX-License-Identifier: Apache-2.0
//
// What the checker remembers of each byte.
#pragma once

#include <cstdint>
#include <cstring>
#include <memory>
#include <unordered_map>

namespace simt {

// Who touched a byte, when and from where.
struct Record {
  uint32_t block;
  uint32_t epoch;  // barriers that the block had passed
  uint32_t thread : 10;
  uint32_t is_atomic : 1;
  uint32_t clock : 21;  // of the lane, advanced by __syncwarp; 0: no record
  uint32_t pc;          // relative to the executable

  bool exists() const { return clock != 0; }
};

// The last write and two reads.  More reads would find little more: a race needs only one of them.
struct Cell {
  Record write;
  Record read[2];

  bool operator==(const Cell& other) const {
    uint64_t a[6], b[6];
    static_assert(sizeof a == sizeof(Cell));
    std::memcpy(a, this, sizeof a);
    std::memcpy(b, &other, sizeof b);
    uint64_t difference = 0;
    for (int i = 0; i < 6; ++i) difference |= a[i] ^ b[i];
    return difference == 0;
  }
};

class Shadow {
 public:
  // Cells of a page are adjacent.
  static bool same_page(uintptr_t a, uintptr_t b) { return a / kPageBytes == b / kPageBytes; }

  Cell& operator[](uintptr_t address) {
    const uintptr_t page = address / kPageBytes;
    if (page != cached_page_) {
      std::unique_ptr<Page>& p = pages_[page];
      if (!p) p = std::make_unique<Page>();
      cached_ = p.get();
      cached_page_ = page;
    }
    return cached_->cells[address % kPageBytes];
  }

  void clear() {
    pages_.clear();
    cached_page_ = ~uintptr_t(0);
  }

 private:
  static constexpr uintptr_t kPageBytes = 1024;
  struct Page {
    Cell cells[kPageBytes] = {};
  };
  std::unordered_map<uintptr_t, std::unique_ptr<Page>> pages_;
  uintptr_t cached_page_ = ~uintptr_t(0);
  Page* cached_ = nullptr;
};

}  // namespace simt
