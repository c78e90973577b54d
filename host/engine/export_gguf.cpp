// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <map>
#include <unordered_set>

#include "gramzip/core/wire.h"
#include "host/cpu/float_values.h"
#include "host/engine/export_formats.h"
#include "host/engine/export_rules.h"
#include "host/formats/byte_window.h"
#include "host/formats/fault.h"
#include "host/formats/gguf.h"
#include "host/formats/gguf_blocks.h"
#include "host/formats/gguf_types.h"
#include "host/formats/gguf_writer.h"
#include "host/formats/llama_config.h"

namespace gramzip {
namespace {
using formats::LlamaConfig;

constexpr size_t kMostDims = 4, kMostName = 63;  // of ggml
constexpr uint64_t kMostMetadata = 256u << 20;

struct BlockFormat {
  const char* name;
  size_t bytes;
  uint32_t file_type;  // general.file_type, if most tensors are of it
  size_t (*quantize)(const float*, size_t, uint8_t*);
  void (*dequantize)(const uint8_t*, size_t, float*);
};
constexpr BlockFormat kQ8_0 = {"Q8_0", gguf::kQ8_0Bytes, 7, gguf::quantize_q8_0,
                               gguf::dequantize_q8_0};
constexpr BlockFormat kQ4_0 = {"Q4_0", gguf::kQ4_0Bytes, 2, gguf::quantize_q4_0,
                               gguf::dequantize_q4_0};

// What becomes of a tensor.
struct Plan {
  ExportStream stream;
  const BlockFormat* block = nullptr;     // null: kept
  ElementType type = ElementType::bytes;  // of the kept: converted to it, if it is not the tensor's
};

class GgufExport {
 public:
  GgufExport(std::span<const ExportInput> inputs, const ExportOptions& options,
             ExportResult& result)
      : inputs_(inputs),
        options_(options),
        result_(result),
        main_(options.format == ExportFormat::gguf_q8_0 ? kQ8_0 : kQ4_0) {}

  void run(ExportSink& out) {
    read_config();
    metadata();
    plan();
    out.write(header_.finish());
    if (config_ && !config_->rope_factors().empty()) write_rope_factors(out);
    Workers workers(options_.threads);
    for (size_t i = 0; i < plans_.size(); ++i)
      write_tensor(plans_[i], result_.report.tensors[i], workers, out);
  }

 private:
  void read_config() {
    if (options_.gguf_file != nullptr || options_.config_json.empty()) return;
    if (options_.plain_names) return formats::require_unquantized(options_.config_json);
    std::string why;
    config_ = LlamaConfig::parse(options_.config_json, why);
    if (!config_) result_.notes.push_back("config.json: " + why + ": names stay as they are");
  }

  void metadata() {
    result_.architecture = config_ ? config_->architecture() : "gramzip";
    if (options_.gguf_file != nullptr) {
      copy_metadata(*options_.gguf_file);
    } else {
      header_.string("general.architecture", result_.architecture);
      header_.string("general.type", "model");
      if (!options_.model_name.empty()) header_.string("general.name", options_.model_name);
      if (config_) config_->write_metadata(header_);
    }
    header_.u32("general.file_type", main_.file_type);
    header_.u32("general.quantization_version", 2);
  }

  void copy_metadata(RandomSource& file) {
    static constexpr std::array<std::string_view, 3> kOurs = {
        "general.file_type", "general.quantization_version", "general.alignment"};
    uint64_t total = 0;
    const auto keys = gguf::read_keys(file);
    if (!keys) fail(ErrorCode::internal, "the file is no GGUF");
    for (const gguf::Key& key : *keys) {
      if (std::find(kOurs.begin(), kOurs.end(), key.name) != kOurs.end()) continue;
      total += key.name.size() + key.end - key.begin;
      if (total > kMostMetadata) fail(ErrorCode::limit, "GGUF: more than 256 MiB of metadata");
      std::vector<uint8_t> value(key.end - key.begin);
      formats::read_exactly(file, key.begin, value.data(), value.size());
      if (key.name == "split.count" && value.size() >= 2 && load_le<uint16_t>(value.data()) > 1)
        fail(ErrorCode::unsupported,
             "GGUF: one part of several; join them by llama-gguf-split first");
      if (key.name.starts_with("split.")) continue;
      if (key.name == "general.architecture" && value.size() > 8)
        result_.architecture.assign(value.begin() + 8, value.end());
      header_.raw(key.name, key.type, value);
    }
  }

  void plan() {
    names_out();
    const bool has_output =
        std::find(names_.begin(), names_.end(), "output.weight") != names_.end();
    if (config_ && !config_->rope_factors().empty()) {
      const uint64_t n = config_->rope_factors().size();
      header_.tensor("rope_freqs.weight", std::span(&n, 1), 0, 4 * n);
    }
    std::unordered_set<std::string_view> seen;
    size_t at = 0;
    for (const ExportInput& in : inputs_) {
      const std::string& name = names_[at++];
      if (name.empty()) continue;
      const Tensor& t = in.tensor;
      if (!seen.insert(name).second)
        fail(ErrorCode::corrupt,
             tensor_in_words(t) + ": a second one named " + formats::in_quotes(name));
      if (t.shape.size() > kMostDims)
        fail(ErrorCode::unsupported, tensor_in_words(t) + ": " + std::to_string(t.shape.size()) +
                                         " dimensions; GGUF has at most 4");
      if (name.size() > kMostName)
        result_.notes.push_back(tensor_in_words(t) + ": ggml reads names of at most 63 bytes");
      TensorError e = describe_export(t);
      e.kept_by = gguf_keeps(t, name, options_);
      Plan p{{in, "", 1, config_ ? config_->permuted_heads(t.name) : 0}};
      if (e.kept_by.empty()) {
        // In place of Q6_K, which llama.cpp takes for what makes the logits.
        const bool output = name == "output.weight" || name == "lm_head.weight" ||
                            (name == "token_embd.weight" && !has_output);
        p.block = output ? &kQ8_0 : &main_;
        p.stream.format = p.block->name;
        p.stream.unit = p.stream.heads > 0 ? t.shape.back() : gguf::kBlockElements;
        e.method = e.other_dtype = p.block->name;
        e.stored_bytes = e.elements / gguf::kBlockElements * p.block->bytes;
      } else {
        keep(p, e, t);
      }
      const std::string& dtype = e.other_dtype.empty() ? e.dtype : e.other_dtype;
      header_.tensor(name, t.shape, gguf::find_type(dtype)->id, *e.stored_bytes);
      result_.names.push_back(name);
      plans_.push_back(std::move(p));
      result_.report.tensors.push_back(std::move(e));
    }
    check_plan(options_, result_);
  }

  void names_out() {
    for (const ExportInput& in : inputs_) {
      const Tensor& t = in.tensor;
      if (!config_) {
        names_.push_back(t.name);
        continue;
      }
      const auto name = config_->tensor_name(t.name);
      if (!name)
        fail(ErrorCode::unsupported,
             tensor_in_words(t) + ": architecture " + config_->architecture() +
                 " has none of that name; :plain behind the format keeps all names");
      if (name->empty())
        result_.notes.push_back(tensor_in_words(t) + " is left out: llama.cpp computes it");
      names_.push_back(*name);
    }
  }

  // Vectors are F32, as llama.cpp has them; what GGUF lacks is widened. Both are exact.
  void keep(Plan& p, TensorError& e, const Tensor& t) {
    p.type = t.type;
    const bool narrow = is_float_tensor(t) && element_info(t.type).bytes < 4;
    if (narrow && t.shape.size() < 2 && options_.gguf_file == nullptr)
      p.type = ElementType::f32;
    else if (narrow && element_info(t.type).bytes == 1)
      p.type = ElementType::f16;
    if (p.type != t.type) {
      e.other_dtype = element_info(p.type).name;
      e.stored_bytes = e.elements * element_info(p.type).bytes;
    }
    if (p.type == t.type && gguf::find_type(t.dtype) == nullptr)
      fail(ErrorCode::unsupported, tensor_in_words(t) + ": GGUF has no type for " + t.dtype);
  }

  void write_rope_factors(ExportSink& out) {
    const std::vector<float>& f = config_->rope_factors();
    std::vector<uint8_t> bytes(4 * f.size());
    cpu::from_floats(ElementType::f32, f.data(), f.size(), bytes.data());
    out.write(bytes);
    out.zeros(gguf::HeaderWriter::padding(bytes.size()));
  }

  static void write_tensor(const Plan& p, TensorError& e, Workers& workers, ExportSink& out) {
    const Tensor& t = p.stream.input.tensor;
    const auto write = [&out](std::span<const uint8_t> bytes) { out.write(bytes); };
    if (p.block == nullptr) {
      e.figures = copy_stream(p.stream, p.type, write);
    } else {
      const BlockFormat& f = *p.block;
      const auto quantize = [&](uint64_t first, std::span<const float> x,
                                std::vector<uint8_t>& bytes, std::span<float> restored) {
        const size_t blocks = x.size() / gguf::kBlockElements;
        bytes.resize(blocks * f.bytes);
        const size_t done = f.quantize(x.data(), blocks, bytes.data());
        if (done < blocks)
          fail(ErrorCode::unsupported, tensor_in_words(t) + ": the scale of block " +
                                           std::to_string(first / gguf::kBlockElements + done) +
                                           " is beyond the F16 of " + f.name + "; --keep " +
                                           formats::in_quotes(t.name) +
                                           " leaves the tensor as it is");
        f.dequantize(bytes.data(), blocks, restored.data());
      };
      e.figures = quantize_stream(p.stream, workers, quantize, write);
    }
    out.zeros(gguf::HeaderWriter::padding(*e.stored_bytes));
    out.has_read(e.original_bytes);
  }

  std::span<const ExportInput> inputs_;
  const ExportOptions& options_;
  ExportResult& result_;
  const BlockFormat& main_;
  std::optional<LlamaConfig> config_;
  gguf::HeaderWriter header_;
  std::vector<std::string> names_;  // of inputs_; empty: left out
  std::vector<Plan> plans_;         // of result_.tensors
};
}  // namespace

void export_gguf(std::span<const ExportInput> inputs, const ExportOptions& options, ExportSink& out,
                 ExportResult& result) {
  GgufExport(inputs, options, result).run(out);
}
}  // namespace gramzip
