// SPDX-License-Identifier: Apache-2.0
// Compiled with -mavx2 (see CMakeLists.txt).
#define GRAMZIP_CHECKSUM_OPS kChecksumAvx2
#include "host/base/checksum_ops.inl"
