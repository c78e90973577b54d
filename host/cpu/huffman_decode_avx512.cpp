// SPDX-License-Identifier: Apache-2.0
#define GRAMZIP_DECODE_LOOPS kDecodeAvx512
#include "host/cpu/huffman_decode_loops.inl"
