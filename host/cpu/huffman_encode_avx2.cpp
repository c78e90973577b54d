// SPDX-License-Identifier: Apache-2.0
#define GRAMZIP_ENCODE_LOOPS kEncodeAvx2
#include "host/cpu/huffman_encode_loops.inl"
