// SPDX-License-Identifier: Apache-2.0
// Compiled with -mavx512f (see CMakeLists.txt).
#define GRAMZIP_CHECKSUM_OPS kChecksumAvx512
#include "host/base/checksum_ops.inl"
