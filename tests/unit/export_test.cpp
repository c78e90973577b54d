// SPDX-License-Identifier: Apache-2.0
// Exports: blocks and groups by hand-made numbers, headers read back by the readers, whole files.
#include "host/engine/export.h"

#include <gtest/gtest.h>

#include <cmath>
#include <nlohmann/json.hpp>
#include <random>

#include "gramzip/core/wire.h"
#include "host/base/error.h"
#include "host/base/span_source.h"
#include "host/cpu/float_values.h"
#include "host/engine/export_rules.h"
#include "host/formats/gguf.h"
#include "host/formats/gguf_blocks.h"
#include "host/formats/gguf_writer.h"
#include "host/formats/llama_config.h"
#include "host/formats/safetensors.h"
#include "host/formats/safetensors_writer.h"
#include "tests/registry/memory_io.h"

namespace gramzip {
namespace {
using test::MemorySink;
using Bytes = std::vector<uint8_t>;

// Tensors in memory, as a file of any format has them.
class Model {
 public:
  void add(const std::string& name, std::vector<uint64_t> shape, const std::vector<float>& values,
           ElementType type = ElementType::f32, const char* dtype = nullptr) {
    Tensor t;
    t.name = name;
    t.shape = std::move(shape);
    t.type = type;
    t.dtype = dtype != nullptr ? dtype : element_info(type).name;
    t.begin = bytes_.size();
    t.end = t.begin + values.size() * element_info(type).bytes;
    bytes_.resize(t.end);
    cpu::from_floats(type, values.data(), values.size(), bytes_.data() + t.begin);
    tensors_.push_back(std::move(t));
  }
  void add_raw(const std::string& name, std::vector<uint64_t> shape, const char* dtype,
               Bytes bytes) {
    Tensor t;
    t.name = name, t.shape = std::move(shape), t.dtype = dtype;
    t.begin = bytes_.size();
    t.end = t.begin + bytes.size();
    bytes_.insert(bytes_.end(), bytes.begin(), bytes.end());
    tensors_.push_back(std::move(t));
  }
  Bytes run(ExportOptions o, ExportResult* result = nullptr) {
    source_.emplace(bytes_);
    std::vector<ExportInput> in;
    for (const Tensor& t : tensors_) in.push_back({&*source_, t});
    MemorySink out;
    ExportResult r = export_checkpoint(in, o, out);
    EXPECT_EQ(r.bytes, out.bytes.size());
    if (result != nullptr) *result = std::move(r);
    return std::move(out.bytes);
  }
  // The error's text.
  std::string refused(const ExportOptions& o) {
    try {
      run(o);
    } catch (const Error& e) {
      return e.what();
    }
    return "not refused";
  }

 private:
  Bytes bytes_;
  std::vector<Tensor> tensors_;
  std::optional<SpanSource> source_;
};

std::vector<float> gauss(size_t n, uint32_t seed = 1, float scale = 0.02f) {
  std::mt19937 rng(seed);
  std::vector<float> v(n);
  // Sums of uniform numbers: the same everywhere.
  for (float& x : v) {
    x = 0;
    for (int i = 0; i < 4; ++i) x += static_cast<float>(rng() >> 8) * 0x1p-24f - .5f;
    x *= scale;
  }
  return v;
}
ExportOptions with(ExportFormat f, int threads = 2) {
  ExportOptions o;
  o.format = f;
  o.threads = threads;
  return o;
}
ExportOptions compressed(uint32_t bits, uint32_t group, bool symmetric = true) {
  ExportOptions o = with(ExportFormat::compressed_tensors);
  o.scheme = {bits, symmetric, group};
  return o;
}
const Tensor& find(const std::vector<Tensor>& all, const std::string& name) {
  for (const Tensor& t : all)
    if (t.name == name) return t;
  throw std::runtime_error("no tensor " + name);
}
std::vector<float> floats_at(const Bytes& file, const Tensor& t) {
  std::vector<float> v((t.end - t.begin) / element_info(t.type).bytes);
  cpu::to_floats(t.type, file.data() + t.begin, v.size(), v.data());
  return v;
}
std::vector<Tensor> gguf_tensors(const Bytes& file) {
  SpanSource s(file);
  return gguf::read(s).value();
}
std::vector<Tensor> safetensors_of(const Bytes& file) {
  SpanSource s(file);
  return safetensors::read(s).value().tensors;
}

TEST(Blocks, Q8_0ByHand) {
  std::vector<float> x(32);
  x[0] = -127, x[1] = 0.5f, x[2] = 1.5f, x[3] = -2.5f, x[4] = 126.49f, x[5] = -0.49999997f;
  uint8_t out[34];
  ASSERT_EQ(gguf::quantize_q8_0(x.data(), 1, out), 1u);
  EXPECT_EQ(load_le<uint16_t>(out), 0x3c00);  // 1
  const int8_t want[] = {-127, 1, 2, -3, 126, 0, 0};
  for (size_t i = 0; i < std::size(want); ++i)
    EXPECT_EQ(static_cast<int8_t>(out[2 + i]), want[i]) << i;
  float back[32];
  gguf::dequantize_q8_0(out, 1, back);
  EXPECT_EQ(back[3], -3.f);
}

TEST(Blocks, Q4_0ByHand) {
  std::vector<float> x(32);
  // The first of the largest, 8, makes d = -1: codes are 8.5 - x, cut off, 15 at most.
  x[1] = 8, x[2] = -8, x[3] = -6.5f, x[16] = 1, x[17] = -0.5f;
  uint8_t out[18];
  ASSERT_EQ(gguf::quantize_q4_0(x.data(), 1, out), 1u);
  EXPECT_EQ(load_le<uint16_t>(out), 0xbc00);
  const uint8_t want[] = {7 << 4 | 8, 9 << 4 | 0, 8 << 4 | 15, 8 << 4 | 15, 8 << 4 | 8};
  for (size_t i = 0; i < std::size(want); ++i) EXPECT_EQ(out[2 + i], want[i]) << i;
  float back[32];
  gguf::dequantize_q4_0(out, 1, back);
  EXPECT_EQ(back[1], 8.f);
  EXPECT_EQ(back[2], -7.f);  // -8 has no code
  EXPECT_EQ(back[16], 1.f);
}

TEST(Blocks, ZerosTinyAndLarge) {
  std::vector<float> x(96);
  x[0] = -0.f;
  x[32] = 0x1p-140f;  // 1 / d is infinite
  x[64] = 9e6f;       // 9e6 / 127 is beyond F16, 9e6 / 8 too
  Bytes q8(3 * 34, 0xee), q4(3 * 18, 0xee);
  EXPECT_EQ(gguf::quantize_q8_0(x.data(), 3, q8.data()), 2u);
  EXPECT_EQ(gguf::quantize_q4_0(x.data(), 3, q4.data()), 2u);
  EXPECT_TRUE(all_zero(q8.data(), 68));
  EXPECT_EQ(load_le<uint16_t>(q4.data()), 0x8000);
  EXPECT_EQ(q4[2], 0x88);
  EXPECT_EQ(q4[20], 0x88);
  EXPECT_EQ(q8[68], 0xee);
  // The largest scale of F16 is 65504; 65519.99 still rounds to it.
  for (float& v : x) v = 65519.f * 127;
  EXPECT_EQ(gguf::quantize_q8_0(x.data(), 1, q8.data()), 1u);
  EXPECT_EQ(load_le<uint16_t>(q8.data()), 0x7bff);
}

TEST(Groups, SymmetricByHand) {
  const std::vector<float> x = {7.5f, -7.5f, 0.5f, 1.5f, -2.5f, 0, 3, 0};
  int8_t codes[8], zero = 55;
  uint8_t scale[4];
  ASSERT_TRUE(compressed_tensors::quantize_group(x.data(), 8, {4, true, 0}, ElementType::f32, codes,
                                                 scale, &zero));
  EXPECT_EQ(load_le<uint32_t>(scale), 0x3f800000u);  // 7.5 / 7.5
  const int8_t want[] = {7, -8, 0, 2, -2, 0, 3, 0};
  for (size_t i = 0; i < 8; ++i) EXPECT_EQ(codes[i], want[i]) << i;
  EXPECT_EQ(zero, 55);
  uint8_t words[4];
  compressed_tensors::pack(codes, 8, 1, 4, words, 1);
  EXPECT_EQ(load_le<uint32_t>(words), 0x8b86a80fu);
  compressed_tensors::pack(codes, 3, 1, 8, words, 1);
  EXPECT_EQ(load_le<uint32_t>(words), 0x0080'7887u);
}

TEST(Groups, AsymmetricByHand) {
  // The range goes on to 0, which has a code of its own.
  const std::vector<float> x = {15, 7, 1, 2};
  int8_t codes[4], zero;
  uint8_t scale[2];
  ASSERT_TRUE(compressed_tensors::quantize_group(x.data(), 4, {4, false, 0}, ElementType::bf16,
                                                 codes, scale, &zero));
  EXPECT_EQ(load_le<uint16_t>(scale), 0x3f80);
  EXPECT_EQ(zero, -8);
  EXPECT_EQ(codes[0], 7);
  EXPECT_EQ(codes[1], -1);
  float back[4];
  compressed_tensors::dequantize_group(codes, 4, ElementType::bf16, scale, zero, back);
  for (size_t i = 0; i < 4; ++i) EXPECT_EQ(back[i], x[i]);
}

TEST(Groups, ZeroAndLargeScales) {
  std::vector<float> x(32);
  int8_t codes[32], zero = 1;
  uint8_t scale[4];
  ASSERT_TRUE(compressed_tensors::quantize_group(x.data(), 32, {8, false, 0}, ElementType::f16,
                                                 codes, scale, &zero));
  EXPECT_EQ(load_le<uint16_t>(scale), 0x1400);  // 2^-10
  EXPECT_EQ(codes[0], zero);
  x[3] = 1e6f;
  EXPECT_FALSE(compressed_tensors::quantize_group(x.data(), 32, {4, true, 0}, ElementType::f16,
                                                  codes, scale, &zero));
  EXPECT_TRUE(compressed_tensors::quantize_group(x.data(), 32, {4, true, 0}, ElementType::bf16,
                                                 codes, scale, &zero));
  x[3] = 3e38f, x[4] = -3e38f;  // their difference is beyond floats
  EXPECT_FALSE(compressed_tensors::quantize_group(x.data(), 32, {4, false, 0}, ElementType::f32,
                                                  codes, scale, &zero));
}

TEST(Groups, Config) {
  const std::vector<std::string> ignore = {"lm_head", "a\"b"};
  const auto j =
      nlohmann::json::parse(compressed_tensors::quantization_config({8, false, 0}, ignore));
  EXPECT_EQ(j["format"], "pack-quantized");
  EXPECT_EQ(j["ignore"][1], "a\"b");
  const auto& w = j["config_groups"]["group_0"]["weights"];
  EXPECT_EQ(w["strategy"], "channel");
  EXPECT_TRUE(w["group_size"].is_null());
  EXPECT_EQ(w["num_bits"], 8);
  EXPECT_EQ(w["symmetric"], false);
}

TEST(Writers, SafetensorsHeader) {
  std::vector<safetensors::OutTensor> list = {{"a\n\xff", "F32", {2, 3}, 24}, {"b", "I64", {}, 8}};
  const std::pair<std::string, std::string> metadata[] = {{"format", "pt"}};
  Bytes file = safetensors::header(list, metadata);
  EXPECT_EQ(file.size() % 8, 0u);
  file.resize(file.size() + 32);
  const auto t = safetensors_of(file);
  ASSERT_EQ(t.size(), 2u);
  EXPECT_EQ(t[1].name, "b");
  EXPECT_EQ(t[1].begin, file.size() - 8);
  EXPECT_EQ(t[0].shape, (std::vector<uint64_t>{2, 3}));
}

TEST(Writers, GgufHeader) {
  gguf::HeaderWriter h;
  h.string("general.architecture", "x");
  h.u32("n", 7);
  h.f32("f", 0.5f);
  const uint64_t shape[] = {3, 64};
  h.tensor("w", shape, 8, 6 * 34);
  h.tensor("s", {}, 0, 4);
  Bytes file = h.finish();
  EXPECT_EQ(file.size() % 32, 0u);
  const size_t data = file.size();
  file.resize(data + 224 + 32);
  const auto t = gguf_tensors(file);
  ASSERT_EQ(t.size(), 2u);
  EXPECT_EQ(t[0].dtype, "Q8_0");
  EXPECT_EQ(t[0].shape, (std::vector<uint64_t>{3, 64}));
  EXPECT_EQ(t[1].begin, data + 224);
  EXPECT_EQ(t[1].shape, (std::vector<uint64_t>{1}));
  SpanSource s(file);
  const auto keys = gguf::read_keys(s).value();
  ASSERT_EQ(keys.size(), 3u);
  EXPECT_EQ(keys[1].name, "n");
  EXPECT_EQ(keys[1].type, 4u);
  EXPECT_EQ(keys[1].end - keys[1].begin, 4u);
  EXPECT_EQ(load_le<uint32_t>(file.data() + keys[1].begin), 7u);
  EXPECT_EQ(keys[0].end - keys[0].begin, 9u);
}

nlohmann::json llama_json() {
  return {{"architectures", {"LlamaForCausalLM"}},
          {"hidden_size", 64},
          {"num_attention_heads", 4},
          {"num_key_value_heads", 2},
          {"num_hidden_layers", 1},
          {"intermediate_size", 96},
          {"vocab_size", 40},
          {"max_position_embeddings", 128},
          {"rope_theta", 500000.0}};
}

TEST(Llama, Names) {
  std::string why;
  const auto c = formats::LlamaConfig::parse(llama_json().dump(), why);
  ASSERT_TRUE(c);
  EXPECT_EQ(c->tensor_name("model.layers.31.self_attn.k_proj.bias"), "blk.31.attn_k.bias");
  EXPECT_EQ(c->tensor_name("model.layers.0.post_attention_layernorm.weight"),
            "blk.0.ffn_norm.weight");
  EXPECT_EQ(c->tensor_name("lm_head.weight"), "output.weight");
  EXPECT_EQ(c->tensor_name("model.layers.0.self_attn.rotary_emb.inv_freq"), "");
  EXPECT_EQ(c->tensor_name("model.layers.x.mlp.up_proj.weight"), std::nullopt);
  EXPECT_EQ(c->tensor_name("model.layers.0.mlp.up_proj.scale"), std::nullopt);
  EXPECT_EQ(c->permuted_heads("model.layers.0.self_attn.q_proj.weight"), 4u);
  EXPECT_EQ(c->permuted_heads("model.layers.0.self_attn.k_proj.bias"), 2u);
  EXPECT_EQ(c->permuted_heads("model.layers.0.self_attn.v_proj.weight"), 0u);
  auto qwen = llama_json();
  qwen["architectures"] = {"Qwen2ForCausalLM"};
  EXPECT_EQ(formats::LlamaConfig::parse(qwen.dump(), why)->permuted_heads("a.q_proj.weight"), 0u);
}

TEST(Llama, RefusesWhatItDoesNotKnow) {
  std::string why;
  auto other = llama_json();
  other["architectures"] = {"MambaForCausalLM"};
  EXPECT_FALSE(formats::LlamaConfig::parse(other.dump(), why));
  EXPECT_NE(why.find("MambaForCausalLM"), why.npos);
  auto rope = llama_json();
  rope["rope_scaling"] = {{"rope_type", "longrope"}};
  EXPECT_FALSE(formats::LlamaConfig::parse(rope.dump(), why));
  for (const char* field : {"hidden_size", "num_hidden_layers", "vocab_size"}) {
    for (const nlohmann::json& bad : {nlohmann::json(), nlohmann::json("8"), nlohmann::json(-1),
                                      nlohmann::json(uint64_t{1} << 40), nlohmann::json(0)}) {
      auto j = llama_json();
      j[field] = bad;
      EXPECT_THROW(formats::LlamaConfig::parse(j.dump(), why), Error) << field << bad;
    }
  }
  EXPECT_THROW(formats::LlamaConfig::parse("[1]", why), Error);
  EXPECT_THROW(formats::LlamaConfig::parse("{", why), Error);
  auto quantized = llama_json();
  quantized["quantization_config"] = {{"quant_method", "fp8"}};
  EXPECT_THROW(formats::LlamaConfig::parse(quantized.dump(), why), Error);
}

TEST(Llama, RopeFactors) {
  auto j = llama_json();
  j["head_dim"] = 128;
  j["rope_scaling"] = {{"rope_type", "llama3"},
                       {"factor", 8.0},
                       {"low_freq_factor", 1.0},
                       {"high_freq_factor", 4.0},
                       {"original_max_position_embeddings", 8192}};
  std::string why;
  const auto c = formats::LlamaConfig::parse(j.dump(), why);
  ASSERT_TRUE(c);
  ASSERT_EQ(c->rope_factors().size(), 64u);
  for (size_t i = 0; i < 64; ++i) {
    const double length =
        2 * 3.141592653589793 * std::pow(500000., 2. * static_cast<double>(i) / 128);
    double f = 1;
    if (length > 8192)
      f = 8;
    else if (length >= 2048) {
      const double smooth = (8192 / length - 1) / 3;
      f = 1 / ((1 - smooth) / 8 + smooth);
    }
    EXPECT_NEAR(c->rope_factors()[i], f, 1e-6 * f) << i;
  }
}

TEST(Rules, Patterns) {
  EXPECT_TRUE(matches_pattern("*", ""));
  EXPECT_TRUE(matches_pattern("a*b?c", "aXXbbyc"));
  EXPECT_TRUE(matches_pattern("*.layers.0.*", "model.layers.0.mlp"));
  EXPECT_FALSE(matches_pattern("*.layers.0.*", "model.layers.10.mlp"));
  EXPECT_FALSE(matches_pattern("a", "ab"));
  EXPECT_FALSE(matches_pattern("a?", "a"));
  EXPECT_TRUE(matches_pattern("a**", "a"));
  Model m;
  m.add("x.weight", {1, 32}, gauss(32));
  m.add("lm_head.weight", {1, 32}, gauss(32));
  ExportOptions o = compressed(4, 32);
  o.keep = {"y*"};
  EXPECT_EQ(m.refused(o), "--keep 'y*': no tensor has such a name");
  o.keep = {};
  o.default_rules = false;
  ExportResult r;
  m.run(o, &r);
  EXPECT_EQ(r.quantized(), 2u);
}

Model llama_model(ElementType type) {
  Model m;
  m.add("model.embed_tokens.weight", {40, 64}, gauss(40 * 64, 1), type);
  const std::string l = "model.layers.0.";
  m.add(l + "self_attn.q_proj.weight", {64, 64}, gauss(4096, 2), type);
  m.add(l + "self_attn.q_proj.bias", {64}, gauss(64, 3), type);
  m.add(l + "self_attn.k_proj.weight", {32, 64}, gauss(2048, 4), type);
  m.add(l + "mlp.down_proj.weight", {64, 96}, gauss(6144, 5), type);
  m.add(l + "input_layernorm.weight", {64}, gauss(64, 6), type);
  return m;
}

TEST(Gguf, LlamaModel) {
  for (const ElementType type : {ElementType::f32, ElementType::bf16, ElementType::f16}) {
    Model m = llama_model(type);
    ExportOptions o = with(ExportFormat::gguf_q4_0);
    o.config_json = llama_json().dump();
    ExportResult r;
    const Bytes file = m.run(o, &r);
    EXPECT_EQ(r.architecture, "llama");
    EXPECT_EQ(r.quantized(), 4u);
    const auto all = gguf_tensors(file);
    // No output.weight: the embedding makes the logits.
    EXPECT_EQ(find(all, "token_embd.weight").dtype, "Q8_0");
    const Tensor& q = find(all, "blk.0.attn_q.weight");
    EXPECT_EQ(q.dtype, "Q4_0");
    std::vector<float> x = gauss(4096, 2), rows;
    Bytes raw(4096 * element_info(type).bytes);
    cpu::from_floats(type, x.data(), x.size(), raw.data());
    cpu::to_floats(type, raw.data(), x.size(), x.data());
    for (size_t h = 0; h < 4; ++h)
      for (size_t i = 0; i < 8; ++i)
        for (size_t half = 0; half < 2; ++half) {
          const auto row = x.begin() + static_cast<ptrdiff_t>((16 * h + 8 * half + i) * 64);
          rows.insert(rows.end(), row, row + 64);
        }
    Bytes want(128 * 18);
    gguf::quantize_q4_0(rows.data(), 128, want.data());
    EXPECT_EQ(Bytes(file.begin() + static_cast<ptrdiff_t>(q.begin),
                    file.begin() + static_cast<ptrdiff_t>(q.end)),
              want);
    const Tensor& bias = find(all, "blk.0.attn_q.bias");
    EXPECT_EQ(bias.dtype, "F32");
    std::vector<float> b = gauss(64, 3);
    raw.resize(64 * element_info(type).bytes);
    cpu::from_floats(type, b.data(), 64, raw.data());
    cpu::to_floats(type, raw.data(), 64, b.data());
    EXPECT_EQ(floats_at(file, bias)[1], b[8]);
    EXPECT_EQ(floats_at(file, bias)[18], b[17]);
    EXPECT_EQ(find(all, "blk.0.attn_norm.weight").dtype, "F32");
  }
}

TEST(Gguf, SameBytesAtAnyThreads) {
  Model m;
  m.add("long.weight", {1, 1u << 19}, gauss(1u << 19, 1));
  m.add("wide.weight", {700, 512}, gauss(700 * 512, 2));
  ExportResult r;
  const Bytes one = m.run(with(ExportFormat::gguf_q8_0, 1), &r);
  EXPECT_GT(10 * std::log10(r.report.tensors[0].figures.signal / r.report.tensors[0].figures.noise),
            40);
  ExportResult r5;
  EXPECT_EQ(one, m.run(with(ExportFormat::gguf_q8_0, 5), &r5));
  EXPECT_EQ(r.report.tensors[1].figures.noise, r5.report.tensors[1].figures.noise);
  Bytes want(700 * 16 * 34);
  gguf::quantize_q8_0(gauss(700 * 512, 2).data(), 700 * 16, want.data());
  const auto all = gguf_tensors(one);
  const Tensor& t = find(all, "wide.weight");
  EXPECT_EQ(Bytes(one.begin() + static_cast<ptrdiff_t>(t.begin),
                  one.begin() + static_cast<ptrdiff_t>(t.end)),
            want);
  for (const uint32_t group : {0u, 128u})
    for (const bool symmetric : {true, false}) {
      ExportOptions a = compressed(4, group, symmetric), b = a;
      b.threads = 5;
      EXPECT_EQ(m.run(a), m.run(b));
    }
}

TEST(Gguf, KeptTensors) {
  Model m;
  m.add("w.weight", {2, 64}, gauss(128));
  m.add("odd.weight", {2, 33}, gauss(66), ElementType::bf16);
  m.add("vector", {3}, {1, 2, 3}, ElementType::f16);
  m.add("f8", {2, 2}, {1, 2, -448, .015625f}, ElementType::f8_e4m3);
  m.add("double", {2}, {1, 2}, ElementType::f64);
  m.add("scalar", {}, {5});
  m.add("empty.weight", {0, 32}, {});
  m.add("mine.weight", {1, 32}, gauss(32), ElementType::f16);
  m.add_raw("ids", {2}, "I32", {1, 0, 0, 0, 2, 0, 0, 0});
  ExportOptions o = with(ExportFormat::gguf_q8_0);
  o.keep = {"mine.*"};
  ExportResult r;
  const Bytes file = m.run(o, &r);
  EXPECT_EQ(r.quantized(), 1u);
  const auto all = gguf_tensors(file);
  EXPECT_EQ(find(all, "odd.weight").dtype, "BF16");
  EXPECT_EQ(floats_at(file, find(all, "vector")), (std::vector<float>{1, 2, 3}));
  EXPECT_EQ(find(all, "vector").dtype, "F32");
  EXPECT_EQ(find(all, "f8").dtype, "F16");
  EXPECT_EQ(floats_at(file, find(all, "f8")), (std::vector<float>{1, 2, -448, .015625f}));
  EXPECT_EQ(find(all, "double").dtype, "F64");
  EXPECT_EQ(find(all, "mine.weight").dtype, "F16");
  EXPECT_EQ(find(all, "ids").dtype, "I32");
  EXPECT_EQ(file[find(all, "ids").begin + 4], 2);
  EXPECT_EQ(find(all, "empty.weight").end - find(all, "empty.weight").begin, 0u);
  EXPECT_EQ(r.report.tensors[1].kept_by, "its rows of 33 are no multiple of 32");
  // Nothing but zeros lies between the tensors.
  EXPECT_EQ(file.size() % 32, 0u);
}

TEST(Gguf, FromGgufKeepsMetadata) {
  gguf::HeaderWriter h;
  h.string("general.architecture", "mamba");
  h.u32("general.file_type", 1);
  h.u32("general.alignment", 32);
  h.string("tokenizer.ggml.model", "gpt2");
  const uint64_t shape[] = {2, 32};
  h.tensor("blk.0.w.weight", shape, 0, 256);
  h.tensor("blk.0.q.weight", shape, 2, 36);
  Bytes in = h.finish();
  const std::vector<float> x = gauss(64);
  const size_t at = in.size();
  in.resize(at + 256 + 64);
  cpu::from_floats(ElementType::f32, x.data(), 64, in.data() + at);
  in[at + 256 + 35] = 9;
  SpanSource source(in);
  std::vector<ExportInput> tensors;
  const std::vector<Tensor> held = gguf::read(source).value();
  for (const Tensor& t : held) tensors.push_back({&source, t});
  ExportOptions o = with(ExportFormat::gguf_q8_0);
  o.gguf_file = &source;
  o.config_json = "not looked at";
  MemorySink out;
  const ExportResult r = export_checkpoint(tensors, o, out);
  EXPECT_EQ(r.architecture, "mamba");
  EXPECT_EQ(r.report.tensors[1].kept_by, "quantized already");
  SpanSource back(out.bytes);
  const auto keys = gguf::read_keys(back).value();
  ASSERT_EQ(keys.size(), 4u);
  EXPECT_EQ(keys[0].name, "general.architecture");
  EXPECT_EQ(keys[1].name, "tokenizer.ggml.model");
  EXPECT_EQ(keys[2].name, "general.file_type");
  EXPECT_EQ(load_le<uint32_t>(out.bytes.data() + keys[2].begin), 7u);
  const auto all = gguf_tensors(out.bytes);
  EXPECT_EQ(find(all, "blk.0.w.weight").dtype, "Q8_0");
  EXPECT_EQ(out.bytes[find(all, "blk.0.q.weight").begin + 35], 9);
}

TEST(Refusals, NameTheTensor) {
  for (const ExportOptions& o : {with(ExportFormat::gguf_q8_0), with(ExportFormat::gguf_q4_0),
                                 compressed(4, 32), compressed(8, 0, false)}) {
    std::vector<float> x = gauss(128 * 64);
    x[70 * 64 + 3] = NAN;
    Model m;
    m.add("bad.weight", {128, 64}, x);
    std::string e = m.refused(o);
    EXPECT_NE(e.find("tensor 'bad.weight': element [70, 3] is NaN"), e.npos) << e;
    x[70 * 64 + 3] = -INFINITY;
    m = Model();
    m.add("bad.weight", {128, 64}, x, ElementType::bf16);
    m.add("good.weight", {1, 64}, gauss(64));
    e = m.refused(o);
    EXPECT_NE(e.find("is infinite"), e.npos) << e;
    ExportOptions kept = o;
    kept.keep = {"bad.weight"};
    ExportResult r;
    m.run(kept, &r);
    EXPECT_EQ(r.quantized(), 1u);
    m = Model();
    m.add("vector.weight", {64}, gauss(64));
    EXPECT_NE(m.refused(o).find("nothing to quantize"), e.npos);
    m.add("vector.weight", {64}, gauss(64));
    EXPECT_NE(m.refused(o).find("tensor 'vector.weight' is there twice"), e.npos);
    EXPECT_NE(Model().refused(o).find("no tensors"), e.npos);
    m = Model();
    m.add("a.weight", {2, 64}, gauss(128), ElementType::f8_e4m3);
    m.add("a.weight_scale_inv", {1, 1}, {1});
    EXPECT_NE(m.refused(o).find("scaled by tensor 'a.weight_scale_inv'"), e.npos);
  }
}

TEST(Refusals, WhatAFormatLacks) {
  Model m;
  m.add("w.weight", {1, 32}, gauss(32));
  m.add("deep", {1, 1, 1, 1, 2}, {1, 2});
  EXPECT_NE(m.refused(with(ExportFormat::gguf_q8_0)).find("tensor 'deep': 5 dimensions"),
            std::string::npos);
  m = Model();
  m.add("w.weight", {1, 32}, gauss(32));
  m.add_raw("mask", {2}, "BOOL", {0, 1});
  EXPECT_NE(
      m.refused(with(ExportFormat::gguf_q8_0)).find("tensor 'mask': GGUF has no type for BOOL"),
      std::string::npos);
  EXPECT_EQ(m.refused(compressed(4, 32)), "not refused");
  m.add_raw("c", {1}, "C128", Bytes(16));
  EXPECT_NE(m.refused(compressed(4, 32)).find("tensor 'c': safetensors has no type for C128"),
            std::string::npos);
  m = Model();
  m.add("big.weight", {2, 32}, std::vector<float>(64, 1e9f), ElementType::bf16);
  EXPECT_NE(
      m.refused(with(ExportFormat::gguf_q4_0)).find("tensor 'big.weight': the scale of block 0"),
      std::string::npos);
  EXPECT_EQ(m.refused(compressed(4, 32)), "not refused");
  ExportOptions o = with(ExportFormat::gguf_q4_0);
  o.config_json = llama_json().dump();
  EXPECT_NE(m.refused(o).find("tensor 'big.weight': architecture llama has none of that name"),
            std::string::npos);
  m = Model();
  m.add("model.layers.0.self_attn.q_proj.weight", {63, 32}, gauss(63 * 32));
  EXPECT_NE(m.refused(o).find("63 rows are no even number for each of 4 heads"), std::string::npos);
}

// What a reader makes of it: (code - zero) * scale by the packed words.
std::vector<float> restore(const Bytes& file, const std::vector<Tensor>& all,
                           const std::string& name, uint32_t bits, uint64_t rows,
                           uint64_t columns) {
  const std::vector<float> scales = floats_at(file, find(all, name + "_scale"));
  const uint64_t groups = scales.size() / rows, each = columns / groups;
  const uint64_t words = (columns * bits + 31) / 32;
  const auto code = [&](const Tensor& t, uint64_t word, uint64_t lane) {
    const uint32_t w = load_le<uint32_t>(file.data() + t.begin + 4 * word);
    return static_cast<int>((w >> (bits * lane)) & ((1u << bits) - 1)) - (1 << (bits - 1));
  };
  const uint64_t lanes = 32 / bits;
  const Tensor* zeros = nullptr;
  for (const Tensor& t : all)
    if (t.name == name + "_zero_point") zeros = &t;
  std::vector<float> out;
  for (uint64_t r = 0; r < rows; ++r)
    for (uint64_t c = 0; c < columns; ++c) {
      const int q = code(find(all, name + "_packed"), r * words + c / lanes, c % lanes);
      const uint64_t g = c / each;
      const int z = zeros == nullptr ? 0 : code(*zeros, r / lanes * groups + g, r % lanes);
      out.push_back(static_cast<float>(q - z) * scales[r * groups + g]);
    }
  return out;
}

TEST(Compressed, Layout) {
  for (const uint32_t bits : {4u, 8u})
    for (const uint32_t group : {0u, 32u, 64u})
      for (const bool symmetric : {true, false}) {
        Model m;
        // Odd rows: scales of 2 bytes that are no multiple of 4, zeros that fill no word.
        m.add("a.weight", {7, 64}, gauss(7 * 64, 1), ElementType::bf16);
        m.add("model.embed_tokens.weight", {3, 64}, gauss(192), ElementType::f16);
        m.add("b.weight", {33, 192}, gauss(33 * 192, 2));
        m.add("b.bias", {3}, {1, 2, 3}, ElementType::bf16);
        m.add("lm_head.weight", {2, 64}, gauss(128), ElementType::f8_e5m2);
        m.add("step", {}, {1}, ElementType::f64);
        ExportResult r;
        const Bytes file = m.run(compressed(bits, group, symmetric), &r);
        const auto all = safetensors_of(file);
        EXPECT_EQ(all.size(), 4 + 2 * (symmetric ? 3u : 4u));
        for (const Tensor& t : all) {
          const size_t bytes = t.dtype == "I64" || t.dtype == "F64"   ? 8
                               : t.dtype == "I32" || t.dtype == "F32" ? 4
                               : t.dtype == "F8_E5M2"                 ? 1
                                                                      : 2;
          EXPECT_EQ(t.begin % bytes, 0u) << t.name;
        }
        EXPECT_EQ(find(all, "a.weight_scale").dtype, "BF16");
        EXPECT_EQ(find(all, "b.weight_scale").dtype, "F32");
        EXPECT_EQ(find(all, "a.weight_packed").dtype, "I32");
        EXPECT_EQ(load_le<uint64_t>(file.data() + find(all, "b.weight_shape").begin + 8), 192u);
        if (!symmetric) EXPECT_EQ(find(all, "b.weight_zero_point").shape[0], (33 * bits + 31) / 32);
        const std::vector<float> x = gauss(33 * 192, 2);
        const std::vector<float> back = restore(file, all, "b.weight", bits, 33, 192);
        double signal = 0, noise = 0;
        for (size_t i = 0; i < x.size(); ++i) {
          signal += double(x[i]) * x[i];
          noise += (double(back[i]) - x[i]) * (double(back[i]) - x[i]);
        }
        EXPECT_GT(10 * std::log10(signal / noise), bits == 4 ? 16 : 40);
        const ErrorFigures& e = r.report.tensors[2].figures;
        EXPECT_NEAR(e.noise, noise, 1e-6 * noise);
        EXPECT_NEAR(e.signal, signal, 1e-9 * signal);
        const auto config = nlohmann::json::parse(r.quantization_config);
        EXPECT_EQ(config["ignore"], nlohmann::json({"lm_head"}));
      }
}

TEST(Compressed, IgnoresWhatItKeeps) {
  Model m;
  m.add("model.a.weight", {2, 64}, gauss(128));
  m.add("model.b.weight", {2, 48}, gauss(96));
  m.add("model.c.weight", {2, 64}, gauss(128));
  m.add("model.norm.weight", {64}, gauss(64));
  m.add("blocks", {2, 64}, gauss(128));
  ExportOptions o = compressed(4, 64);
  o.keep = {"*.c.*"};
  ExportResult r;
  m.run(o, &r);
  EXPECT_EQ(r.quantized(), 1u);
  EXPECT_EQ(nlohmann::json::parse(r.quantization_config)["ignore"],
            nlohmann::json({"lm_head", "model.b", "model.c"}));
  EXPECT_EQ(r.report.tensors[4].kept_by, "its name does not end in .weight");
}
}  // namespace
}  // namespace gramzip
