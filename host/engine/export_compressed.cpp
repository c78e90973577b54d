// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "gramzip/core/wire.h"
#include "host/engine/export_formats.h"
#include "host/engine/export_rules.h"
#include "host/formats/dtype.h"
#include "host/formats/fault.h"
#include "host/formats/llama_config.h"
#include "host/formats/safetensors_writer.h"

namespace gramzip {
namespace {
using compressed_tensors::Scheme;

// A tensor of the file. Of a quantized one there are up to four.
enum class Part { kept, shape, packed, scale, zero };
struct Piece {
  Part part;
  size_t tensor;  // of the inputs
  safetensors::OutTensor out;
};

// Scales and zeros of a quantized tensor: written when its packed words have been.
struct Side {
  std::vector<uint8_t> scales, zeros;
};

// Readers need each tensor at a multiple of its element's size, and the format has no padding. So
// 8-byte elements come first, then whatever takes multiples of 4 bytes, then of 2, then the rest.
int zone(const safetensors::OutTensor& t) {
  const formats::Dtype* d = formats::find_dtype(t.dtype);
  if (d == nullptr || d->bits >= 64) return t.bytes % 8 == 0 ? 0 : 3;
  return t.bytes % 4 == 0 ? 1 : t.bytes % 2 == 0 ? 2 : 3;
}

ElementType scale_type(const Tensor& t) {
  if (t.type == ElementType::f16 || t.type == ElementType::bf16) return t.type;
  return element_info(t.type).bytes == 1 ? ElementType::bf16 : ElementType::f32;
}

class CompressedExport {
 public:
  CompressedExport(std::span<const ExportInput> inputs, const ExportOptions& options,
                   ExportResult& result)
      : inputs_(inputs),
        options_(options),
        scheme_(options.scheme),
        result_(result),
        sides_(inputs.size()) {}

  void run(ExportSink& out) {
    if (!options_.config_json.empty()) formats::require_unquantized(options_.config_json);
    plan();
    std::vector<safetensors::OutTensor> list;
    for (const Piece& p : pieces_) list.push_back(p.out);
    const std::pair<std::string, std::string> metadata[] = {{"format", "pt"}};
    out.write(safetensors::header(list, metadata));
    list = {};
    Workers workers(options_.threads);
    for (const Piece& p : pieces_) write_piece(p, workers, out);
  }

 private:
  void add(Part part, size_t tensor, std::string name, const char* dtype,
           std::vector<uint64_t> shape, uint64_t bytes) {
    pieces_.push_back({part, tensor, {std::move(name), dtype, std::move(shape), bytes}});
  }

  void plan() {
    std::vector<std::string> ignore = {"lm_head"};
    for (size_t i = 0; i < inputs_.size(); ++i) {
      const Tensor& t = inputs_[i].tensor;
      TensorError e = describe_export(t);
      std::string name = t.name;
      e.kept_by = compressed_keeps(t, options_);
      if (!e.kept_by.empty()) {
        const formats::Dtype* d = formats::find_dtype(t.dtype);
        if (d == nullptr || !d->safetensors)
          fail(ErrorCode::unsupported,
               tensor_in_words(t) + ": safetensors has no type for " + t.dtype);
        add(Part::kept, i, t.name, d->name, t.shape, e.original_bytes);
        if (could_be_linear(t)) {
          std::string module = t.name.substr(0, t.name.size() - 7);
          if (module != ignore[0]) ignore.push_back(std::move(module));
        }
      } else {
        plan_quantized(i, e);
        name += "_packed";
      }
      result_.names.push_back(std::move(name));
      result_.report.tensors.push_back(std::move(e));
    }
    check_plan(options_, result_);
    std::stable_sort(pieces_.begin(), pieces_.end(),
                     [](const Piece& a, const Piece& b) { return zone(a.out) < zone(b.out); });
    result_.quantization_config = compressed_tensors::quantization_config(scheme_, ignore);
  }

  void plan_quantized(size_t i, TensorError& e) {
    const Tensor& t = inputs_[i].tensor;
    const uint64_t rows = t.shape[0], columns = t.shape[1], groups = scheme_.groups(columns);
    const ElementType type = scale_type(t);
    const uint64_t words = compressed_tensors::packed_words(columns, scheme_.bits);
    const uint64_t before = total_;
    const auto piece = [&](Part part, const char* suffix, const char* dtype,
                           std::vector<uint64_t> shape, uint64_t bytes) {
      add(part, i, t.name + suffix, dtype, std::move(shape), bytes);
      total_ += bytes;
    };
    piece(Part::shape, "_shape", "I64", {2}, 16);
    piece(Part::packed, "_packed", "I32", {rows, words}, 4 * rows * words);
    piece(Part::scale, "_scale", element_info(type).name, {rows, groups},
          rows * groups * element_info(type).bytes);
    if (!scheme_.symmetric) {
      const uint64_t zero_rows = compressed_tensors::packed_words(rows, scheme_.bits);
      piece(Part::zero, "_zero_point", "I32", {zero_rows, groups}, 4 * zero_rows * groups);
    }
    e.method = e.other_dtype = type_name();
    e.parameters = scheme_.group == 0 ? "a scale a row" : "groups of " + std::to_string(each_of(t));
    if (!scheme_.symmetric) e.parameters += ", zero points";
    e.stored_bytes = total_ - before;
  }

  const char* type_name() const { return scheme_.bits == 4 ? "int4" : "int8"; }
  uint64_t each_of(const Tensor& t) const {  // elements that share a scale
    return scheme_.group == 0 ? t.shape[1] : scheme_.group;
  }

  void write_piece(const Piece& p, Workers& workers, ExportSink& out) {
    const ExportInput& in = inputs_[p.tensor];
    const Tensor& t = in.tensor;
    const auto write = [&out](std::span<const uint8_t> bytes) { out.write(bytes); };
    Side& side = sides_[p.tensor];
    switch (p.part) {
      case Part::kept:
        result_.report.tensors[p.tensor].figures = copy_stream({in, "", 1, 0}, t.type, write);
        break;
      case Part::shape: {
        uint8_t bytes[16];
        store_le(bytes, t.shape[0]);
        store_le(bytes + 8, t.shape[1]);
        return out.write(bytes);
      }
      case Part::packed:
        write_packed(p.tensor, workers, out);
        break;
      case Part::scale:
        out.write(side.scales);
        side.scales = {};
        return;
      case Part::zero:
        out.write(side.zeros);
        side.zeros = {};
        return;
    }
    out.has_read(t.end - t.begin);
  }

  void write_packed(size_t i, Workers& workers, ExportSink& out) {
    const ExportInput& in = inputs_[i];
    const Tensor& t = in.tensor;
    const uint64_t rows = t.shape[0], columns = t.shape[1], groups = scheme_.groups(columns);
    const uint64_t each = each_of(t);
    const ElementType type = scale_type(t);
    const size_t scale_bytes = element_info(type).bytes;
    Side& side = sides_[i];
    side.scales.resize(rows * groups * scale_bytes);
    std::vector<int8_t> zeros(scheme_.symmetric ? 0 : rows * groups);
    const auto quantize = [&](uint64_t first, std::span<const float> x, std::vector<uint8_t>& bytes,
                              std::span<float> restored) {
      std::vector<int8_t> codes(x.size());
      for (size_t at = 0; at < x.size(); at += each) {
        const uint64_t group = (first + at) / each;
        int8_t zero = 0;
        uint8_t* scale = side.scales.data() + group * scale_bytes;
        if (!compressed_tensors::quantize_group(x.data() + at, each, scheme_, type,
                                                codes.data() + at, scale, &zero))
          fail(ErrorCode::unsupported,
               tensor_in_words(t) + ": row " + std::to_string((first + at) / columns) +
                   ": a scale beyond " + element_info(type).name + "; --keep " +
                   formats::in_quotes(t.name) + " leaves the tensor as it is");
        compressed_tensors::dequantize_group(codes.data() + at, each, type, scale, zero,
                                             restored.data() + at);
        if (!zeros.empty()) zeros[group] = zero;
      }
      bytes.resize(x.size() * scheme_.bits / 8);
      compressed_tensors::pack(codes.data(), codes.size(), 1, scheme_.bits, bytes.data(), 1);
    };
    const ExportStream stream{in, type_name(), each, 0};
    result_.report.tensors[i].figures = quantize_stream(
        stream, workers, quantize, [&out](std::span<const uint8_t> bytes) { out.write(bytes); });
    if (zeros.empty()) return;
    side.zeros.resize(4 * compressed_tensors::packed_words(rows, scheme_.bits) * groups);
    for (uint64_t g = 0; g < groups; ++g)
      compressed_tensors::pack(zeros.data() + g, rows, groups, scheme_.bits,
                               side.zeros.data() + 4 * g, groups);
  }

  std::span<const ExportInput> inputs_;
  const ExportOptions& options_;
  const Scheme& scheme_;
  ExportResult& result_;
  uint64_t total_ = 0;
  std::vector<Piece> pieces_;
  std::vector<Side> sides_;  // of inputs_
};
}  // namespace

void export_compressed(std::span<const ExportInput> inputs, const ExportOptions& options,
                       ExportSink& out, ExportResult& result) {
  CompressedExport(inputs, options, result).run(out);
}
}  // namespace gramzip
