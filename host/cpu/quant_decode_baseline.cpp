// SPDX-License-Identifier: Apache-2.0
#define GRAMZIP_QUANT_LOOPS kQuantBaseline
#include "host/cpu/quant_decode_loops.inl"
