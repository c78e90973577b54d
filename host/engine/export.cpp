// SPDX-License-Identifier: Apache-2.0
#include "host/engine/export.h"

#include <algorithm>
#include <unordered_set>

#include "host/engine/export_formats.h"
#include "host/engine/export_rules.h"
#include "host/formats/dtype.h"
#include "host/formats/fault.h"

namespace gramzip {
namespace {
// Names once in all files, and no tensor whose values another one scales.
void check_names(std::span<const ExportInput> inputs) {
  std::unordered_set<std::string_view> names;
  for (const ExportInput& in : inputs)
    if (!names.insert(in.tensor.name).second)
      fail(ErrorCode::corrupt, tensor_in_words(in.tensor) + " is there twice");
  for (const ExportInput& in : inputs) {
    const Tensor& t = in.tensor;
    if (is_float_tensor(t) &&
        formats::tensor_bytes(t.shape, 8u * element_info(t.type).bytes) != t.end - t.begin)
      fail(ErrorCode::corrupt, tensor_in_words(t) + ": its shape does not make its bytes");
    if (!is_float_tensor(t) || element_info(t.type).bytes > 1 || t.shape.size() < 2) continue;
    std::string scale_weight = t.name;
    if (scale_weight.ends_with(".weight"))
      scale_weight.replace(scale_weight.size() - 6, 6, "scale_weight");
    for (const std::string& scale : {t.name + "_scale", t.name + "_scale_inv", scale_weight})
      if (scale != t.name && names.contains(scale))
        fail(ErrorCode::unsupported,
             tensor_in_words(t) + ": its " + t.dtype + " values are scaled by tensor " +
                 formats::in_quotes(scale) + "; give a checkpoint of plain floats");
  }
}
void check_patterns(const ExportOptions& options, const ExportResult& result) {
  const std::vector<TensorError>& tensors = result.report.tensors;
  for (const std::string& p : options.keep) {
    bool any = false;
    for (size_t i = 0; i < tensors.size() && !any; ++i)
      any = matches_pattern(p, tensors[i].name) || matches_pattern(p, result.names[i]);
    if (!any)
      fail(ErrorCode::invalid_argument,
           "--keep " + formats::in_quotes(p) + ": no tensor has such a name");
  }
}
}  // namespace

uint64_t ExportResult::quantized() const {
  return static_cast<uint64_t>(
      std::count_if(report.tensors.begin(), report.tensors.end(),
                    [](const TensorError& t) { return t.kept_by.empty(); }));
}

void check_plan(const ExportOptions& options, const ExportResult& result) {
  check_patterns(options, result);
  if (result.quantized() > 0) return;
  std::string line = "nothing to quantize";
  if (!result.report.tensors.empty())
    line.append(": tensor ")
        .append(formats::in_quotes(result.report.tensors[0].name))
        .append(" is kept (")
        .append(result.report.tensors[0].kept_by)
        .append("), and so are all others");
  fail(ErrorCode::unsupported, line.append("; see docs/export.md"));
}

TensorError describe_export(const Tensor& t) {
  TensorError e;
  e.name = t.name;
  e.dtype = t.dtype;
  e.shape = t.shape;
  e.elements = element_count(t);
  e.exact = !is_float_tensor(t);
  e.original_bytes = t.end - t.begin;
  e.stored_bytes = e.original_bytes;
  return e;
}

ExportResult export_checkpoint(std::span<const ExportInput> inputs, const ExportOptions& options,
                               Sink& out) {
  if (inputs.empty()) fail(ErrorCode::unsupported, "no tensors; there is nothing to quantize");
  check_names(inputs);
  ExportResult result;
  ExportSink sink(out, options);
  if (options.format == ExportFormat::compressed_tensors) {
    export_compressed(inputs, options, sink, result);
  } else {
    export_gguf(inputs, options, sink, result);
  }
  result.bytes = sink.written();
  result.report.command = "quantize";
  result.report.archive_bytes = result.bytes;
  result.report.add_up();
  return result;
}
}  // namespace gramzip
