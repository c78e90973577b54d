// SPDX-License-Identifier: Apache-2.0
//
// AddressSanitizer's interface, or nothing.
#pragma once

#if defined(__SANITIZE_ADDRESS__)
#define SIMT_ASAN 1
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#define SIMT_ASAN_POISON(p, n) __asan_poison_memory_region(p, n)
#define SIMT_ASAN_UNPOISON(p, n) __asan_unpoison_memory_region(p, n)
#else
#define SIMT_ASAN 0
#define SIMT_ASAN_POISON(p, n) static_cast<void>(0)
#define SIMT_ASAN_UNPOISON(p, n) static_cast<void>(0)
#endif
