// SPDX-License-Identifier: Apache-2.0
#define GRAMZIP_EXACT_LOOPS kExactBaseline
#include "host/cpu/exact_floats_loops.inl"
