// SPDX-License-Identifier: Apache-2.0
// Decompression from device memory to device memory: what the host's reader gives, by calls that
// only enqueue, whatever bytes lie in the archive's place.
#include <algorithm>
#include <random>

#include "gramzip/gramzip.hpp"
#include "host/backend/device_calls.h"
#include "host/backend/device_memory.h"
#include "tests/parity/device_calls.h"
#include "tests/registry/cases.h"
#include "tests/registry/memory_io.h"
#include "tests/registry/segments.h"

namespace gramzip {
namespace {
using Bytes = std::vector<uint8_t>;
using test::OnDevice;

// The library uses the emulated ones too, as they stand before it in the link.
[[gnu::used]] auto* const linked = &device::plan_decode;
[[gnu::used]] auto* const linked_memory = &device_memory_source;

Bytes archive_of(const Bytes& content, gramzip_mode mode, bool fast = false) {
  gramzip_options o = default_options();
  o.device = GRAMZIP_DEVICE_CPU;
  o.mode = mode;
  o.fast = fast ? 1 : 0;
  return compress(content, o);
}

struct Case {
  Bytes archive, content;
};
// Contents of all codecs that the device decodes, tensors at even and uneven places.
std::vector<Case> cases() {
  std::vector<Case> all;
  const auto add = [&all](const Bytes& content, gramzip_mode mode, bool fast = false) {
    all.push_back({archive_of(content, mode, fast), content});
  };
  add(test::make_text(test::kChecked ? 5'003 : 150'003, 1), GRAMZIP_MODE_BYTES);
  Bytes ints(40'000);
  ints.resize(test::kChecked ? 5'000 : ints.size());
  for (size_t i = 0; i < ints.size(); ++i) ints[i] = static_cast<uint8_t>(i % 4 == 0 ? i / 97 : 0);
  const auto tensors = [&](uint64_t seed) {
    return test::make_safetensors(
        {{"a", "BF16", test::make_scales(ElementType::bf16, test::kChecked ? 6'000 : 140'000, seed),
          16},
         {"b", "F32",
          test::make_weights(ElementType::f32, test::kChecked ? 5'008 : 70'008, 0.02, seed), 32},
         {"c", "I32", ints, 32},
         {"d", "F8_E4M3", test::make_weights(ElementType::f8_e4m3, 9'001, 0.5, seed), 8},
         {"e", "F16", test::special_floats(ElementType::f16, 12'000, seed), 16}});
  };
  add(tensors(3), GRAMZIP_MODE_WEIGHTS);
  add(tensors(4), GRAMZIP_MODE_WEIGHTS, true);
  Bytes repeats = test::make_random(65'536, 5);
  repeats.insert(repeats.end(), repeats.begin(), repeats.end());
  repeats.resize(200'000, 7);
  add(repeats, GRAMZIP_MODE_BYTES);
  add({}, GRAMZIP_MODE_BYTES);
  add({42}, GRAMZIP_MODE_BYTES);
  return all;
}

struct Plan {
  gramzip_device_plan* p = nullptr;
  Plan() = default;
  Plan(const Plan&) = delete;
  Plan& operator=(const Plan&) = delete;
  ~Plan() { gramzip_device_plan_free(p, nullptr); }
  size_t temp_bytes() const {
    size_t n = 0;
    EXPECT_EQ(gramzip_device_temp_bytes(p, &n), GRAMZIP_OK);
    return n;
  }
  uint64_t blocks() const {
    uint64_t n = 0;
    EXPECT_EQ(gramzip_device_block_count(p, &n), GRAMZIP_OK);
    return n;
  }
};

// A batch whose buffers are allocations of their own.
struct Buffers {
  std::vector<OnDevice> archives, outputs;
  OnDevice temp, statuses, bad;
  std::vector<const void*> from, bases;
  std::vector<void*> to;

  Buffers(const Plan& plan, const std::vector<Bytes>& sources, const std::vector<uint64_t>& sizes)
      : temp(plan.temp_bytes()), statuses(plan.blocks() * 4), bad(4) {
    for (const Bytes& s : sources) archives.emplace_back(s);
    for (const uint64_t n : sizes) outputs.emplace_back(static_cast<size_t>(n));
    for (const OnDevice& a : archives) from.push_back(a.p());
    for (const OnDevice& o : outputs) to.push_back(o.p());
  }
  gramzip_status call(const Plan& plan, cudaStream_t stream) const {
    return gramzip_device_decompress(plan.p, from.data(), bases.empty() ? nullptr : bases.data(),
                                     to.data(), temp.p(), temp.span().size(),
                                     statuses.as<uint32_t>(), bad.as<uint32_t>(), stream);
  }
  uint32_t bad_blocks() const { return bad.get_as<uint32_t>()[0]; }
};

gramzip_device_archive on_host(const Bytes& archive) {
  return {archive.data(), archive.size(), GRAMZIP_MEMORY_HOST, 0};
}
std::vector<gramzip_device_archive> all_on_host(const std::vector<Bytes>& archives) {
  std::vector<gramzip_device_archive> all;
  for (const Bytes& a : archives) all.push_back(on_host(a));
  return all;
}

TEST(DeviceDecode, WholeContentsOfABatch) {
  GRAMZIP_NEEDS_DEVICE();
  const std::vector<Case> all = cases();
  std::vector<Bytes> archives;
  std::vector<uint64_t> sizes;
  for (const Case& c : all) {
    archives.push_back(c.archive);
    sizes.push_back(c.content.size());
  }
  const test::Stream stream;
  Plan plan;
  const auto sources = all_on_host(archives);
  ASSERT_EQ(gramzip_device_plan_decompress(sources.data(), sources.size(), nullptr, 0, nullptr,
                                           stream.s, &plan.p),
            GRAMZIP_OK)
      << gramzip_last_error();
  const Buffers run(plan, archives, sizes);
  test::for_schedules(3, [&](int) {
    test::only_enqueues(
        [&] { ASSERT_EQ(run.call(plan, stream.s), GRAMZIP_OK) << gramzip_last_error(); });
    ASSERT_EQ(cudaStreamSynchronize(stream.s), cudaSuccess);
    EXPECT_EQ(run.bad_blocks(), 0u);
    for (size_t i = 0; i < all.size(); ++i)
      EXPECT_TRUE(run.outputs[i].get() == all[i].content) << i;
  });
}

// Ranges that begin and end anywhere, several of one archive, more than one launch's owners.
TEST(DeviceDecode, Ranges) {
  GRAMZIP_NEEDS_DEVICE();
  const std::vector<Case> all = cases();
  std::vector<Bytes> archives;
  for (const Case& c : all) archives.push_back(c.archive);
  std::vector<gramzip_device_item> items;
  std::mt19937_64 rng(1);
  for (int i = 0; i < (test::kChecked ? 12 : 140); ++i) {
    const size_t a = rng() % all.size(), n = all[a].content.size();
    const uint64_t begin = n == 0 ? 0 : rng() % n;
    items.push_back(
        {a, begin, i % 10 == 0 ? n - begin : std::min<uint64_t>(rng() % 300, n - begin)});
  }
  const test::Stream stream;
  Plan plan;
  const auto sources = all_on_host(archives);
  ASSERT_EQ(gramzip_device_plan_decompress(sources.data(), sources.size(), items.data(),
                                           items.size(), nullptr, stream.s, &plan.p),
            GRAMZIP_OK)
      << gramzip_last_error();
  std::vector<uint64_t> sizes;
  for (size_t i = 0; i < items.size(); ++i) {
    sizes.push_back(0);
    ASSERT_EQ(gramzip_device_item_info(plan.p, i, &sizes.back(), nullptr, nullptr), GRAMZIP_OK);
    ASSERT_EQ(sizes.back(), items[i].size);
  }
  const Buffers run(plan, archives, sizes);
  ASSERT_EQ(run.call(plan, stream.s), GRAMZIP_OK) << gramzip_last_error();
  ASSERT_EQ(cudaStreamSynchronize(stream.s), cudaSuccess);
  EXPECT_EQ(run.bad_blocks(), 0u);
  for (size_t i = 0; i < items.size(); ++i) {
    const auto begin =
        all[items[i].archive].content.begin() + static_cast<ptrdiff_t>(items[i].begin);
    EXPECT_TRUE(run.outputs[i].get() == Bytes(begin, begin + static_cast<ptrdiff_t>(sizes[i])))
        << i;
  }
}

// Headers read from the device; the caller's allocator; a graph that runs again over other bytes.
TEST(DeviceDecode, AGraphOverOtherBytes) {
  GRAMZIP_NEEDS_DEVICE();
  const Bytes content = test::make_scales(ElementType::bf16, 200'000, 1);
  Bytes archive =
      archive_of(test::make_safetensors({{"w", "BF16", content, 16}}), GRAMZIP_MODE_WEIGHTS);
  const OnDevice resident(archive);
  const gramzip_device_archive source{resident.p(), archive.size(), GRAMZIP_MEMORY_DEVICE, 0};
  uint64_t whole = 0;
  ASSERT_EQ(gramzip_content_size(archive.data(), archive.size(), &whole), GRAMZIP_OK);
  const gramzip_device_item item{0, whole - content.size(), content.size()};
  struct Pool {
    size_t taken = 0, given = 0;
  } pool;
  const gramzip_device_allocator allocator{[](void* p, size_t n, gramzip_stream) {
                                             static_cast<Pool*>(p)->taken += n;
                                             void* memory = nullptr;
                                             cudaMalloc(&memory, n);
                                             return memory;
                                           },
                                           [](void* p, void* memory, size_t n, gramzip_stream) {
                                             static_cast<Pool*>(p)->given += n;
                                             cudaFree(memory);
                                           },
                                           &pool};
  const test::Stream stream;
  {
    Plan plan;
    ASSERT_EQ(gramzip_device_plan_decompress(&source, 1, &item, 1, &allocator, stream.s, &plan.p),
              GRAMZIP_OK)
        << gramzip_last_error();
    EXPECT_GT(pool.taken, 0u);
    const Buffers run(plan, {archive}, {content.size()});
    test::Graph graph(stream.s, [&] { EXPECT_EQ(run.call(plan, stream.s), GRAMZIP_OK); });
    graph.run();
    EXPECT_EQ(run.bad_blocks(), 0u);
    EXPECT_TRUE(run.outputs[0].get() == content);

    Bytes damaged = archive;
    damaged[damaged.size() / 2] ^= 4;
    const_cast<OnDevice&>(run.archives[0]).set(damaged);
    graph.run();
    EXPECT_EQ(run.bad_blocks(), 1u);
    EXPECT_EQ(
        std::ranges::count(run.statuses.get_as<uint32_t>(), uint32_t{GRAMZIP_BLOCK_BAD_CODED_HASH}),
        1);
    const_cast<OnDevice&>(run.archives[0]).set(archive);
    graph.run();
    EXPECT_EQ(run.bad_blocks(), 0u);
    EXPECT_TRUE(run.outputs[0].get() == content);
  }
  EXPECT_EQ(pool.taken, pool.given);
}

// Bytes that the plan has not seen, blocks with hashes that fit what is wrong: a status, and
// nothing outside of the buffers is touched, which the emulator watches.
TEST(DeviceDecode, HostileBytes) {
  GRAMZIP_NEEDS_DEVICE();
  const test::Stream stream;
  for (Case& c : cases()) {
    if (c.content.size() < 1000) continue;
    Plan plan;
    const auto source = on_host(c.archive);
    ASSERT_EQ(gramzip_device_plan_decompress(&source, 1, nullptr, 0, nullptr, stream.s, &plan.p),
              GRAMZIP_OK);
    Buffers run(plan, {c.archive}, {c.content.size()});
    std::mt19937_64 rng(c.content.size());
    for (const int kind : {0, 1, 2}) {
      if (test::kChecked && kind > 0) continue;
      Bytes bad = c.archive;
      for (size_t i = 0; i < bad.size(); ++i)
        if (kind < 2 || i % 1000 == 0) bad[i] = kind == 0 ? 0xff : static_cast<uint8_t>(rng());
      run.archives[0].set(bad);
      ASSERT_EQ(run.call(plan, stream.s), GRAMZIP_OK);
      ASSERT_EQ(cudaStreamSynchronize(stream.s), cudaSuccess);
      EXPECT_GT(run.bad_blocks(), 0u);
      const auto statuses = run.statuses.get_as<uint32_t>();
      EXPECT_EQ(run.bad_blocks(),
                statuses.size() - static_cast<size_t>(std::ranges::count(statuses, 0u)));
    }
  }
  // With hashes that fit: the CPU's statuses.
  const auto cpu = make_cpu_backend();
  const test::SegmentCase c{"scales", ElementType::bf16,
                            test::make_scales(ElementType::bf16, 131'072 * 2, 9)};
  EncodedSegment good = test::encode_segment(*cpu, c);
  for (int i = 0; i < (test::kChecked ? 4 : 40); ++i) {
    EncodedSegment s = good;
    std::mt19937_64 rng(static_cast<uint64_t>(i));
    const uint32_t b = i % 2;
    const size_t at = test::block_offset(s, b);
    // The lane header and the class ids lie behind the raw plane.
    const size_t place = i % 4 == 0
                             ? rng() % s.records[b].coded_bytes
                             : 65'536 + rng() % (s.records[b].coded_bytes - 65'536) / (i % 3 + 1);
    s.data[at + place] ^= static_cast<uint8_t>(1 + rng() % 255);
    s.records[b].coded_hash = hash64({s.data.data() + at, s.records[b].coded_bytes});
    const test::Decoded expected = test::decode_segment(*cpu, s);
    const Bytes archive = test::archive_of(s, c.content);
    Plan plan;
    const auto source = on_host(archive);
    ASSERT_EQ(gramzip_device_plan_decompress(&source, 1, nullptr, 0, nullptr, stream.s, &plan.p),
              GRAMZIP_OK)
        << gramzip_last_error();
    const Buffers run(plan, {archive}, {c.content.size()});
    ASSERT_EQ(run.call(plan, stream.s), GRAMZIP_OK);
    ASSERT_EQ(cudaStreamSynchronize(stream.s), cudaSuccess);
    const auto statuses = run.statuses.get_as<uint32_t>();
    ASSERT_EQ(statuses.size(), expected.status.size());
    for (size_t k = 0; k < statuses.size(); ++k)
      EXPECT_EQ(statuses[k], static_cast<uint32_t>(expected.status[k])) << i;
  }
}

// Few changes, many, blocks that did not change; the base beside the archive.
TEST(DeviceDecode, Deltas) {
  GRAMZIP_NEEDS_DEVICE();
  const test::Stream stream;
  const size_t n = test::kChecked ? 8'000 : 140'000;
  std::vector<Codec> codecs;
  for (const ElementType type : {ElementType::bf16, ElementType::f32})
    for (const int kind : {0, 1, 2}) {
      const Bytes base = test::make_weights(type, n, 0.05, 1);
      Bytes target = base;
      const size_t step = kind == 0 ? 2'002 : 4;  // a change in each so many bytes
      for (size_t i = 0; i < (kind == 2 ? 2'000 : n); i += step)
        target[i] ^= static_cast<uint8_t>(1 + i % 3);
      gramzip_options o = default_options();
      o.device = GRAMZIP_DEVICE_CPU;
      const Bytes archive = encode_delta(base, target, static_cast<gramzip_dtype>(type), o);
      codecs.push_back(
          ArchiveReader(std::make_shared<test::MemorySource>(archive)).segment_header(0).codec);
      const auto source = on_host(archive);
      const std::vector<gramzip_device_item> items = {{0, 0, n}, {0, 1'001, 3'003}};
      Plan plan;
      ASSERT_EQ(
          gramzip_device_plan_decompress(&source, 1, items.data(), 2, nullptr, stream.s, &plan.p),
          GRAMZIP_OK)
          << gramzip_last_error();
      Buffers run(plan, {archive}, {n, 3'003});
      ASSERT_EQ(run.call(plan, stream.s), GRAMZIP_INVALID_ARGUMENT);  // without it
      OnDevice beside(base);
      run.bases = {beside.p() + 8};
      ASSERT_EQ(run.call(plan, stream.s), GRAMZIP_INVALID_ARGUMENT);
      run.bases = {beside.p()};
      test::for_schedules(2, [&](int) {
        test::only_enqueues(
            [&] { ASSERT_EQ(run.call(plan, stream.s), GRAMZIP_OK) << gramzip_last_error(); });
        ASSERT_EQ(cudaStreamSynchronize(stream.s), cudaSuccess);
        EXPECT_EQ(run.bad_blocks(), 0u);
        EXPECT_TRUE(run.outputs[0].get() == target) << kind;
        EXPECT_TRUE(run.outputs[1].get() == Bytes(target.begin() + 1'001, target.begin() + 4'004))
            << kind;
      });
      beside.set(test::make_weights(type, n, 0.05, 2));  // another base
      ASSERT_EQ(run.call(plan, stream.s), GRAMZIP_OK);
      EXPECT_EQ(run.bad_blocks(), plan.blocks());
      run.archives[0].set(test::make_random(archive.size(), 3));  // another archive
      ASSERT_EQ(run.call(plan, stream.s), GRAMZIP_OK);
      EXPECT_GT(run.bad_blocks(), 0u);
    }
  for (const Codec c : {Codec::delta, Codec::sparse_delta})
    EXPECT_EQ(std::ranges::count(codecs, c) > 0, true);
}

TEST(DeviceDecode, RefusesWhatTheHostCanSee) {
  GRAMZIP_NEEDS_DEVICE();
  const test::Stream stream;
  const Bytes content = test::make_text(70'000, 1);
  const Bytes archive = archive_of(content, GRAMZIP_MODE_BYTES);
  const auto source = on_host(archive);
  Plan plan;
  ASSERT_EQ(gramzip_device_plan_decompress(&source, 1, nullptr, 0, nullptr, stream.s, &plan.p),
            GRAMZIP_OK);
  Buffers run(plan, {archive}, {content.size()});
  const auto call = [&](const void* from, void* to, void* temp, size_t bytes, uint8_t* status,
                        uint8_t* bad) {
    return gramzip_device_decompress(plan.p, &from, nullptr, &to, temp, bytes,
                                     reinterpret_cast<uint32_t*>(status),
                                     reinterpret_cast<uint32_t*>(bad), stream.s);
  };
  uint8_t* const from = run.archives[0].p();
  uint8_t* const to = run.outputs[0].p();
  uint8_t* const temp = run.temp.p();
  const size_t bytes = run.temp.span().size();
  uint8_t* const status = run.statuses.p();
  uint8_t* const bad = run.bad.p();
  EXPECT_EQ(call(from, to, temp, bytes - 1, status, bad), GRAMZIP_OUTPUT_TOO_SMALL);
  EXPECT_EQ(call(from, to, temp + 16, bytes, status, bad), GRAMZIP_INVALID_ARGUMENT);
  EXPECT_EQ(call(from, to, nullptr, bytes, status, bad), GRAMZIP_INVALID_ARGUMENT);
  EXPECT_EQ(call(from + 64, to, temp, bytes, status, bad), GRAMZIP_INVALID_ARGUMENT);
  EXPECT_EQ(call(nullptr, to, temp, bytes, status, bad), GRAMZIP_INVALID_ARGUMENT);
  EXPECT_EQ(call(from, to + 8, temp, bytes, status, bad), GRAMZIP_INVALID_ARGUMENT);
  EXPECT_EQ(call(from, nullptr, temp, bytes, status, bad), GRAMZIP_INVALID_ARGUMENT);
  EXPECT_EQ(call(from, to, temp, bytes, nullptr, bad), GRAMZIP_INVALID_ARGUMENT);
  EXPECT_EQ(call(from, to, temp, bytes, status, bad + 1), GRAMZIP_INVALID_ARGUMENT);
  EXPECT_EQ(call(from, to, temp, bytes, status, bad), GRAMZIP_OK);

  gramzip_device_plan* none = nullptr;
  const auto make = [&](const Bytes& a, std::vector<gramzip_device_item> items) {
    const auto one = on_host(a);
    return gramzip_device_plan_decompress(&one, 1, items.empty() ? nullptr : items.data(),
                                          items.size(), nullptr, stream.s, &none);
  };
  Bytes broken = archive;
  broken[broken.size() - 200] ^= 1;
  EXPECT_EQ(make(broken, {}), GRAMZIP_CORRUPT);
  EXPECT_EQ(make({1, 2, 3}, {}), GRAMZIP_NOT_AN_ARCHIVE);
  EXPECT_EQ(make(archive, {{0, 0, content.size() + 1}}), GRAMZIP_INVALID_ARGUMENT);
  EXPECT_EQ(make(archive, {{0, content.size() + 1, 0}}), GRAMZIP_INVALID_ARGUMENT);
  EXPECT_EQ(make(archive, {{1, 0, 1}}), GRAMZIP_INVALID_ARGUMENT);
  gramzip_options text = default_options();
  text.device = GRAMZIP_DEVICE_CPU;
  EXPECT_EQ(make(compress(test::make_text(300'000, 1), text), {}), GRAMZIP_UNSUPPORTED);
  EXPECT_EQ(none, nullptr);
#if GRAMZIP_PARITY_EMULATED
  // No memory for the plan, a launch that fails.
  simt::options().fail_alloc_at = 1;
  EXPECT_EQ(make(archive, {}), GRAMZIP_NO_MEMORY);
  simt::options().fail_launch_at = 3;
  EXPECT_EQ(call(from, to, temp, bytes, status, bad), GRAMZIP_DEVICE);
  EXPECT_EQ(cudaGetLastError(), cudaSuccess);
  simt::options() = {};
#endif
}
}  // namespace
}  // namespace gramzip
