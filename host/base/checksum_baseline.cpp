// SPDX-License-Identifier: Apache-2.0
#define GRAMZIP_CHECKSUM_OPS kChecksumBaseline
#include "host/base/checksum_ops.inl"
