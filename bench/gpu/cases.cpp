// SPDX-License-Identifier: Apache-2.0
#include "bench/gpu/cases.h"

#include "host/model/quantizer.h"
#include "tests/registry/cases.h"
#include "tests/registry/quant_cases.h"
#include "tests/registry/text_cases.h"

namespace gramzip::bench {
namespace {
constexpr uint64_t kDistinct = 4;  // segments; the others are the same again, which no codec sees

template <class Make>
Case make_case(const char* name, ElementType type, const Make& make) {
  Case c;
  c.name = name;
  c.settings = {type, {}};
  for (uint64_t i = 0; i < kDistinct; ++i) c.content.push_back(make(i));
  return c;
}
Case make_weights_case(const char* name, ElementType type) {
  return make_case(name, type,
                   [type](uint64_t i) { return test::make_scales(type, kSegmentBytes, i); });
}
}  // namespace

std::vector<Case> make_cases() {
  std::vector<Case> all;
  const auto text = [](uint64_t i) { return test::make_text(kSegmentBytes, i); };
  all.push_back(make_case("prose, order-0 bytes", ElementType::bytes, text));
  all.push_back(make_weights_case("BF16 weights", ElementType::bf16));
  all.push_back(make_weights_case("F32 weights", ElementType::f32));
  all.push_back(make_weights_case("BF16 weights, fast", ElementType::bf16));
  all.back().settings.fast = true;
  all.push_back(make_case("records of 12 bytes", ElementType::bytes,
                          [](uint64_t i) { return test::make_records(kSegmentBytes, 12, i); }));
  all.back().settings.period = 12;

  Case delta = make_weights_case("BF16 weights, a step from their base", ElementType::bf16);
  delta.base = delta.content[0];
  for (uint64_t i = 0; i < delta.content.size(); ++i) {
    delta.content[i] = delta.base;
    for (size_t at = 0; at < kSegmentBytes; at += 2)
      delta.content[i][at] = static_cast<uint8_t>(delta.base[at] + (at / 2 + i) * 2654435761u % 3);
  }
  all.push_back(std::move(delta));

  const auto levels = std::make_shared<quant::Levels>(test::uniform_levels(ElementType::bf16, 16));
  Case quantized = make_case("BF16 weights of 16 levels", ElementType::bf16, [&](uint64_t i) {
    return test::draw_levels(*levels, 0, kSegmentBytes / 2, {2, 0}, i);
  });
  quantized.settings.levels = levels.get();
  quantized.keeps = levels;
  all.push_back(std::move(quantized));

  const ModelPtr model = test::model_of_kind(0);
  Case ngrams = make_case("prose, n-gram model", ElementType::text, text);
  ngrams.settings.text = model.get();
  ngrams.keeps = model;
  ngrams.most_bytes = uint64_t{64} << 20;
  all.push_back(std::move(ngrams));
  return all;
}
}  // namespace gramzip::bench
