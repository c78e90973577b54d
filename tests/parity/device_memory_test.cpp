// SPDX-License-Identifier: Apache-2.0
// Deltas between arrays in device memory, through the C interface: the bytes and promises of host
// memory.
#include <cuda_runtime.h>

#include <cstring>

#include "gramzip/gramzip.hpp"
#include "host/backend/device_memory.h"
#include "host/base/error.h"
#include "tests/parity/device.h"
#include "tests/parity/device_array.h"
#include "tests/registry/cases.h"

namespace gramzip {
namespace {
using Bytes = std::vector<uint8_t>;

using test::OnDevice;

gramzip_options on_device(gramzip_device coder, int threads = 0) {
  gramzip_options o = device_memory_options();
  o.device = coder;
  o.threads = threads;
  return o;
}

gramzip_status apply(std::span<const uint8_t> delta, std::span<uint8_t> buffer,
                     const gramzip_options& o) {
  return gramzip_apply_delta(delta.data(), delta.size(), buffer.data(), buffer.size(), &o);
}

// A few changes, far apart.
struct Pair {
  Bytes base, target;
};
Pair make_pair(size_t bytes) {
  Pair p{test::make_weights(ElementType::bf16, bytes, 0.05, 1), {}};
  p.target = p.base;
  for (size_t i = bytes / 3; i < bytes; i += bytes / 7) p.target[i] ^= 1;
  return p;
}

TEST(DeviceMemory, IsReadAndWrittenAnywhere) {
  GRAMZIP_DEVICE_OR_SKIP(backend);
  Bytes content = test::make_random(10'001, 1);
  const OnDevice array(content);
  const auto memory = device_memory_buffer(0, array.span().data(), content.size());
  const auto part = [&content](size_t at, size_t n) {
    return Bytes(content.begin() + static_cast<ptrdiff_t>(at),
                 content.begin() + static_cast<ptrdiff_t>(at + n));
  };
  EXPECT_EQ(memory->size(), content.size());
  for (const auto& [at, n] :
       {std::pair<size_t, size_t>{0, 10'001}, {77, 1'000}, {10'000, 1}, {5, 0}}) {
    Bytes out(n);
    EXPECT_EQ(memory->read_at(at, out.data(), n), n);
    EXPECT_TRUE(out == part(at, n)) << at;
  }
  Bytes out(100);
  EXPECT_EQ(memory->read_at(10'000, out.data(), 100), 1u);
  EXPECT_EQ(memory->read_at(10'001, out.data(), 100), 0u);
  EXPECT_EQ(memory->read_at(UINT64_MAX, out.data(), 100), 0u);

  const Bytes piece(301, 0x5a);
  std::copy(piece.begin(), piece.end(), content.begin() + 9'700);
  memory->write_at(9'700, piece);
  memory->write_at(10'001, {});
  EXPECT_TRUE(array.get() == content);
  EXPECT_THROW(memory->write_at(9'701, piece), Error);
  EXPECT_THROW(memory->write_at(UINT64_MAX, piece), Error);
  EXPECT_TRUE(array.get() == content);
  EXPECT_THROW(device_memory_source(0, array.span().data(), UINT64_MAX), Error);
}

TEST(DeviceMemory, RoundTrip) {
  GRAMZIP_DEVICE_OR_SKIP(backend);
  const Pair p = make_pair(100'000);
  const OnDevice base(p.base), target(p.target);
  const Bytes in_host = encode_delta(p.base, p.target, GRAMZIP_DTYPE_BF16);
  for (const gramzip_device coder : {GRAMZIP_DEVICE_CPU, GRAMZIP_DEVICE_CUDA}) {
    const gramzip_options o = on_device(coder);
    EXPECT_TRUE(encode_delta(base.span(), target.span(), GRAMZIP_DTYPE_BF16, o) == in_host);
    OnDevice buffer(p.base);
    apply_delta(in_host, buffer.span(), o);
    EXPECT_TRUE(buffer.get() == p.target);
  }
  EXPECT_TRUE(base.get() == p.base);
  EXPECT_TRUE(target.get() == p.target);

  const gramzip_options o = on_device(GRAMZIP_DEVICE_CPU);
  apply_delta(encode_delta({}, {}, GRAMZIP_DTYPE_F32, o), {}, o);
}

TEST(DeviceMemory, ManySegmentsAtAnyNumberOfThreads) {
  GRAMZIP_DEVICE_OR_SKIP(backend);
  const Pair p = make_pair(21'000'000);
  const OnDevice base(p.base), target(p.target);
  const Bytes delta =
      encode_delta(base.span(), target.span(), GRAMZIP_DTYPE_BF16, on_device(GRAMZIP_DEVICE_CPU));
  for (const int threads : {1, 2, 7}) {
    OnDevice buffer(p.base);
    apply_delta(delta, buffer.span(), on_device(GRAMZIP_DEVICE_CPU, threads));
    EXPECT_TRUE(buffer.get() == p.target) << threads;
  }
}

TEST(DeviceMemory, ManagedMemory) {
  GRAMZIP_DEVICE_OR_SKIP(backend);
  const Pair p = make_pair(50'000);
  void* memory = nullptr;
  ASSERT_EQ(cudaMallocManaged(&memory, p.base.size()), cudaSuccess);
  std::memcpy(memory, p.base.data(), p.base.size());
  const std::span<uint8_t> buffer(static_cast<uint8_t*>(memory), p.base.size());
  apply_delta(encode_delta(p.base, p.target, GRAMZIP_DTYPE_BF16), buffer,
              on_device(GRAMZIP_DEVICE_CPU));
  EXPECT_EQ(std::memcmp(memory, p.target.data(), p.target.size()), 0);
  cudaFree(memory);
}

TEST(DeviceMemory, RefusedDeltasLeaveTheBuffer) {
  GRAMZIP_DEVICE_OR_SKIP(backend);
  const Pair p = make_pair(200'000);
  Bytes delta = encode_delta(p.base, p.target, GRAMZIP_DTYPE_BF16);
  const gramzip_options o = on_device(GRAMZIP_DEVICE_CPU, 1);

  Bytes other = p.base;
  other[5] ^= 1;
  OnDevice buffer(other);
  EXPECT_EQ(apply(delta, buffer.span(), o), GRAMZIP_INVALID_ARGUMENT);  // not the base
  EXPECT_TRUE(buffer.get() == other);

  buffer.set(p.base);
  EXPECT_EQ(apply(delta, buffer.span().first(199'998), o), GRAMZIP_INVALID_ARGUMENT);
  for (size_t n = 1; n < delta.size(); n += 997)
    EXPECT_NE(apply(std::span(delta).first(n), buffer.span(), o), GRAMZIP_OK) << n;
  for (size_t at = 0; at < delta.size(); at += 1009) {
    delta[at] ^= 4;
    const gramzip_status s = apply(delta, buffer.span(), o);
    if (s == GRAMZIP_OK) buffer.set(p.base);  // in padding
    EXPECT_NE(s, GRAMZIP_BUFFER_CHANGED) << at;
    delta[at] ^= 4;
  }
  EXPECT_TRUE(buffer.get() == p.base);
  apply_delta(delta, buffer.span(), o);
  EXPECT_TRUE(buffer.get() == p.target);
}

TEST(DeviceMemory, MemoryThatIsNotTheDevices) {
  GRAMZIP_DEVICE_OR_SKIP(backend);
  Pair p = make_pair(100'000);
  const Bytes delta = encode_delta(p.base, p.target, GRAMZIP_DTYPE_BF16), base = p.base;
  gramzip_options o = on_device(GRAMZIP_DEVICE_CPU);
  EXPECT_EQ(apply(delta, p.base, o), GRAMZIP_INVALID_ARGUMENT);
  EXPECT_NE(std::strstr(gramzip_last_error(), "in no device's memory"), nullptr)
      << gramzip_last_error();
  EXPECT_TRUE(p.base == base);
  EXPECT_EQ(cudaGetLastError(), cudaSuccess);

  OnDevice buffer(base);
  o.device_index = 1000;
  EXPECT_EQ(apply(delta, buffer.span(), o), GRAMZIP_DEVICE);
  EXPECT_NE(std::strstr(gramzip_last_error(), "CUDA device 1000"), nullptr) << gramzip_last_error();
  o.device_index = -1;
  EXPECT_EQ(apply(delta, buffer.span(), o), GRAMZIP_DEVICE);
  EXPECT_TRUE(buffer.get() == base);
}

// The array is said to be larger than its allocation.
TEST(DeviceMemory, AllocationTooSmall) {
  GRAMZIP_DEVICE_OR_SKIP(backend);
  const Pair p = make_pair(size_t{8} << 20);
  const Bytes delta = encode_delta(p.base, p.target, GRAMZIP_DTYPE_BF16);
  const Bytes half(p.base.begin(), p.base.begin() + (4 << 20));
  const OnDevice buffer(half), base(p.base);
  const gramzip_options o = on_device(GRAMZIP_DEVICE_CPU);
  const std::span<uint8_t> claimed(buffer.span().data(), p.base.size());
  const gramzip_status s = apply(delta, claimed, o);
  // By its last byte, unless another allocation lies there.
  EXPECT_TRUE(s == GRAMZIP_INVALID_ARGUMENT || s == GRAMZIP_DEVICE) << s;
  Bytes out(gramzip_compress_bound(claimed.size()));
  size_t size = out.size();
  const gramzip_status e = gramzip_encode_delta(base.span().data(), claimed.data(), claimed.size(),
                                                GRAMZIP_DTYPE_BF16, out.data(), &size, &o);
  EXPECT_TRUE(e == GRAMZIP_INVALID_ARGUMENT || e == GRAMZIP_DEVICE) << e;
  EXPECT_EQ(size, out.size());
  EXPECT_TRUE(buffer.get() == half);
  EXPECT_EQ(cudaGetLastError(), cudaSuccess);
}

#if GRAMZIP_PARITY_EMULATED
// The array leaves the device no room to decode in.
TEST(DeviceMemory, NoRoomToDecodeIn) {
  GRAMZIP_DEVICE_OR_SKIP(backend);
  const Pair p = make_pair(100'000);
  const Bytes delta = encode_delta(p.base, p.target, GRAMZIP_DTYPE_BF16);
  OnDevice buffer(p.base);
  simt::options().device_memory_bytes = p.base.size();
  const gramzip_status s = apply(delta, buffer.span(), on_device(GRAMZIP_DEVICE_CUDA, 1));
  simt::options() = {};
  EXPECT_EQ(s, GRAMZIP_NO_MEMORY) << gramzip_last_error();
  EXPECT_TRUE(buffer.get() == p.base);
  apply_delta(delta, buffer.span(), on_device(GRAMZIP_DEVICE_CUDA));
  EXPECT_TRUE(buffer.get() == p.target);
}

// A device that gives out midway is told as what it is: some segments are changed.
TEST(DeviceMemory, LossMidway) {
  GRAMZIP_DEVICE_OR_SKIP(backend);
  Pair p = make_pair(9'000'000);
  const Bytes delta = encode_delta(p.base, p.target, GRAMZIP_DTYPE_BF16);
  OnDevice buffer(p.base);
  int failed = 0, changed = 0;
  for (int at = 1; at < 200; at += 9) {
    buffer.set(p.base);
    simt::options().fail_launch_at = at;
    const gramzip_status s = apply(delta, buffer.span(), on_device(GRAMZIP_DEVICE_CUDA, 1));
    simt::options() = {};
    if (s == GRAMZIP_OK) break;
    ++failed;
    if (s == GRAMZIP_BUFFER_CHANGED)
      ++changed;
    else
      EXPECT_TRUE(s == GRAMZIP_DEVICE && buffer.get() == p.base) << s << gramzip_last_error();
  }
  EXPECT_GT(failed, changed);
  EXPECT_GT(changed, 0);
}
#endif
}  // namespace
}  // namespace gramzip
