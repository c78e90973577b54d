// SPDX-License-Identifier: Apache-2.0
#define GRAMZIP_QUANT_LOOPS kQuantAvx2
#include "host/cpu/quant_decode_loops.inl"
