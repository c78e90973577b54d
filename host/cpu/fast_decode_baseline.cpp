// SPDX-License-Identifier: Apache-2.0
#define GRAMZIP_FAST_LOOPS decode_fast_baseline
#include "host/cpu/fast_decode_loops.inl"
