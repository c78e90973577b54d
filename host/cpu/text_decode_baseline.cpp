// SPDX-License-Identifier: Apache-2.0
#define GRAMZIP_TEXT_LOOPS kTextBaseline
#include "host/cpu/text_decode_loops.inl"
