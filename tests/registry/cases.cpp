// SPDX-License-Identifier: Apache-2.0
#include "tests/registry/cases.h"

#include <algorithm>

#include "gramzip/core/fast.h"
#include "gramzip/core/wire.h"

namespace gramzip::test {
namespace {
using Bytes = std::vector<uint8_t>;

const ElementType kTypes[] = {ElementType::bytes,   ElementType::text,   ElementType::bf16,
                              ElementType::f16,     ElementType::f32,    ElementType::f64,
                              ElementType::f8_e4m3, ElementType::f8_e5m2};

Bytes repeat_pattern(const Bytes& pattern, size_t bytes) {
  Bytes out(bytes);
  for (size_t i = 0; i < bytes; ++i) out[i] = pattern[i % pattern.size()];
  return out;
}

Bytes join(const std::vector<Bytes>& parts) {
  Bytes out;
  for (const Bytes& p : parts) out.insert(out.end(), p.begin(), p.end());
  return out;
}

Bytes natural(ElementType type, size_t bytes, uint64_t seed) {
  if (element_info(type).codec == Codec::floats) return make_weights(type, bytes, 0.02, seed);
  return type == ElementType::text ? make_text(bytes, seed) : make_random(bytes, seed);
}

// Code lengths as uneven as they come: symbol s about 2^-s of the time.
Bytes fibonacci(size_t bytes, uint64_t seed) {
  std::mt19937_64 g(seed);
  Bytes out(bytes);
  for (uint8_t& b : out) b = static_cast<uint8_t>(__builtin_ctzll(g() | (uint64_t{1} << 40)));
  return out;
}

// Elements as they come from a narrower type.
Bytes low_zeros(Bytes content, const ElementInfo& e) {
  const uint32_t zeros = e.bytes == 2 ? 3 : 4u * e.bytes;
  for (size_t i = 0; i < content.size() / e.bytes; ++i)
    store_element(content.data(), i, e.bytes,
                  load_element(content.data(), i, e.bytes) >> zeros << zeros);
  return content;
}
}  // namespace

Bytes special_floats(ElementType type, size_t bytes, uint64_t seed) {
  Bytes out = make_weights(type, bytes, 1.0, seed);
  const ElementInfo e = element_info(type);
  const uint32_t bits = 8u * e.bytes, mantissa = bits - 1 - e.exponent_bits;
  const uint64_t inf = ((uint64_t{1} << e.exponent_bits) - 1) << mantissa,
                 sign = uint64_t{1} << (bits - 1);
  const uint64_t specials[] = {0, sign, inf, inf | sign, inf | 1, inf | sign | 3, 1, sign | 2};
  std::mt19937_64 g(seed);
  for (size_t i = 0; i < out.size() / e.bytes; ++i)
    if (g() % 3 == 0) store_element(out.data(), i, e.bytes, specials[g() % 8]);
  return out;
}

std::vector<SegmentCase> edge_segments() {
  std::vector<SegmentCase> cases;
  const auto add = [&cases](const std::string& name, ElementType type, Bytes content) {
    const uint32_t e = element_info(type).bytes;
    content.resize(std::max<size_t>(content.size() / e, 1) * e);
    if (fast::codes(type))
      cases.push_back({std::string(element_info(type).name).append("/fast-").append(name), type,
                       content, 0, true});
    cases.push_back({std::string(element_info(type).name) + "/" + name, type, std::move(content)});
  };
  for (const ElementType type : kTypes) {
    const ElementInfo e = element_info(type);
    const size_t block = size_t{1} << e.block_log2;
    for (const size_t n :
         {1, 2, 3, 15, 16, 17, 31, 32, 33, 255, 256, 257, 511, 512, 513, 4095, 4097})
      add("natural-" + std::to_string(n), type, natural(type, n * e.bytes, n));
    for (const size_t n : {block - e.bytes, block, block + e.bytes, 2 * block + 24})
      add("natural-block-" + std::to_string(n), type, natural(type, n, n));
    add("zeros", type, Bytes(block + 100));
    add("one-other", type, [&] {
      Bytes b(block + 64);
      b[block / 2] = 7;
      return b;
    }());
    add("random", type, make_random(block + 4096, 3));
    add("fibonacci", type, fibonacci(block / 2, 4));
    add("two-symbols", type,
        repeat_pattern({1, 1, 1, 1, 1, 1, 1, 1, 2, 1, 2, 1, 2, 1, 2, 1}, 40000));
    const Bytes once = natural(type, block, 5);
    add("repeated-blocks", type,
        join({once, natural(type, block, 6), once, once, Bytes(block), Bytes(block)}));
    add("mixed-modes", type,
        join({once, make_random(block, 7), Bytes(block, 9), once, natural(type, 800, 8)}));
    if (e.codec == Codec::floats) {
      add("specials", type, special_floats(type, block + 512, 9));
      add("scales", type, make_scales(type, 3 * block + 1000, 10));
      add("columns", type, make_columns(type, 40000 * e.bytes, 64, 14));
      add("columns-and-a-bit", type, make_columns(type, block + 32768 * e.bytes + 24, 96, 15));
      add("scales-and-zeros", type, join({Bytes(block), make_scales(type, block, 11), Bytes(700)}));
      if (e.bytes > 1) add("low-zeros", type, low_zeros(natural(type, block + 1000, 13), e));
      add("few-specials", type, special_floats(type, 300 * e.bytes, 10));
      add("specials-and-constant", type,
          join({special_floats(type, block, 11), Bytes(block), natural(type, block / 2, 12)}));
    }
  }
  return cases;
}

std::vector<SegmentCase> plane_segments() {
  std::vector<SegmentCase> cases;
  for (const ElementType type : {ElementType::i16, ElementType::i32, ElementType::i64}) {
    const ElementInfo e = element_info(type);
    const size_t block = size_t{1} << e.block_log2;
    const std::string name = e.name;
    for (const size_t n : {1, 2, 33, 255, 257, 4097})
      cases.push_back(
          {name + "/" + std::to_string(n), type, make_records(n * e.bytes, e.bytes, n)});
    Bytes indices(2 * block + 8 * e.bytes);
    for (size_t i = 0; i < indices.size() / e.bytes; ++i)
      store_element(indices.data(), i, e.bytes, i * 3 % 50000);
    cases.push_back({name + "/indices", type, indices});
    cases.push_back({name + "/records", type, make_records(block + 16, e.bytes, 1)});
    cases.push_back({name + "/random", type, make_random(block + 16, 2)});
    cases.push_back({name + "/constant-element", type,
                     join({repeat_pattern({1, 2, 3, 4, 5, 6, 7, 8}, block), indices})});
    cases.push_back({name + "/text", type, make_text(block, 3)});
  }
  for (const uint16_t period : {2, 3, 18, 34, 144, 210, 511, 512})
    for (const size_t n :
         {size_t{1}, size_t{period} - 1, size_t{period} * 3, size_t{50000}, size_t{65536} * 2 + 7})
      cases.push_back({"period-" + std::to_string(period) + "-" + std::to_string(n),
                       ElementType::bytes, make_records(n, period, n), period});
  const Bytes once = make_records(65536, 34, 5);
  cases.push_back({"period-34-modes", ElementType::bytes,
                   join({once, Bytes(65536, 7), make_random(65536, 6), once}), 34});
  return cases;
}

SegmentCase random_segment(uint64_t seed, size_t max_bytes) {
  std::mt19937_64 g(seed);
  SegmentCase c;
  c.type = kTypes[g() % 8];
  c.fast = seed % 2 == 1;
  c.name = "random-" + std::to_string(seed);
  const ElementInfo e = element_info(c.type);
  const size_t want = std::max<size_t>(1, g() % max_bytes);
  // Stretches of several natures, of uneven length, each possibly a copy of what came before.
  while (c.content.size() < want) {
    const size_t n = 1 + g() % (1 + (size_t{1} << (g() % 18)));
    Bytes part;
    switch (g() % 7) {
      case 5:
        part = element_info(c.type).exponent_bits > 0 ? special_floats(c.type, n + 8, g())
                                                      : natural(c.type, n, g());
        break;
      case 0:
        part = make_random(n, g());
        break;
      case 1:
        part = Bytes(n, static_cast<uint8_t>(g()));
        break;
      case 2:
        part = fibonacci(n, g());
        break;
      case 3:
        part = repeat_pattern(make_random(1 + g() % 9, g()), n);
        break;
      case 4:
        if (!c.content.empty())
          part.assign(c.content.begin(),
                      c.content.begin() + static_cast<ptrdiff_t>(std::min(n, c.content.size())));
        break;
      default:
        part = natural(c.type, n + 8, g());
    }
    c.content.insert(c.content.end(), part.begin(), part.end());
  }
  c.content.resize(std::max<size_t>(c.content.size() / e.bytes, 1) * e.bytes);
  return c;
}

std::vector<FileCase> edge_files() {
  std::vector<FileCase> files;
  files.push_back({"empty", {}});
  files.push_back({"one-byte", {42}});
  files.push_back({"all-equal", Bytes(3'000'000, 'x')});
  files.push_back({"random", make_random(2'500'001, 1)});
  files.push_back({"text", make_text(2'300'000, 2)});
  files.push_back({"text-then-binary", join({make_text(1'100'000, 3), make_random(1'200'000, 4)})});
  files.push_back(
      {"bf16",
       make_safetensors({{"w", "BF16", make_weights(ElementType::bf16, 9'000'002, 0.02, 5), 16}})});
  std::vector<TensorCase> all;
  for (const ElementType t : {ElementType::bf16, ElementType::f16, ElementType::f32,
                              ElementType::f64, ElementType::f8_e4m3, ElementType::f8_e5m2})
    all.push_back({element_info(t).name, element_info(t).name, make_weights(t, 300'000, 0.05, 6),
                   8u * element_info(t).bytes});
  all.push_back({"ids", "I64", repeat_pattern({1, 0, 0, 0, 0, 0, 0, 0}, 8000), 64});
  all.push_back({"unknown", "F3_NEW", make_random(999, 7), 8});
  all.push_back({"none", "F32", {}, 32});
  files.push_back({"every-dtype", make_safetensors(all)});
  std::vector<TensorCase> tiny;
  for (int i = 0; i < 700; ++i) {
    const ElementType t = i % 5 == 0 ? ElementType::f32 : ElementType::bf16;
    tiny.push_back(
        {"layer." + std::to_string(i), element_info(t).name,
         make_weights(t, 256 + static_cast<size_t>(i) * 8, 0.02, static_cast<uint64_t>(i)),
         8u * element_info(t).bytes});
  }
  files.push_back({"tiny-tensors", make_safetensors(tiny)});
  Bytes cut = files[6].content;
  cut.resize(5'000'001);
  files.push_back({"bf16-cut-short", cut});
  Bytes longer = files[7].content;
  longer.push_back(1);
  files.push_back({"every-dtype-and-a-byte", longer});
  return files;
}

std::vector<FileCase> small_files() {
  const Bytes block = make_text(40'000, 1);
  std::vector<FileCase> files;
  files.push_back({"text", make_text(28'000, 2)});
  files.push_back({"raw", make_random(15'000, 3)});
  files.push_back({"bf16", make_safetensors(
                               {{"w", "BF16", make_weights(ElementType::bf16, 20'000, 0.02, 4), 16},
                                {"n", "F32", Bytes(512), 32}})});
  files.push_back(
      {"f8", make_safetensors(
                 {{"w", "F8_E4M3", make_weights(ElementType::f8_e4m3, 16'000, 0.5, 5), 8}})});
  files.push_back(
      {"exact", make_safetensors({{"m", "F32", special_floats(ElementType::f32, 18'000, 6), 32}})});
  // Constant and repeat blocks need whole blocks: 64 KiB of 8 values that recur, then zeros.
  const Bytes pattern = repeat_pattern({0, 0, 0, 0, 0, 0, 1, 0, 2, 0, 0, 0}, 65536);
  files.push_back({"constant-and-repeat", join({pattern, pattern, Bytes(65536), pattern})});
  files.push_back({"classes", make_safetensors(
                                  {{"w", "BF16", make_scales(ElementType::bf16, 40'000, 6), 16}})});
  return files;
}
}  // namespace gramzip::test
