// SPDX-License-Identifier: Apache-2.0
#include "tests/registry/quant_cases.h"

#include <algorithm>
#include <random>

#include "host/backend/cpu_quantized.h"
#include "host/base/checksum.h"
#include "host/frame/writer.h"
#include "tests/registry/cases.h"
#include "tests/registry/memory_io.h"
#include "tests/registry/trellis_cases.h"

namespace gramzip::test {
namespace {
using Bytes = std::vector<uint8_t>;
using quant::CoderChoice;
using quant::Levels;
using quant::ScaleType;

constexpr ElementType kFloats[] = {ElementType::bf16, ElementType::f16,     ElementType::f32,
                                   ElementType::f64,  ElementType::f8_e4m3, ElementType::f8_e5m2};

double fraction(std::mt19937_64& g) { return static_cast<double>(g() >> 11) * 0x1p-53; }

double bell(std::mt19937_64& g) {
  double x = -6;
  for (int k = 0; k < 12; ++k) x += fraction(g);
  return x;
}

std::string number(uint64_t n) { return std::to_string(n); }
}  // namespace

Levels uniform_levels(ElementType type, uint32_t count) {
  Levels l;
  l.type = type;
  l.first = -static_cast<int32_t>(count / 2);
  l.step = 0.03 / (1 + count / 64);
  l.corrections.resize(count);
  for (uint32_t i = 0; i < count; ++i) l.corrections[i] = static_cast<int8_t>(i * 37 % 90) - 45;
  return l;
}

Levels listed_levels(ElementType type, uint32_t count, uint64_t seed) {
  std::mt19937_64 g(seed);
  Levels l;
  l.type = type;
  l.uniform = false;
  for (uint32_t i = 0; i < count; ++i)
    l.listed.push_back(element_value(type, round_element(type, bell(g))));
  std::sort(l.listed.begin(), l.listed.end());
  return l;
}

void add_scales(Levels& l, ScaleType scale_type, uint32_t group, bool zero_points,
                uint64_t elements, uint64_t seed) {
  std::mt19937_64 g(seed);
  l.scale_type = scale_type;
  l.group = group;
  for (double& v : l.listed) v = static_cast<float>(v);
  for (uint64_t k = 0; k < ceil_div(elements, group); ++k) {
    const double s = 0.001 + fraction(g) * 0.1;
    l.scales.push_back(
        static_cast<float>(scale_type == ScaleType::f16
                               ? element_value(ElementType::f16, round_element(ElementType::f16, s))
                               : s));
    if (k % 7 == 5) l.scales.back() = k % 2 == 0 ? 0.0f : -l.scales.back();
    if (zero_points) l.zero_points.push_back(static_cast<uint8_t>(g() % l.count()));
  }
}

Bytes draw_levels(const Levels& l, uint64_t first, size_t n, const QuantShape& shape,
                  uint64_t seed) {
  std::mt19937_64 g(seed);
  const uint32_t e = element_info(l.type).bytes;
  const FloatLayout layout = float_layout(l.type);
  Bytes out(n * e);
  for (size_t j = 0; j < n; ++j) {
    const double at = (l.count() - 1) / 2.0 + bell(g) * shape.spread + 0.5;
    const auto i = static_cast<uint32_t>(std::clamp(at, 0.0, l.count() - 1.0));
    uint64_t x = l.element(i, l.group == 0 ? 0 : (first + j) / l.group);
    if (g() % 65536 < shape.escapes) {
      const uint64_t all = ~uint64_t{0} >> (64 - 8 * e), nan = layout.sign_bit() - 1;
      const uint64_t some[] = {nan, all, layout.infinity(), layout.sign_bit(), g() & all, 1};
      x = some[g() % 6];
    }
    store_element(out.data(), j, e, x);
  }
  return out;
}

namespace {
QuantCase make_case(const std::string& name, const Levels& l, uint64_t first, size_t n,
                    const QuantShape& shape, uint64_t seed) {
  return {std::string(element_info(l.type).name).append("/").append(name), l, first,
          draw_levels(l, first, n, shape, seed)};
}

Levels with_coder(Levels l, CoderChoice c) {
  l.coder = c;
  return l;
}

// Runs of several spreads: classes pay.
QuantCase uneven(ElementType type, size_t n, uint64_t seed) {
  QuantCase c = make_case("uneven", uniform_levels(type, 31), 0, n, {}, seed);
  const uint32_t e = element_info(type).bytes;
  for (size_t j = 0; j < n; j += kRunElements) {
    const Bytes run = draw_levels(c.levels, 0, std::min<size_t>(kRunElements, n - j),
                                  {j / kRunElements % 3 == 0 ? 0.4 : 5.0, 0}, seed + j);
    std::copy(run.begin(), run.end(), c.content.begin() + static_cast<ptrdiff_t>(j * e));
  }
  return c;
}

// Blocks that are constant, repeated, of levels and of none.
QuantCase mixed_modes(ElementType type) {
  const uint32_t e = element_info(type).bytes;
  const size_t block = (e == 1 ? 1u << 19 : 1u << 20) / e;
  QuantCase c = make_case("modes", uniform_levels(type, 7), 0, block, {0.4, 3}, 5);
  const Bytes once = c.content, random = make_random(block * e, 6), zeros(block * e);
  for (const Bytes* b : {&zeros, &once, &random, &zeros})
    c.content.insert(c.content.end(), b->begin(), b->end());
  const Bytes rest = draw_levels(c.levels, 0, 1000, {0.4, 0}, 7);
  c.content.insert(c.content.end(), rest.begin(), rest.end());
  return c;
}
}  // namespace

std::vector<QuantCase> edge_quantized() {
  std::vector<QuantCase> cases;
  for (const ElementType type : kFloats) {
    const uint32_t e = element_info(type).bytes;
    for (const size_t n : {1, 2, 3, 7, 255, 256, 257, 8191, 8192, 8193, 70000})
      cases.push_back(make_case("n-" + number(n), uniform_levels(type, 5), 0, n, {0.7, 40}, n));
    for (const uint32_t levels : {1, 2, 3, 16, 17, 255, 1000, 4095}) {
      for (const double spread : {0.25, levels / 5.0})
        cases.push_back(make_case("levels-" + number(levels) + (spread < 0.3 ? "-few" : ""),
                                  uniform_levels(type, levels), 0, 40000, {spread, 30}, levels));
      cases.push_back(make_case("listed-" + number(levels), listed_levels(type, levels, levels), 0,
                                20000, {1.0, 0}, levels));
      for (const CoderChoice coder : {CoderChoice::horner, CoderChoice::zero_runs})
        if (levels > 1 || coder != CoderChoice::horner)
          cases.push_back(make_case(
              std::string(coder == CoderChoice::horner ? "horner-" : "zero-runs-") + number(levels),
              with_coder(uniform_levels(type, levels), coder), 0, 10001,
              {levels / 4.0, levels % 3 * 20}, levels));
    }
    for (const uint32_t group : {8u, 32u, 100u, 1u << 20})
      for (const bool zero_points : {false, true})
        for (const ScaleType scale : {ScaleType::f16, ScaleType::f32}) {
          Levels l = group == 100 ? listed_levels(type, 16, 3) : uniform_levels(type, 16);
          add_scales(l, scale, group, zero_points, 60000, group);
          if (group == 32 && zero_points) l.coder = CoderChoice::horner;
          const uint64_t first = group == 8 ? 0 : 1237;
          cases.push_back(make_case("group-" + number(group) + (zero_points ? "-zero" : "") +
                                        (scale == ScaleType::f16 ? "-f16" : "-f32"),
                                    l, first, 30011, {2.0, 25}, group));
        }
    cases.push_back(uneven(type, 300 * kRunElements + 77, 3));
    cases.push_back(make_case("blocks", uniform_levels(type, 9), 0,
                              2 * ((e == 1 ? 1u << 19 : 1u << 20) / e) + 300, {0.5, 2}, 8));
    if (e <= 2) cases.push_back(mixed_modes(type));
    cases.push_back(make_case("none", uniform_levels(type, 9), 0, 5000, {1.0, 65536}, 9));
    cases.push_back(make_case("constant", uniform_levels(type, 1), 0, 5000, {1.0, 0}, 9));
  }
  for (QuantCase& c : edge_trellis()) cases.push_back(std::move(c));
  return cases;
}

namespace {
std::vector<QuantCase> small_without_trellis() {
  std::vector<QuantCase> cases;
  cases.push_back(make_case("phrases", uniform_levels(ElementType::bf16, 3), 0, 9000, {0.3, 0}, 1));
  cases.push_back(make_case("escapes", uniform_levels(ElementType::f32, 15), 0, 3000, {2, 900}, 2));
  cases.push_back(uneven(ElementType::f16, 20 * kRunElements, 3));
  Levels l = uniform_levels(ElementType::bf16, 16);
  add_scales(l, ScaleType::f16, 64, true, 5000, 4);
  cases.push_back(make_case("groups", l, 1000, 3000, {3, 90}, 4));
  l = listed_levels(ElementType::f64, 12, 5);
  add_scales(l, ScaleType::f32, 40, false, 3000, 5);
  cases.push_back(make_case("listed", l, 7, 2000, {2, 0}, 5));
  cases.push_back(make_case("horner",
                            with_coder(uniform_levels(ElementType::bf16, 3), CoderChoice::horner),
                            0, 6000, {1, 50}, 6));
  l = listed_levels(ElementType::f8_e4m3, 4, 7);
  add_scales(l, ScaleType::f32, 32, true, 9000, 7);
  cases.push_back(
      make_case("horner-groups", with_coder(l, CoderChoice::horner), 33, 8000, {1, 0}, 7));
  return cases;
}
}  // namespace

std::vector<QuantCase> small_quantized() {
  std::vector<QuantCase> cases = small_without_trellis();
  for (QuantCase& c : small_trellis()) cases.push_back(std::move(c));
  return cases;
}

QuantCase random_quantized(uint64_t seed, size_t max_elements) {
  std::mt19937_64 g(seed);
  const ElementType type = kFloats[g() % 6];
  const auto levels = static_cast<uint32_t>(1 + g() % (uint64_t{1} << (g() % 12)));
  const size_t n = 1 + g() % max_elements;
  Levels l = g() % 3 == 0 ? listed_levels(type, levels, g()) : uniform_levels(type, levels);
  const uint64_t first = g() % 5000;
  if (g() % 3 == 0)
    add_scales(l, g() % 2 == 0 ? ScaleType::f16 : ScaleType::f32,
               static_cast<uint32_t>(8 + g() % (uint64_t{1} << (g() % 12))), g() % 2 == 0,
               first + n, g());
  l.coder = static_cast<CoderChoice>(g() % 4);
  if (levels < 2 && l.coder == CoderChoice::horner) l.coder = CoderChoice::automatic;
  const bool trellis = g() % 4 == 0 && levels % 2 == 0 && l.group == 0;
  if (trellis) l.trellis = static_cast<uint8_t>(2 + g() % 7);
  const QuantShape shape{fraction(g) * fraction(g) * levels,
                         g() % 3 == 0 ? static_cast<uint32_t>(1u << (g() % 16)) : 0};
  QuantCase c = make_case("random-" + number(seed), l, first, n, shape, g());
  if (trellis && g() % 4 != 0) c.content = draw_trellis(l, n, shape, g());
  return c;
}

namespace {
SegmentInput input_of(const QuantCase& c) {
  SegmentInput in{c.levels.type, c.content};
  in.levels = &c.levels;
  in.first_element = c.first;
  return in;
}
}  // namespace

EncodedSegment encode_quantized(const QuantCase& c) {
  EncodedSegment out;
  cpu::encode_quantized(input_of(c), out);
  return out;
}

namespace {
std::vector<uint8_t> archive_of(const std::vector<QuantCase>& cases) {
  MemorySink out;
  frame::ArchiveHeader header;
  header.features = frame::kFeatureLossy;
  frame::ArchiveWriter writer(out, header);
  const frame::MemberRecord member{0, 0644, 0, "w"};
  writer.members({&member, 1});
  Bytes content;
  for (const QuantCase& c : cases) {
    writer.segment(encode_quantized(c));
    content.insert(content.end(), c.content.begin(), c.content.end());
  }
  writer.note(kQuantNote);
  writer.finish({{0, content.size(), hash128(content)}}, hash128(content));
  return out.bytes;
}
}  // namespace

std::vector<uint8_t> quantized_archive() { return archive_of(small_without_trellis()); }
std::vector<uint8_t> trellis_archive() { return archive_of(small_trellis()); }

EncodedSegment encode_quantized(Backend& backend, const QuantCase& c) {
  const SegmentInput in = input_of(c);
  EncodedSegment out;
  backend.encode({&in, 1}, {&out, 1});
  return out;
}
}  // namespace gramzip::test
