// SPDX-License-Identifier: Apache-2.0
// gramzip quantize --export FORMAT: checkpoints for llama.cpp and vLLM (docs/export.md).
#pragma once
#include "host/cli/options.h"

namespace gramzip::cli {
void add_export(CLI::App& app, Options& o);  // --export

// o.export_to says the format: "gguf:q8_0", "gguf:q4_0", each with ":plain" behind it or not;
// "compressed-tensors:int4" or ":int8", with ":g32", ":g64", ":g128" or ":channel", and ":asym".
// Uses o.files, o.keep, o.output (a folder for compressed-tensors), o.force, o.threads. Returns the
// exit code.
int run_export(Options& o);
}  // namespace gramzip::cli
