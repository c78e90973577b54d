// SPDX-License-Identifier: Apache-2.0
#include "host/formats/zip_directory.h"

#include <algorithm>
#include <numeric>

#include "host/base/checksum.h"
#include "host/formats/byte_window.h"
#include "host/formats/fault.h"

namespace gramzip::zip {
namespace {
constexpr uint32_t kLocal = 0x04034b50, kCentral = 0x02014b50, kEnd = 0x06054b50;
constexpr uint32_t kEnd64 = 0x06064b50, kLocator64 = 0x07064b50;
constexpr size_t kLocalBytes = 30, kCentralBytes = 46, kEndBytes = 22, kEnd64Bytes = 56;
constexpr uint32_t kIn64 = UINT32_MAX;  // the value is in the ZIP64 extra field
constexpr uint16_t kExtra64 = 1, kDescriptorFollows = 8;

[[noreturn]] void bad(const std::string& what) { formats::refuse("zip", what); }

// The numbers of 64 bits in an extra field, those that `wanted` asks for, in their order. False if
// one is missing.
bool read_extra64(const uint8_t* p, size_t n, std::initializer_list<uint64_t*> wanted) {
  while (n >= 4) {
    const uint16_t id = load_le<uint16_t>(p), bytes = load_le<uint16_t>(p + 2);
    if (bytes > n - 4) break;
    if (id == kExtra64) {
      size_t at = 0;
      for (uint64_t* v : wanted) {
        if (*v != kIn64) continue;
        if (at + 8 > bytes) return false;
        *v = load_le<uint64_t>(p + 4 + at);
        at += 8;
      }
      return true;
    }
    p += 4 + bytes, n -= 4u + bytes;
  }
  for (const uint64_t* v : wanted)
    if (*v == kIn64) return false;
  return true;
}
}  // namespace

bool is_zip(RandomSource& file) {
  uint8_t head[4];
  if (file.read_at(0, head, 4) < 4) return false;
  return load_le<uint32_t>(head) == kLocal;
}

bool begins_with_tensors(RandomSource& file) {
  uint8_t head[kLocalBytes + 256];
  const size_t n = file.read_at(0, head, sizeof head);
  if (n < kLocalBytes) return false;
  const size_t bytes = load_le<uint16_t>(head + 26);
  if (bytes > n - kLocalBytes) return false;
  const std::string_view name(reinterpret_cast<const char*>(head + kLocalBytes), bytes);
  return name.ends_with(".npy") || name.ends_with("/data.pkl") || name.find("/data/") != name.npos;
}

Directory::Directory(RandomSource& file) : file_(file) {
  const End end = find_end();
  read_entries(end);
  check_entries(end);
}

Directory::End Directory::find_end() const {
  constexpr size_t kLongest = kEndBytes + UINT16_MAX;  // with a comment
  const uint64_t size = file_.size();
  std::vector<uint8_t> tail(std::min<uint64_t>(size, kLongest));
  formats::read_exactly(file_, size - tail.size(), tail.data(), tail.size());
  size_t at = tail.size() < kEndBytes ? 0 : tail.size() - kEndBytes + 1;
  const uint8_t* p = nullptr;
  while (p == nullptr && at > 0) {
    const uint8_t* q = tail.data() + --at;
    if (load_le<uint32_t>(q) == kEnd && load_le<uint16_t>(q + 20) == tail.size() - at - kEndBytes)
      p = q;
  }
  if (p == nullptr) bad("no end of central directory; cut short?");
  End end{load_le<uint16_t>(p + 10), load_le<uint32_t>(p + 12), load_le<uint32_t>(p + 16),
          size - tail.size() + at};
  if (load_le<uint32_t>(p + 4) != 0) bad("end of central directory: several disks");
  // ZIP64: a locator of 20 bytes right before, and what it points to.
  uint8_t locator[20], end64[kEnd64Bytes];
  if (end.limit >= sizeof locator) {
    formats::read_exactly(file_, end.limit - sizeof locator, locator, sizeof locator);
    if (load_le<uint32_t>(locator) == kLocator64) {
      const uint64_t place = load_le<uint64_t>(locator + 8);
      end.limit -= sizeof locator;
      if (end.limit < kEnd64Bytes || place > end.limit - kEnd64Bytes)
        bad("ZIP64 locator: points behind itself");
      formats::read_exactly(file_, place, end64, sizeof end64);
      if (load_le<uint32_t>(end64) != kEnd64) bad("ZIP64 locator: points to no ZIP64 end");
      end = {load_le<uint64_t>(end64 + 32), load_le<uint64_t>(end64 + 40),
             load_le<uint64_t>(end64 + 48), place};
    }
  }
  if (end.offset > end.limit || end.size > end.limit - end.offset)
    bad("end of central directory: the directory lies behind it");
  if (end.entries > kMaxEntries)
    bad("end of central directory: " + std::to_string(end.entries) + " entries; at most " +
        std::to_string(kMaxEntries) + " are read");
  if (end.entries > end.size / kCentralBytes)
    bad("end of central directory: more entries than fit the directory");
  return end;
}

void Directory::read_entries(const End& end) {
  formats::ByteWindow in(file_, end.offset, end.offset + end.size);
  entries_.reserve(end.entries);
  for (uint64_t i = 0; i < end.entries; ++i) {
    const std::string where = "entry " + std::to_string(i) + " of the directory: ";
    const uint8_t* p = in.take(kCentralBytes);
    if (p == nullptr) bad(where + "cut short");
    if (load_le<uint32_t>(p) != kCentral) bad(where + "no entry");
    Entry e{};
    e.flags = load_le<uint16_t>(p + 8);
    e.method = load_le<uint16_t>(p + 10);
    uint64_t size = load_le<uint32_t>(p + 24);
    e.size = load_le<uint32_t>(p + 20);
    e.name_bytes = load_le<uint16_t>(p + 28);
    const uint16_t extra = load_le<uint16_t>(p + 30), comment = load_le<uint16_t>(p + 32);
    e.local = load_le<uint32_t>(p + 42);
    e.name_at = in.at();
    p = in.take(e.name_bytes);
    if (p == nullptr) bad(where + "name: cut short");
    e.name_hash = hash64({p, e.name_bytes});
    p = in.take(extra);
    if (p == nullptr || !in.skip(comment)) bad(where + "cut short");
    if (!read_extra64(p, extra, {&size, &e.size, &e.local})) bad(where + "no ZIP64 sizes");
    if (e.plain() && size != e.size) bad(where + "stored, but of two sizes");
    entries_.push_back(e);
  }
  if (in.left() != 0) bad("end of central directory: fewer entries than the directory holds");
}

void Directory::check_entries(const End& end) {
  std::sort(entries_.begin(), entries_.end(),
            [](const Entry& a, const Entry& b) { return a.local < b.local; });
  for (size_t i = 0; i < entries_.size(); ++i) {
    Entry& e = entries_[i];
    e.limit = i + 1 < entries_.size() ? entries_[i + 1].local : end.offset;
    const uint64_t least = kLocalBytes + e.name_bytes;
    if (e.limit > end.offset || e.limit < e.local || e.limit - e.local < least ||
        e.size > e.limit - e.local - least)
      bad("entry " + formats::in_quotes(name(e)) + ": size: reaches into what follows it");
  }
  by_hash_.resize(entries_.size());
  std::iota(by_hash_.begin(), by_hash_.end(), 0u);
  const auto hash = [this](uint32_t i) { return entries_[i].name_hash; };
  std::sort(by_hash_.begin(), by_hash_.end(),
            [&](uint32_t a, uint32_t b) { return hash(a) < hash(b); });
  const auto twice = std::adjacent_find(by_hash_.begin(), by_hash_.end(),
                                        [&](uint32_t a, uint32_t b) { return hash(a) == hash(b); });
  if (twice != by_hash_.end())
    bad("entry " + formats::in_quotes(name(entries_[*twice])) + ": twice in the directory");
}

std::string Directory::name(const Entry& e) const {
  std::string s(e.name_bytes, ' ');
  formats::read_exactly(file_, e.name_at, reinterpret_cast<uint8_t*>(s.data()), s.size());
  return s;
}

const Entry* Directory::find(std::string_view name) const {
  const uint64_t wanted = hash64({reinterpret_cast<const uint8_t*>(name.data()), name.size()});
  const auto i =
      std::lower_bound(by_hash_.begin(), by_hash_.end(), wanted,
                       [this](uint32_t e, uint64_t h) { return entries_[e].name_hash < h; });
  const bool found = i != by_hash_.end() && entries_[*i].name_hash == wanted;
  return found ? &entries_[*i] : nullptr;
}

uint64_t Directory::locate(const Entry& e) const {
  const auto wrong = [&](const char* what) {
    bad("entry " + formats::in_quotes(name(e)) + ": local header: " + what);
  };
  std::vector<uint8_t> head(kLocalBytes + e.name_bytes);  // within the file: check_entries
  formats::read_exactly(file_, e.local, head.data(), head.size());
  const uint8_t* p = head.data();
  if (load_le<uint32_t>(p) != kLocal) wrong("none there");
  const uint16_t flags = load_le<uint16_t>(p + 6), extra_bytes = load_le<uint16_t>(p + 28);
  if (load_le<uint16_t>(p + 8) != e.method || (flags & 1) != (e.flags & 1))
    wrong("method: not the directory's");
  if (load_le<uint16_t>(p + 26) != e.name_bytes ||
      hash64({p + kLocalBytes, e.name_bytes}) != e.name_hash)
    wrong("name: not the directory's");
  const uint64_t room = e.limit - e.local - head.size();
  if (extra_bytes > room || e.size > room - extra_bytes)
    wrong("extra field: the entry reaches into what follows it");
  uint64_t stored = load_le<uint32_t>(p + 18), size = load_le<uint32_t>(p + 22);
  const bool unknown = (flags & kDescriptorFollows) != 0 && stored == 0 && size == 0;
  if (stored == kIn64 || size == kIn64) {
    std::vector<uint8_t> extra(extra_bytes);
    formats::read_exactly(file_, e.local + head.size(), extra.data(), extra.size());
    if (!read_extra64(extra.data(), extra.size(), {&size, &stored})) wrong("no ZIP64 sizes");
  }
  if (!unknown && (stored != e.size || size != e.size)) wrong("size: not the directory's");
  return e.local + head.size() + extra_bytes;
}
}  // namespace gramzip::zip
