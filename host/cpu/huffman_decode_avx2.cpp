// SPDX-License-Identifier: Apache-2.0
#define GRAMZIP_DECODE_LOOPS kDecodeAvx2
#include "host/cpu/huffman_decode_loops.inl"
