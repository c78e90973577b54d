// SPDX-License-Identifier: Apache-2.0
// The primitives against the loops of the host.
#include <algorithm>
#include <map>
#include <random>

#include "gramzip/core/float_bits.h"
#include "gramzip/core/ngram.h"
#include "host/backend/device_primitives.h"
#include "host/backend/plain_segment.h"
#include "host/cpu/prune.h"
#include "host/cpu/quantize.h"
#include "tests/parity/device_calls.h"
#include "tests/registry/cases.h"

namespace gramzip {
namespace {
using Bytes = std::vector<uint8_t>;
using test::OnDevice;

[[gnu::used]] auto* const linked = &device::histogram;
[[gnu::used]] auto* const linked_huffman = &device::huffman_bound;

// Asks for the size, then calls with so much.
template <class Call>
void run(const Call& call) {
  size_t bytes = 0;
  ASSERT_EQ(call(nullptr, &bytes), GRAMZIP_OK) << gramzip_last_error();
  ASSERT_GT(bytes, 0u);
  const OnDevice temp(bytes);
  size_t less = bytes - 1;
  EXPECT_EQ(call(temp.p(), &less), GRAMZIP_OUTPUT_TOO_SMALL);
  EXPECT_EQ(call(temp.p() + 8, &bytes), GRAMZIP_INVALID_ARGUMENT);
  test::only_enqueues(
      [&] { ASSERT_EQ(call(temp.p(), &bytes), GRAMZIP_OK) << gramzip_last_error(); });
  ASSERT_EQ(cudaStreamSynchronize(nullptr), cudaSuccess);
}

TEST(DevicePrimitives, Histogram) {
  GRAMZIP_NEEDS_DEVICE();
  for (const size_t size :
       {size_t{0}, size_t{2}, size_t{66'000}, size_t{test::kChecked ? 100 : 200'002}})
    for (const uint32_t symbol_bytes : {1u, 2u}) {
      const Bytes data = test::make_text(size, 1);
      const OnDevice symbols(data), counts(8 << (8 * symbol_bytes));
      test::for_schedules(2, [&](int) {
        run([&](void* temp, size_t* bytes) {
          return gramzip_device_histogram(temp, bytes, symbols.p(), size / symbol_bytes,
                                          symbol_bytes, counts.as<uint64_t>(), nullptr);
        });
      });
      std::vector<uint64_t> expected(size_t{1} << (8 * symbol_bytes));
      for (size_t i = 0; i < size; i += symbol_bytes)
        ++expected[static_cast<size_t>(load_element(data.data(), i / symbol_bytes, symbol_bytes))];
      EXPECT_EQ(counts.get_as<uint64_t>(), expected) << size;
    }
  size_t bytes = 0;
  EXPECT_EQ(gramzip_device_histogram(nullptr, &bytes, nullptr, 0, 3, nullptr, nullptr),
            GRAMZIP_INVALID_ARGUMENT);
  EXPECT_EQ(gramzip_device_histogram(nullptr, nullptr, nullptr, 0, 1, nullptr, nullptr),
            GRAMZIP_INVALID_ARGUMENT);
}

TEST(DevicePrimitives, NgramCount) {
  GRAMZIP_NEEDS_DEVICE();
  Bytes text = test::make_text(40'000, 3);
  std::fill(text.begin() + 100, text.begin() + 120, uint8_t{0xff});
  const OnDevice source(text);
  constexpr uint32_t kLog2 = 14;
  const OnDevice cells((3 * (size_t{1} << kLog2) / 4 + 1) * sizeof(gramzip_device_ngram)),
      result(sizeof(gramzip_device_ngram_result));
  for (const uint32_t n : {1u, 3u, 8u, 12u}) {
    if (test::kChecked && n == 3) continue;
    std::map<Bytes, uint64_t> expected, got;
    const size_t size = n >= 8 ? 9'000 : text.size() - n;
    for (size_t i = 0; i + n <= size; ++i)
      ++expected[Bytes(text.begin() + static_cast<ptrdiff_t>(i),
                       text.begin() + static_cast<ptrdiff_t>(i + n))];
    run([&](void* temp, size_t* bytes) {
      return gramzip_device_ngram_count(temp, bytes, source.p(), size, n, kLog2,
                                        cells.as<gramzip_device_ngram>(),
                                        result.as<gramzip_device_ngram_result>(), nullptr);
    });
    const auto r = result.get_as<gramzip_device_ngram_result>()[0];
    ASSERT_EQ(r.overflow, 0u) << n;
    const auto list = cells.get_as<gramzip_device_ngram>();
    for (uint64_t i = 0; i < r.cells; ++i) {
      Bytes gram(n);
      if (n <= 8)
        store_ngram_key(list[i].id, n, gram.data());
      else
        std::copy_n(text.begin() + static_cast<ptrdiff_t>(list[i].id), n, gram.begin());
      got[gram] += list[i].count;
    }
    if (r.all_ones > 0) got[Bytes(8, 0xff)] += r.all_ones;
    EXPECT_TRUE(got == expected) << n;
  }
  run([&](void* temp, size_t* bytes) {  // more n-grams than places
    return gramzip_device_ngram_count(temp, bytes, source.p(), text.size(), 8, 10,
                                      cells.as<gramzip_device_ngram>(),
                                      result.as<gramzip_device_ngram_result>(), nullptr);
  });
  EXPECT_NE(result.get_as<gramzip_device_ngram_result>()[0].overflow, 0u);
}

Bytes mixed(size_t size) {
  Bytes data = test::make_text(size, 5);
  const Bytes noise = test::make_random(size, 6);
  for (size_t i = 65'536; i < std::min<size_t>(size, 131'072); ++i) data[i] = noise[i];
  for (size_t i = 131'072; i < std::min<size_t>(size, 196'608); ++i) data[i] = data[i - 131'072];
  return data;
}

struct Coded {
  Bytes bytes, host;
};
Coded encode(const Bytes& data) {
  const OnDevice source(data), size(8);
  const OnDevice out(gramzip_device_huffman_bound(data.size()));
  run([&](void* temp, size_t* bytes) {
    return gramzip_device_huffman_encode(temp, bytes, source.p(), data.size(), out.p(),
                                         size.as<uint64_t>(), nullptr);
  });
  Coded coded{out.get(), {}};
  const uint64_t n = size.get_as<uint64_t>()[0];
  EXPECT_LE(n, coded.bytes.size());
  coded.bytes.resize(n);
  EncodedSegment s;
  cpu::encode_plain(ElementType::bytes, data, s);
  coded.host = frame::store_segment_meta(s);
  coded.host.resize(round_up(coded.host.size(), kBlockAlign));
  coded.host.insert(coded.host.end(), s.data.begin(), s.data.end());
  return coded;
}
struct Decoded {
  std::vector<uint32_t> statuses;
  uint32_t bad;
  Bytes out;
};
Decoded decode(const Bytes& coded, size_t size) {
  const OnDevice source(coded), out(size), statuses(4 * ceil_div(size, 65'536)), bad(4);
  run([&](void* temp, size_t* bytes) {
    return gramzip_device_huffman_decode(temp, bytes, source.p(), coded.size(), out.p(), size,
                                         statuses.as<uint32_t>(), bad.as<uint32_t>(), nullptr);
  });
  return {statuses.get_as<uint32_t>(), bad.get_as<uint32_t>()[0], out.get()};
}

TEST(DevicePrimitives, HuffmanThereAndBack) {
  GRAMZIP_NEEDS_DEVICE();
  for (const size_t size : {1, 17, 65'536, 250'001}) {
    if (test::kChecked && size > 66'000) continue;
    const Bytes data = mixed(size);
    test::for_schedules(2, [&](int) {
      const Coded coded = encode(data);
      ASSERT_TRUE(coded.bytes == coded.host) << size;
      const Decoded d = decode(coded.bytes, size);
      EXPECT_EQ(d.bad, 0u);
      EXPECT_TRUE(d.out == data) << size;
    });
  }
  EXPECT_EQ(gramzip_device_huffman_bound(0), 0u);
  EXPECT_EQ(gramzip_device_huffman_bound((16u << 20) + 1), 0u);
}

// Nothing of the meta is taken on trust.
TEST(DevicePrimitives, HuffmanOfHostileBytes) {
  GRAMZIP_NEEDS_DEVICE();
  const Bytes data = mixed(131'172);  // 3 blocks
  const Bytes coded = encode(data).bytes;
  std::mt19937_64 rng(1);
  for (int i = 0; i < (test::kChecked ? 4 : 120); ++i) {
    Bytes bad = coded;
    const size_t within = i % 2 == 0 ? 300 : bad.size();  // the meta, or all
    bad[rng() % within] ^= static_cast<uint8_t>(1u << (rng() % 8));
    if (i % 10 == 9)
      for (size_t k = 0; k < 64 + rng() % 400; ++k) bad[k] = static_cast<uint8_t>(rng());
    const Decoded d = decode(bad, data.size());
    EXPECT_GT(d.bad, 0u) << i;
    for (size_t b = 0; b < d.statuses.size(); ++b) {
      if (d.statuses[b] != 0) continue;
      EXPECT_TRUE(
          std::equal(d.out.begin() + static_cast<ptrdiff_t>(b << 16),
                     d.out.begin() + static_cast<ptrdiff_t>(std::min(data.size(), (b + 1) << 16)),
                     data.begin() + static_cast<ptrdiff_t>(b << 16)));
    }
  }
  if (test::kChecked) return;
  for (const size_t cut : {size_t{1}, size_t{63}, size_t{64}, size_t{200}, coded.size() - 1})
    EXPECT_EQ(
        decode(Bytes(coded.begin(), coded.begin() + static_cast<ptrdiff_t>(cut)), data.size()).bad,
        3u);
  EXPECT_EQ(decode(coded, data.size() - 1).bad, 3u);
}

TEST(DevicePrimitives, Quantize) {
  GRAMZIP_NEEDS_DEVICE();
  for (const ElementType type : {ElementType::bf16, ElementType::f16, ElementType::f32,
                                 ElementType::f64, ElementType::f8_e4m3, ElementType::f8_e5m2})
    for (const uint32_t count : {1u, 2u, 5u, 200u}) {
      const uint32_t element = element_info(type).bytes;
      Bytes data = test::make_weights(type, 3000 * element, 0.3, count);
      const Bytes special = test::special_floats(type, 100 * element, 1);
      data.insert(data.end(), special.begin(), special.end());
      quant::Quantizer q;
      q.levels.type = type;
      q.levels.uniform = false;
      std::vector<float> levels;
      for (uint32_t i = 0; i < count; ++i)
        levels.push_back(static_cast<float>(element_value(
            type, round_element(type, (static_cast<double>(i) - count / 2.0) * 0.31))));
      q.levels.listed.assign(levels.begin(), levels.end());
      for (uint32_t i = 0; i + 1 < count; ++i)
        q.thresholds.push_back((q.levels.listed[i] + q.levels.listed[i + 1]) / 2);
      std::vector<uint16_t> expected(data.size() / element);
      cpu::quantize_to_indexes(q, 0, data, expected);
      Bytes quantized = data;
      cpu::quantize(q, 0, quantized);

      Bytes level_bytes(4 * count);
      std::memcpy(level_bytes.data(), levels.data(), level_bytes.size());
      const OnDevice elements(data), on_device(level_bytes), indexes(2 * expected.size());
      for (uint16_t* to : {indexes.as<uint16_t>(), static_cast<uint16_t*>(nullptr)})
        run([&](void* temp, size_t* bytes) {
          return gramzip_device_quantize(temp, bytes, static_cast<gramzip_dtype>(type),
                                         elements.p(), expected.size(), on_device.as<float>(),
                                         count, to, nullptr);
        });
      EXPECT_EQ(indexes.get_as<uint16_t>(), expected);
      EXPECT_TRUE(elements.get() == quantized) << element_info(type).name << count;
    }
  size_t bytes = 0;
  EXPECT_EQ(gramzip_device_quantize(nullptr, &bytes, GRAMZIP_DTYPE_I32, nullptr, 0, nullptr, 2,
                                    nullptr, nullptr),
            GRAMZIP_INVALID_ARGUMENT);
  EXPECT_EQ(gramzip_device_quantize(nullptr, &bytes, GRAMZIP_DTYPE_F32, nullptr, 0, nullptr, 4096,
                                    nullptr, nullptr),
            GRAMZIP_INVALID_ARGUMENT);
}

TEST(DevicePrimitives, Prune) {
  GRAMZIP_NEEDS_DEVICE();
  for (const ElementType type : {ElementType::bf16, ElementType::f16, ElementType::f32,
                                 ElementType::f64, ElementType::f8_e4m3, ElementType::f8_e5m2}) {
    const uint32_t element = element_info(type).bytes;
    const Bytes data = test::make_weights(type, 5000 * element, 0.3, 1);
    for (const float threshold : {0.0f, 0.1f, 1e6f}) {
      Bytes expected = data;
      cpu::MagnitudeSelect::Cut cut{std::bit_cast<uint32_t>(threshold), 0};
      const uint64_t pruned = cpu::prune_edges(type, cut, expected);
      const OnDevice elements(data), result(16);
      size_t bytes = 0;
      const auto call = [&](void* temp, size_t* n) {
        return gramzip_device_prune(temp, n, static_cast<gramzip_dtype>(type), elements.p(), 5000,
                                    GRAMZIP_PRUNE_MAGNITUDE, threshold, 0, result.as<uint64_t>(),
                                    nullptr);
      };
      ASSERT_EQ(call(nullptr, &bytes), GRAMZIP_OK);
      run(call);
      EXPECT_TRUE(elements.get() == expected) << element_info(type).name << threshold;
      EXPECT_EQ(result.get_as<uint64_t>()[0], pruned);
    }
    Bytes expected = data;
    cpu::prune_two_of_four(type, expected, 50);
    const OnDevice elements(data);
    run([&](void* temp, size_t* n) {
      return gramzip_device_prune(temp, n, static_cast<gramzip_dtype>(type), elements.p(), 5000,
                                  GRAMZIP_PRUNE_TWO_OF_FOUR, 0, 50, nullptr, nullptr);
    });
    EXPECT_TRUE(elements.get() == expected) << element_info(type).name;
  }
  size_t bytes = 0;
  const auto refuse = [&](gramzip_dtype dtype, gramzip_device_pruning pruning, float threshold,
                          uint64_t columns) {
    return gramzip_device_prune(nullptr, &bytes, dtype, nullptr, 10, pruning, threshold, columns,
                                nullptr, nullptr);
  };
  EXPECT_EQ(refuse(GRAMZIP_DTYPE_I32, GRAMZIP_PRUNE_MAGNITUDE, 1, 0), GRAMZIP_INVALID_ARGUMENT);
  EXPECT_EQ(refuse(GRAMZIP_DTYPE_F32, GRAMZIP_PRUNE_MAGNITUDE, -1, 0), GRAMZIP_INVALID_ARGUMENT);
  EXPECT_EQ(refuse(GRAMZIP_DTYPE_F32, GRAMZIP_PRUNE_MAGNITUDE, std::nanf(""), 0),
            GRAMZIP_INVALID_ARGUMENT);
  EXPECT_EQ(refuse(GRAMZIP_DTYPE_F32, GRAMZIP_PRUNE_TWO_OF_FOUR, 0, 3), GRAMZIP_INVALID_ARGUMENT);
  EXPECT_EQ(refuse(GRAMZIP_DTYPE_F32, GRAMZIP_PRUNE_TWO_OF_FOUR, 0, 0), GRAMZIP_INVALID_ARGUMENT);
  EXPECT_EQ(refuse(GRAMZIP_DTYPE_F32, static_cast<gramzip_device_pruning>(2), 0, 5),
            GRAMZIP_INVALID_ARGUMENT);
}
}  // namespace
}  // namespace gramzip
