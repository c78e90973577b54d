// SPDX-License-Identifier: Apache-2.0
// Included once per instruction set with GRAMZIP_CHECKSUM_OPS as the table's name.
#define XXH_INLINE_ALL
#include <xxhash.h>

#include <new>

#include "host/base/checksum_ops.h"

namespace gramzip {
namespace {
XXH3_state_t* as_state(void* p) { return static_cast<XXH3_state_t*>(p); }
const XXH3_state_t* as_state(const void* p) { return static_cast<const XXH3_state_t*>(p); }
Hash128 from_xxh(XXH128_hash_t h) { return {h.low64, h.high64}; }
}  // namespace

const ChecksumOps GRAMZIP_CHECKSUM_OPS = {
    [](const uint8_t* p, size_t n) -> uint64_t { return XXH3_64bits(p, n); },
    [](const uint8_t* p, size_t n) { return from_xxh(XXH3_128bits(p, n)); },
    []() -> void* {
      auto* s = XXH3_createState();
      if (s == nullptr) throw std::bad_alloc();
      XXH3_128bits_reset(s);
      return s;
    },
    [](void* to, const void* from) { XXH3_copyState(as_state(to), as_state(from)); },
    [](void* s) { XXH3_freeState(as_state(s)); },
    [](void* s) { XXH3_128bits_reset(as_state(s)); },
    [](void* s, const uint8_t* p, size_t n) { XXH3_128bits_update(as_state(s), p, n); },
    [](const void* s) { return from_xxh(XXH3_128bits_digest(as_state(s))); },
};
}  // namespace gramzip
