// SPDX-License-Identifier: Apache-2.0
// The directory of a zip archive, ZIP64 too. Nothing is ever inflated. Source: PKWARE APPNOTE 6.3.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "host/base/io.h"

namespace gramzip::zip {
struct Entry {
  uint64_t name_at;    // in the file: names stay there
  uint64_t name_hash;  // XXH3-64
  uint64_t local;      // offset of the local header
  uint64_t size;       // as stored in the archive
  uint64_t limit;      // where the next entry or the directory begins
  uint16_t name_bytes, method, flags;
  bool plain() const { return method == 0 && (flags & 1) == 0; }  // stored, not encrypted
};

class Directory {
 public:
  static constexpr uint64_t kMaxEntries = 1u << 18;
  // Throws Error(corrupt), one line that names the entry and the field: entries that overlap or
  // repeat, more of them than kMaxEntries, sizes beyond the file.
  explicit Directory(RandomSource& file);

  const std::vector<Entry>& entries() const { return entries_; }  // in order of place
  std::string name(const Entry& e) const;
  const Entry* find(std::string_view name) const;  // null: none
  // Where the bytes of a plain entry begin; they end `size` later. Checks its local header.
  uint64_t locate(const Entry& e) const;

 private:
  struct End {
    uint64_t entries, size, offset, limit;
  };
  End find_end() const;
  void read_entries(const End& end);
  void check_entries(const End& end);

  RandomSource& file_;
  std::vector<Entry> entries_;
  std::vector<uint32_t> by_hash_;
};

// Is this the beginning of a zip archive, and is its first entry one of those with tensors?
bool is_zip(RandomSource& file);
bool begins_with_tensors(RandomSource& file);
}  // namespace gramzip::zip
