// SPDX-License-Identifier: Apache-2.0
// The lossy entry: prunes and quantizes the weights of checkpoints and writes them as an archive,
// which decompresses to files of the same format, header, names and types with other values.
#pragma once
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "host/engine/engine.h"
#include "host/engine/error_report.h"
#include "host/formats/zip_checksums.h"
#include "host/model/quant_design.h"

namespace gramzip {
enum class PruneKind : uint8_t { none, edge, node, two_of_four };
const char* prune_name(PruneKind k);

struct QuantizeOptions {
  // Of methods uniform and trellis, exactly one, unless every tensor that is quantized has a rate
  // of its own:
  std::optional<double> target_bpw;   // bits of the archive by weights, lands in [B - 0.01, B]
  std::optional<double> target_sqnr;  // dB over all weights, lands in [D, D + 0.05]
  std::optional<double> max_error;    // of each weight
  // Else how weights become levels; `group` is set by group_rows for each tensor.
  bool quantize = true;  // false: weights are pruned only
  quant::MethodOptions method = {.method = quant::Method::trellis};
  bool group_rows = false;        // a scale for each row
  bool mean_constrained = false;  // rows keep their means, whatever the method
  quant::CoderChoice coder = quant::CoderChoice::automatic;

  PruneKind prune = PruneKind::none;
  bool prune_global = false;  // all tensors have one threshold, not one each
  double sparsity = 0.5;      // of the weights of tensors that are not kept; 2:4 has its own

  std::vector<std::string> keep;  // patterns of names (fnmatch) of tensors that stay lossless
  bool default_rules = true;      // quantize_plan.h
  std::vector<std::pair<std::string, double>> set;  // patterns and bits per weight; the last counts
  bool strict = false;  // refuse NaN and infinite weights instead of keeping them as they are

  int threads = 0;
  Backend* backend = nullptr;
  Progress progress;  // of the archive
  std::function<void(const std::string&)> warn, note;
};

// A file. What is no checkpoint is stored without loss.
struct QuantizeInput {
  std::string name;  // in the archive
  uint32_t mode = 0644;
  RandomSource* file = nullptr;
};

struct QuantizeResult {
  ArchiveSummary archive;
  ErrorReport report;    // total: all tensors of floats; seconds are not set
  uint64_t weights = 0;  // of all tensors of floats, kept ones too
  double bits_per_weight() const {
    return weights == 0
               ? 0
               : 8 * static_cast<double>(archive.archive_bytes) / static_cast<double>(weights);
  }
  double lambda = 0;  // the slope found; 0 if none was searched
  int passes = 0;     // over the weights, to find it
  std::string note;   // JSON, as the archive has it (docs/cli.md)
  // Of each input: checksums of a zip archive's entries, which change with their weights.
  std::vector<std::vector<zip::Patch>> patches;
};

// Reads the files several times and writes one archive. Throws Error(invalid_argument) for options
// that contradict each other, name no tensor or cannot be met; the message says what can be.
QuantizeResult quantize(std::span<const QuantizeInput> inputs, Sink& out,
                        const QuantizeOptions& options);

// Decodes the archive and holds it against the files and the report: every figure of every tensor,
// and every byte that is no weight of a tensor that was changed. Throws Error(internal).
void verify_quantized(Source& archive, RandomSource* random, std::span<const QuantizeInput> inputs,
                      const QuantizeResult& result, const QuantizeOptions& options);
}  // namespace gramzip
