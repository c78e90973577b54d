// SPDX-License-Identifier: Apache-2.0
#define GRAMZIP_DECODE_LOOPS kDecodeBaseline
#include "host/cpu/huffman_decode_loops.inl"
