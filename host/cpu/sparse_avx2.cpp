// SPDX-License-Identifier: Apache-2.0
#define GRAMZIP_SPARSE_LOOPS kSparseAvx2
#include "host/cpu/sparse_loops.inl"
