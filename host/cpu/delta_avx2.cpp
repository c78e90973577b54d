// SPDX-License-Identifier: Apache-2.0
#define GRAMZIP_DELTA_LOOPS kDeltaAvx2
#include "host/cpu/delta_loops.inl"
