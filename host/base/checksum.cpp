// SPDX-License-Identifier: Apache-2.0
#include "host/base/checksum.h"

#include <cstdio>

#include "host/base/checksum_ops.h"
#include "host/base/cpu_features.h"

namespace gramzip {
namespace {
const ChecksumOps& choose() {
#if defined(GRAMZIP_HAVE_AVX512)
  if (cpu_features().avx512) return kChecksumAvx512;
#endif
#if defined(GRAMZIP_HAVE_AVX2)
  if (cpu_features().avx2_bmi2) return kChecksumAvx2;
#endif
  return kChecksumBaseline;
}
const ChecksumOps& ops() {
  static const ChecksumOps& chosen = choose();
  return chosen;
}
}  // namespace

std::string Hash128::hex() const {
  char text[33];
  std::snprintf(text, sizeof text, "%016llx%016llx", static_cast<unsigned long long>(high),
                static_cast<unsigned long long>(low));
  return text;
}

uint64_t hash64(std::span<const uint8_t> b) { return ops().hash64(b.data(), b.size()); }
Hash128 hash128(std::span<const uint8_t> b) { return ops().hash128(b.data(), b.size()); }

Hasher128::Hasher128() : state_(ops().create()) {}
Hasher128::Hasher128(const Hasher128& o) : state_(ops().create()) { ops().copy(state_, o.state_); }
Hasher128& Hasher128::operator=(const Hasher128& o) {
  if (this != &o) ops().copy(state_, o.state_);
  return *this;
}
Hasher128::~Hasher128() { ops().destroy(state_); }
void Hasher128::reset() { ops().reset(state_); }
void Hasher128::update(std::span<const uint8_t> b) { ops().update(state_, b.data(), b.size()); }
Hash128 Hasher128::digest() const { return ops().digest(state_); }
}  // namespace gramzip
