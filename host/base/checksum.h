// SPDX-License-Identifier: Apache-2.0
// XXH3 in bulk on the host, by libxxhash's inline code compiled for the processor at hand.
#pragma once
#include <cstdint>
#include <memory>
#include <span>
#include <string>

namespace gramzip {
struct Hash128 {
  uint64_t low = 0, high = 0;
  bool operator==(const Hash128&) const = default;
  std::string hex() const;  // 32 digits as xxh128sum prints them
};

uint64_t hash64(std::span<const uint8_t> bytes);
Hash128 hash128(std::span<const uint8_t> bytes);

// XXH3-128 of a stream.
class Hasher128 {
 public:
  Hasher128();
  Hasher128(const Hasher128&);
  Hasher128& operator=(const Hasher128&);
  ~Hasher128();
  void reset();
  void update(std::span<const uint8_t> bytes);
  Hash128 digest() const;

 private:
  void* state_;
};
}  // namespace gramzip
