// SPDX-License-Identifier: Apache-2.0
#define GRAMZIP_FAST_WRITER write_fast_baseline
#include "host/cpu/fast_encode_loops.inl"
