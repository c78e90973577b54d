// SPDX-License-Identifier: Apache-2.0
// gramzip quantize: the lossy entry.
#pragma once
#include "host/cli/options.h"

namespace gramzip::cli {
void add_quantize(CLI::App& app, Options& o);
int run_quantize(Options& o);
}  // namespace gramzip::cli
