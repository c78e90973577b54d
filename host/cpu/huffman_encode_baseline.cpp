// SPDX-License-Identifier: Apache-2.0
#define GRAMZIP_ENCODE_LOOPS kEncodeBaseline
#include "host/cpu/huffman_encode_loops.inl"
