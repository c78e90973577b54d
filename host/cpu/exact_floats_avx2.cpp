// SPDX-License-Identifier: Apache-2.0
#define GRAMZIP_EXACT_LOOPS kExactAvx2
#include "host/cpu/exact_floats_loops.inl"
