// SPDX-License-Identifier: Apache-2.0
#include "host/engine/quantize_options.h"

#include <cmath>

#include "gramzip/core/quant.h"

namespace gramzip {
namespace {
[[noreturn]] void refuse(const std::string& what) { fail(ErrorCode::invalid_argument, what); }

void check_targets(const QuantizeOptions& o) {
  const int targets = (o.target_bpw ? 1 : 0) + (o.target_sqnr ? 1 : 0) + (o.max_error ? 1 : 0);
  if (targets > 1)
    refuse("--target-bpw, --target-sqnr and --max-error exclude each other; give one");
  const auto positive = [](const char* name, const std::optional<double>& v) {
    if (v && !(std::isfinite(*v) && *v > 0)) refuse(std::string(name) + ": not above 0");
  };
  positive("--target-bpw", o.target_bpw);
  positive("--target-sqnr", o.target_sqnr);
  positive("--max-error", o.max_error);
  for (const auto& [pattern, rate] : o.set)
    if (!(std::isfinite(rate) && rate > 0)) refuse("--set " + pattern + ": bits are not above 0");
  const bool targeted = o.quantize && quant::has_target(o.method.method);
  const std::string name = o.quantize ? quant::method_name(o.method.method) : "none";
  if (!targeted && targets > 0)
    refuse("--method " + name +
           " has a rate of its own; targets go with --method trellis or uniform");
  if (!targeted && !o.set.empty())
    refuse("--method " + name +
           " has a rate of its own; --set goes with --method trellis or uniform");
  if (targeted && targets == 0 && o.set.empty())
    refuse("give a target: --target-bpw, --target-sqnr or --max-error");
  if (!o.set.empty() && o.max_error) refuse("--set and --max-error exclude each other");
  if (o.max_error && o.prune != PruneKind::none)
    refuse("--max-error and --prune exclude each other: what is pruned has no bound");
  if (o.max_error && o.mean_constrained)
    refuse("--max-error and --mean-constrained exclude each other: roundings are moved");
}
}  // namespace

void check_options(const QuantizeOptions& o) {
  check_targets(o);
  using quant::Method;
  const Method m = o.method.method;
  if (!o.quantize && o.prune == PruneKind::none) refuse("neither a method nor --prune is given");
  if (!o.quantize && o.mean_constrained) refuse("--mean-constrained needs a method");
  const bool scaled = !quant::has_target(m) && m != Method::sorting;
  if (o.quantize && !scaled && (o.group_rows || o.method.group != 0))
    refuse(std::string("--group: --method ") + quant::method_name(m) +
           " has no scales; its code follows the weights by itself");
  if (o.method.group != 0 &&
      (o.method.group < quant::kMinGroup || o.method.group > quant::kMaxGroup))
    refuse("--group: not 8 to 2147483648");
  if (o.method.bits < 2 || o.method.bits > 8) refuse("--bits: not 2 to 8");
  if (o.method.asymmetric && m != Method::linear && m != Method::mean_constrained)
    refuse(std::string("--asymmetric goes with --method linear"));
  if (o.prune != PruneKind::none && !(o.sparsity >= 0 && o.sparsity < 1))
    refuse("--sparsity: not from 0 to below 1");
  if (o.prune == PruneKind::two_of_four && o.sparsity != 0.5)
    refuse("--sparsity: --prune 2:4 prunes half of the weights");
}

bool may_use_trellis(const QuantizeOptions& o) {
  using quant::CoderChoice;
  return o.quantize && o.method.method == quant::Method::trellis && !o.max_error &&
         !o.mean_constrained && o.prune == PruneKind::none &&
         (o.coder == CoderChoice::automatic || o.coder == CoderChoice::huffman);
}
}  // namespace gramzip
