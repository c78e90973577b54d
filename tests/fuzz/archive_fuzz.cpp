// SPDX-License-Identifier: Apache-2.0
// Any bytes as an archive, front to back and by random access: an error or content, never anything
// else. Three inputs of four come with hashes that fit; archives of deltas find their base.
#include <cstdlib>

#include "host/engine/base.h"
#include "tests/fuzz/reseal.h"
#include "tests/fuzz/samples.h"
#include "tests/registry/cases.h"
#include "tests/registry/memory_io.h"

namespace gramzip::test {
namespace {
using Bytes = std::vector<uint8_t>;
constexpr uint64_t kMostContent = 1u << 20;

BasePtr base_of(const Bytes& bytes) {
  return Base::of_file(std::make_shared<MemorySource>(bytes), "base");
}

Bytes weights(uint64_t seed) { return make_weights(ElementType::bf16, 6000, 0.02, seed); }
const Bytes& base_bytes() {
  static const Bytes bytes = make_safetensors({{"w", "BF16", weights(1), 16}});
  return bytes;
}

std::vector<Bytes> make_samples() {
  std::vector<Bytes> out;
  CompressOptions o;
  o.threads = 1;
  const auto add = [&](const std::vector<NamedFile>& files) {
    out.push_back(make_archive(files, o));
  };
  add({{"", Bytes(300, 'x'), 0644, true}});
  add({{"empty", {}}});
  add({{"text", make_text(400, 1)}, {"d/noise", make_random(100, 2)}, {"zeros", Bytes(70'000)}});
  add({{"words", make_text(1200, 3)}});
  add({{"long", make_text(20'000, 4)}});  // with a model
  const Bytes small = make_safetensors(
      {{"w", "BF16", make_weights(ElementType::bf16, 500, 1, 5), 16}, {"n", "F32", Bytes(64), 32}});
  add({{"m.safetensors", small}, {"t", make_text(100, 6)}});
  add({{"exact", make_safetensors({{"m", "F32", special_floats(ElementType::f32, 800, 6), 32}})}});
  Bytes two = out[2];
  two.insert(two.end(), out[0].begin(), out[0].end());
  out.push_back(two);
  const Bytes twin = make_random(4096, 7);
  const Bytes tied = make_safetensors({{"a", "U8", twin, 8}, {"b", "U8", twin, 8}});
  add({{"tied", tied}});
  add({{"zeros",
        make_safetensors({{"a", "I16", Bytes(4096), 16}, {"b", "I16", Bytes(4096), 16}})}});
  o.fast = true;
  add({{"m.safetensors", small}});
  o.fast = false;
  o.base = base_of(base_bytes());
  Bytes step = base_bytes();
  add({{"w", step}});
  for (size_t i = step.size() - 5000; i < step.size(); i += 2) step[i] ^= i % 8 == 0;
  add({{"w", step}});
  for (size_t i = step.size() - 3000; i < step.size(); i += 100) step[i] ^= 3;
  add({{"w", step}, {"t", make_text(100, 8)}});
  return out;
}

template <class F>
void attempt(F f) {
  try {
    f();
  } catch (const Error& e) {
    if (e.code() == ErrorCode::internal) std::abort();
  }
}
}  // namespace
}  // namespace gramzip::test

extern "C" size_t LLVMFuzzerCustomMutator(uint8_t* data, size_t size, size_t most, unsigned seed) {
  static const auto samples = gramzip::test::make_samples();
  size = gramzip::test::mutate_samples(samples, data, size, most, seed);
  if (seed / 16 % 4 != 0) gramzip::test::reseal({data, size});
  return size;
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace gramzip;
  const std::vector<uint8_t> archive(data, data + size);
  static const auto cpu = make_cpu_backend();
  DecompressOptions options;
  options.threads = 1;
  options.backend = cpu.get();
  options.max_output = test::kMostContent;
  static const BasePtr base = test::base_of(test::base_bytes());
  options.find_base = [](const frame::ContentId& id) { return id == base->id() ? base : nullptr; };
  test::attempt([&] { test::open_archive(archive, options); });
  test::attempt([&] {
    ArchiveReader reader(std::make_shared<test::MemorySource>(archive));
    test::MemorySink out;
    reader.read(0, std::min(reader.content_bytes(), test::kMostContent), out, options);
  });
  if (test::open_in_place(archive) == GRAMZIP_INTERNAL) std::abort();
  return 0;
}
