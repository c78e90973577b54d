// SPDX-License-Identifier: Apache-2.0
// One set of hash functions per instruction set; checksum.cpp chooses.
#pragma once
#include "host/base/checksum.h"

namespace gramzip {
struct ChecksumOps {
  uint64_t (*hash64)(const uint8_t*, size_t);
  Hash128 (*hash128)(const uint8_t*, size_t);
  void* (*create)();
  void (*copy)(void* to, const void* from);
  void (*destroy)(void*);
  void (*reset)(void*);
  void (*update)(void*, const uint8_t*, size_t);
  Hash128 (*digest)(const void*);
};
extern const ChecksumOps kChecksumBaseline;
extern const ChecksumOps kChecksumAvx2;    // where the build has it
extern const ChecksumOps kChecksumAvx512;  // likewise
}  // namespace gramzip
