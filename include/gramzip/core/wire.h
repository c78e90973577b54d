// SPDX-License-Identifier: Apache-2.0
// Little-endian loads and stores of fixed width at any alignment. The wire is bytes, not structs.
#pragma once
#include <cstring>

#include "gramzip/core/config.h"

namespace gramzip {
template <class T>
GRAMZIP_HD inline T load_le(const uint8_t* p) {
#if defined(__CUDA_ARCH__) || __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
  T v = 0;  // the device needs alignment for a wide load, so compose bytes
  for (size_t i = 0; i < sizeof(T); ++i) v |= static_cast<T>(static_cast<T>(p[i]) << (8 * i));
  return v;
#else
  T v;
  std::memcpy(&v, p, sizeof(T));
  return v;
#endif
}

template <class T>
GRAMZIP_HD inline void store_le(uint8_t* p, T v) {
#if defined(__CUDA_ARCH__) || __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
  for (size_t i = 0; i < sizeof(T); ++i) p[i] = static_cast<uint8_t>(v >> (8 * i));
#else
  std::memcpy(p, &v, sizeof(T));
#endif
}

GRAMZIP_HD inline bool all_zero(const uint8_t* p, size_t n) {
  uint8_t any = 0;
  for (size_t i = 0; i < n; ++i) any |= p[i];
  return any == 0;
}
}  // namespace gramzip
