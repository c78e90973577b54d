// SPDX-License-Identifier: Apache-2.0
// What an archive's note says of its quantized weights (docs/cli.md), and figures in words.
#pragma once
#include <span>
#include <string>

#include "host/engine/quant_job.h"
#include "host/engine/quantize.h"

namespace gramzip {
const char* coder_name(quant::CoderChoice c);
// "target 4.5 bits per weight"; empty if none was given.
std::string target_text(const QuantizeOptions& o);
// "trellis", "linear, mean-constrained, pruned edge", or "pruned edge" alone.
std::string method_text(const QuantizeOptions& o, const QuantJob& job);
// What the quantizer of one tensor is: "64 states, step 0.0123, 150 levels".
std::string quantizer_text(const QuantJob& job);

// report: complete, in order of the tensors. Numbers have so many digits that they are the same on
// every machine.
std::string quantize_note(const QuantizeOptions& options, const ErrorReport& report, double lambda);
}  // namespace gramzip
