// SPDX-License-Identifier: Apache-2.0
// Compression from device memory to device memory: the bytes of gramzip_compress_array, archives
// that every reader decodes, by calls that only enqueue.
#include <algorithm>

#include "gramzip/gramzip.hpp"
#include "host/backend/device_calls.h"
#include "tests/parity/device_calls.h"
#include "tests/registry/cases.h"

namespace gramzip {
namespace {
using Bytes = std::vector<uint8_t>;
using test::OnDevice;

[[gnu::used]] auto* const linked = &device::plan_encode;

struct Array {
  gramzip_dtype dtype;
  Bytes content;
};
// Of every type, several segments of 64 KiB, mode and number of classes.
std::vector<Array> arrays() {
  std::vector<Array> all;
  const auto add = [&all](ElementType type, Bytes content) {
    all.push_back({static_cast<gramzip_dtype>(type), std::move(content)});
  };
  add(ElementType::bytes, {});
  if (test::kChecked) {
    add(ElementType::bf16, test::make_scales(ElementType::bf16, 33'000, 1));
    add(ElementType::bytes, test::make_text(5'000, 2));
    add(ElementType::bytes, test::make_random(500, 8));
    return all;
  }
  add(ElementType::bf16, test::make_scales(ElementType::bf16, 300'000, 1));
  add(ElementType::bytes, test::make_text(200'001, 2));
  add(ElementType::f32, test::make_weights(ElementType::f32, 70'004, 0.02, 3));
  add(ElementType::f64, test::make_weights(ElementType::f64, 66'000, 0.02, 4));
  add(ElementType::f16, test::special_floats(ElementType::f16, 66'000, 5));
  add(ElementType::f8_e4m3, test::make_scales(ElementType::f8_e4m3, 131'072, 6));
  add(ElementType::f8_e5m2, test::make_weights(ElementType::f8_e5m2, 300, 1, 7));
  add(ElementType::i32, Bytes(40'000, 1));
  add(ElementType::bytes, test::make_random(65'536, 8));
  add(ElementType::bytes, {9});
  add(ElementType::bf16, Bytes(262'144, 0));
  Bytes twice = test::make_scales(ElementType::bf16, 131'072, 9);
  twice.insert(twice.end(), twice.begin(), twice.end());
  add(ElementType::bf16, twice);
  return all;
}

Bytes on_host(const Array& a, uint32_t segment_bytes) {
  Bytes out(gramzip_compress_array_bound(a.content.size(), a.dtype, segment_bytes));
  size_t size = out.size();
  EXPECT_EQ(gramzip_compress_array(a.content.data(), a.content.size(), a.dtype, segment_bytes,
                                   out.data(), &size),
            GRAMZIP_OK)
      << gramzip_last_error();
  out.resize(size);
  return out;
}

struct Batch {
  gramzip_device_plan* plan = nullptr;
  test::Stream stream;
  std::vector<OnDevice> inputs, outputs;
  std::vector<const void*> from;
  std::vector<void*> to;
  std::vector<OnDevice> temp, sizes;  // one

  Batch(const std::vector<Array>& arrays, uint32_t segment_bytes) {
    std::vector<gramzip_device_array> planned;
    for (const Array& a : arrays) planned.push_back({a.content.size(), a.dtype});
    EXPECT_EQ(gramzip_device_plan_compress(planned.data(), planned.size(), segment_bytes, nullptr,
                                           stream.s, &plan),
              GRAMZIP_OK)
        << gramzip_last_error();
    size_t bytes = 0;
    EXPECT_EQ(gramzip_device_temp_bytes(plan, &bytes), GRAMZIP_OK);
    temp.emplace_back(bytes);
    sizes.emplace_back(8 * arrays.size());
    for (size_t i = 0; i < arrays.size(); ++i) {
      uint64_t room = 0;
      EXPECT_EQ(gramzip_device_item_info(plan, i, &room, nullptr, nullptr), GRAMZIP_OK);
      EXPECT_EQ(room,
                gramzip_compress_array_bound(planned[i].size, planned[i].dtype, segment_bytes));
      inputs.emplace_back(arrays[i].content);
      outputs.emplace_back(static_cast<size_t>(room));
      from.push_back(inputs.back().p());
      to.push_back(outputs.back().p());
    }
  }
  ~Batch() { gramzip_device_plan_free(plan, stream.s); }
  gramzip_status call() {
    return gramzip_device_compress(plan, from.data(), to.data(), temp[0].p(), temp[0].span().size(),
                                   sizes[0].as<uint64_t>(), stream.s);
  }
  Bytes archive(size_t i) const {
    Bytes out = outputs[i].get();
    const uint64_t size = sizes[0].get_as<uint64_t>()[i];
    EXPECT_LE(size, out.size());
    out.resize(std::min<size_t>(out.size(), size));
    return out;
  }
};

TEST(DeviceEncode, TheBytesOfTheHost) {
  GRAMZIP_NEEDS_DEVICE();
  const std::vector<Array> all = arrays();
  for (const uint32_t segment_bytes : {65'536u, 0u}) {
    if (test::kChecked && segment_bytes == 0) continue;
    Batch batch(all, segment_bytes);
    test::for_schedules(segment_bytes == 0 || test::kChecked ? 2 : 3, [&](int) {
      test::only_enqueues([&] { ASSERT_EQ(batch.call(), GRAMZIP_OK) << gramzip_last_error(); });
      ASSERT_EQ(cudaStreamSynchronize(batch.stream.s), cudaSuccess);
      for (size_t i = 0; i < all.size(); ++i)
        EXPECT_TRUE(batch.archive(i) == on_host(all[i], segment_bytes)) << i;
    });
    for (size_t i = 0; i < all.size(); ++i)
      EXPECT_TRUE(decompress(batch.archive(i)) == all[i].content) << i;
  }
}

TEST(DeviceEncode, AGraphOverOtherArrays) {
  GRAMZIP_NEEDS_DEVICE();
  const size_t n = test::kChecked ? 4'000 : 140'000;
  std::vector<Array> all = {{GRAMZIP_DTYPE_BF16, test::make_scales(ElementType::bf16, n, 1)},
                            {GRAMZIP_DTYPE_BYTES, test::make_text(n / 2, 2)}};
  Batch batch(all, 65'536);
  test::Graph graph(batch.stream.s, [&] { EXPECT_EQ(batch.call(), GRAMZIP_OK); });
  for (const uint64_t seed : {3, 4}) {
    if (test::kChecked && seed > 3) continue;
    all[0].content =
        test::make_weights(ElementType::bf16, n, 0.1 * static_cast<double>(seed), seed);
    all[1].content = test::make_random(n / 2, seed);
    for (size_t i = 0; i < 2; ++i) batch.inputs[i].set(all[i].content);
    graph.run();
    for (size_t i = 0; i < 2; ++i) EXPECT_TRUE(batch.archive(i) == on_host(all[i], 65'536)) << i;
  }
}

// More arrays than one launch binds; there and back on the device.
TEST(DeviceEncode, ManySmallArraysThereAndBack) {
  GRAMZIP_NEEDS_DEVICE();
  std::vector<Array> all;
  for (uint64_t i = 0; i < (test::kChecked ? 9 : 150); ++i)
    all.push_back({GRAMZIP_DTYPE_BF16, test::make_weights(ElementType::bf16, 16 * i, 0.1, i)});
  Batch batch(all, 0);
  ASSERT_EQ(batch.call(), GRAMZIP_OK);
  std::vector<gramzip_device_archive> archives;
  std::vector<const void*> from;
  std::vector<void*> to;
  std::vector<OnDevice> back;
  const auto sizes = batch.sizes[0].get_as<uint64_t>();
  for (size_t i = 0; i < all.size(); ++i) {
    archives.push_back({batch.to[i], sizes[i], GRAMZIP_MEMORY_DEVICE, 0});
    from.push_back(batch.to[i]);
    back.emplace_back(all[i].content.size());
    to.push_back(back.back().p());
  }
  gramzip_device_plan* plan = nullptr;
  ASSERT_EQ(gramzip_device_plan_decompress(archives.data(), archives.size(), nullptr, 0, nullptr,
                                           batch.stream.s, &plan),
            GRAMZIP_OK)
      << gramzip_last_error();
  size_t bytes = 0;
  uint64_t blocks = 0;
  ASSERT_EQ(gramzip_device_temp_bytes(plan, &bytes), GRAMZIP_OK);
  ASSERT_EQ(gramzip_device_block_count(plan, &blocks), GRAMZIP_OK);
  const OnDevice temp(bytes), statuses(blocks * 4), bad(4);
  ASSERT_EQ(gramzip_device_decompress(plan, from.data(), nullptr, to.data(), temp.p(), bytes,
                                      statuses.as<uint32_t>(), bad.as<uint32_t>(), batch.stream.s),
            GRAMZIP_OK)
      << gramzip_last_error();
  ASSERT_EQ(cudaStreamSynchronize(batch.stream.s), cudaSuccess);
  EXPECT_EQ(bad.get_as<uint32_t>()[0], 0u);
  for (size_t i = 0; i < all.size(); ++i) EXPECT_TRUE(back[i].get() == all[i].content) << i;
  gramzip_device_plan_free(plan, batch.stream.s);
}

// The C++ view.
TEST(DeviceEncode, ThroughPlans) {
  GRAMZIP_NEEDS_DEVICE();
  const test::Stream stream;
  const Bytes content = test::make_weights(ElementType::bf16, 10'000, 0.1, 1);
  const gramzip_device_array array{content.size(), GRAMZIP_DTYPE_BF16};
  const DevicePlan encoder = DevicePlan::compress({&array, 1}, 0, stream.s);
  const OnDevice input(content), archive(encoder.output_bytes(0)), size(8),
      temp(encoder.temp_bytes());
  const void* from = input.p();
  void* to = archive.p();
  encoder.compress({&from, 1}, {&to, 1}, {temp.p(), temp.span().size()}, size.as<uint64_t>(),
                   stream.s);
  ASSERT_EQ(cudaStreamSynchronize(stream.s), cudaSuccess);
  const gramzip_device_archive source{archive.p(), size.get_as<uint64_t>()[0],
                                      GRAMZIP_MEMORY_DEVICE, 0};
  const DevicePlan decoder = DevicePlan::decompress({&source, 1}, {}, stream.s);
  const OnDevice back(decoder.output_bytes(0)), statuses(4 * decoder.block_count()), bad(4),
      work(decoder.temp_bytes());
  const void* coded = archive.p();
  void* decoded = back.p();
  decoder.decompress({&coded, 1}, {}, {&decoded, 1}, {work.p(), work.span().size()},
                     statuses.as<uint32_t>(), bad.as<uint32_t>(), stream.s);
  ASSERT_EQ(cudaStreamSynchronize(stream.s), cudaSuccess);
  EXPECT_EQ(bad.get_as<uint32_t>()[0], 0u);
  EXPECT_TRUE(back.get() == content);
  EXPECT_TRUE(compress_array(content, GRAMZIP_DTYPE_BF16).size() == source.size);
  EXPECT_THROW(
      decoder.decompress({&coded, 1}, {}, {&decoded, 1}, {nullptr, 0}, nullptr, nullptr, stream.s),
      StatusError);
}

TEST(DeviceEncode, Refuses) {
  GRAMZIP_NEEDS_DEVICE();
  gramzip_device_plan* plan = nullptr;
  const auto make = [&](gramzip_device_array a, uint32_t segment_bytes) {
    return gramzip_device_plan_compress(&a, 1, segment_bytes, nullptr, nullptr, &plan);
  };
  EXPECT_EQ(make({3, GRAMZIP_DTYPE_BF16}, 0), GRAMZIP_INVALID_ARGUMENT);
  EXPECT_EQ(make({4, static_cast<gramzip_dtype>(1)}, 0), GRAMZIP_INVALID_ARGUMENT);
  EXPECT_EQ(make({4, static_cast<gramzip_dtype>(11)}, 0), GRAMZIP_INVALID_ARGUMENT);
  EXPECT_EQ(make({4, GRAMZIP_DTYPE_BF16}, 65'537), GRAMZIP_INVALID_ARGUMENT);
  EXPECT_EQ(make({4, GRAMZIP_DTYPE_BF16}, 32'768), GRAMZIP_INVALID_ARGUMENT);
  EXPECT_EQ(plan, nullptr);
  std::vector<Array> all = {{GRAMZIP_DTYPE_BYTES, test::make_text(1000, 1)}};
  Batch batch(all, 0);
  const auto call = [&](const void* from, void* to, uint8_t* temp, size_t bytes, uint64_t* size) {
    return gramzip_device_compress(batch.plan, &from, &to, temp, bytes, size, batch.stream.s);
  };
  uint8_t* const temp = batch.temp[0].p();
  const size_t bytes = batch.temp[0].span().size();
  auto* const size = batch.sizes[0].as<uint64_t>();
  uint8_t* const from = batch.inputs[0].p();
  uint8_t* const to = batch.outputs[0].p();
  EXPECT_EQ(call(from, to, temp, bytes - 1, size), GRAMZIP_OUTPUT_TOO_SMALL);
  EXPECT_EQ(call(from, to, temp + 128, bytes, size), GRAMZIP_INVALID_ARGUMENT);
  EXPECT_EQ(call(from + 8, to, temp, bytes, size), GRAMZIP_INVALID_ARGUMENT);
  EXPECT_EQ(call(nullptr, to, temp, bytes, size), GRAMZIP_INVALID_ARGUMENT);
  EXPECT_EQ(call(from, to + 64, temp, bytes, size), GRAMZIP_INVALID_ARGUMENT);
  EXPECT_EQ(call(from, to, temp, bytes, nullptr), GRAMZIP_INVALID_ARGUMENT);
  EXPECT_EQ(gramzip_device_decompress(batch.plan, batch.from.data(), nullptr, batch.to.data(), temp,
                                      bytes, nullptr, nullptr, batch.stream.s),
            GRAMZIP_INVALID_ARGUMENT);
  // Host memory: the room is known before.
  Bytes out(100);
  size_t room = out.size();
  EXPECT_EQ(gramzip_compress_array(all[0].content.data(), 1000, GRAMZIP_DTYPE_BYTES, 0, out.data(),
                                   &room),
            GRAMZIP_OUTPUT_TOO_SMALL);
}
}  // namespace
}  // namespace gramzip
