// SPDX-License-Identifier: Apache-2.0
// What kernels ask of global and shared memory, counted in the emulator, against the table of
// docs/kernels/traffic.csv: an access that is no longer coalesced, a new bank conflict or a second
// reading of the content shows here. GRAMZIP_TRAFFIC_TABLE=FILE writes a new table there.
#include <cmath>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <sstream>

#include "simt/traffic.h"
#include "tests/parity/device.h"
#include "tests/registry/cases.h"
#include "tests/registry/delta_cases.h"
#include "tests/registry/quant_cases.h"
#include "tests/registry/segments.h"
#include "tests/registry/text_segments.h"

namespace gramzip {
namespace {
constexpr double kTolerance = 0.05;  // of a count, for other compilers of the host
constexpr double kSlack = 16;        // and of small ones
const char* const kHeader =
    "case,kernel,loads,load_sectors,load_bytes,stores,store_sectors,store_bytes,atomics,"
    "atomic_sectors,shared_accesses,shared_passes";

using Counts = std::vector<double>;
using Table = std::map<std::string, Counts>;  // by "case,kernel"

Counts counts_of(const simt::Traffic& t) {
  Counts c;
  for (const uint64_t n :
       {t.loads.accesses, t.loads.sectors, t.loads.bytes, t.stores.accesses, t.stores.sectors,
        t.stores.bytes, t.atomics.accesses, t.atomics.sectors, t.shared_accesses, t.shared_passes})
    c.push_back(static_cast<double>(n));
  return c;
}

// Kernel names without namespaces and commas.
std::string plain(std::string name) {
  for (const char* part : {"gramzip::kernels::", "(anonymous namespace)::", "gramzip::"})
    for (size_t at; (at = name.find(part)) != std::string::npos;)
      name.erase(at, std::string(part).size());
  std::replace(name.begin(), name.end(), ',', ' ');
  return name;
}

void count(Table& table, const std::string& name, const std::function<void()>& run) {
  simt::options() = {};
  simt::options().preempt = 0;
  simt::options().count_traffic = true;
  simt::clear_traffic();
  run();
  for (const auto& [kernel, t] : simt::traffic()) table[name + "," + plain(kernel)] = counts_of(t);
  simt::options() = {};
}

void count_segment(Table& table, Backend& device, const test::SegmentCase& c) {
  EncodedSegment s;
  count(table, c.name + " encode", [&] { s = test::encode_segment(device, c); });
  count(table, c.name + " decode",
        [&] { EXPECT_EQ(test::decode_segment(device, s).content, c.content) << c.name; });
}

Table count_all(Backend& device) {
  Table table;
  constexpr size_t kBytes = 1 << 16;
  count_segment(table, device, {"bytes", ElementType::bytes, test::make_text(kBytes, 1)});
  const std::vector<uint8_t> bf16 = test::make_weights(ElementType::bf16, 2 * kBytes, 0.02, 2);
  count_segment(table, device, {"BF16", ElementType::bf16, bf16});
  count_segment(table, device,
                {"F32", ElementType::f32, test::make_weights(ElementType::f32, kBytes, 0.02, 3)});
  count_segment(table, device, {"fast BF16", ElementType::bf16, bf16, 0, true});
  count_segment(table, device,
                {"planes", ElementType::bytes, test::make_records(kBytes, 12, 4), 12});
  const test::SegmentCase special{"exact BF16", ElementType::bf16,
                                  test::special_floats(ElementType::bf16, kBytes, 5)};
  const EncodedSegment exact =
      test::encode_with_values(special, test::special_values(ElementType::bf16, 4), 2, 8, 4);
  count(table, "exact BF16 decode",
        [&] { EXPECT_EQ(test::decode_segment(device, exact).content, special.content); });

  test::DeltaCase delta{"delta BF16", ElementType::bf16, bf16, bf16};
  for (size_t i = 0; i < delta.content.size(); i += 2)
    delta.content[i] = static_cast<uint8_t>(delta.content[i] + i / 2 % 3);
  for (const Codec codec : {Codec::delta, Codec::sparse_delta}) {
    const std::string name = codec == Codec::delta ? "delta BF16" : "sparse delta BF16";
    const EncodedSegment s = test::encode_delta_as(codec, delta);
    count(table, name + " decode", [&] {
      EXPECT_EQ(test::decode_delta(device, s, delta.base).content, delta.content) << name;
    });
  }
  const test::TextSegment text = test::random_text_segment(test::random_model(7), 7, 3 << 14, 14);
  count(table, "text decode", [&] { test::decode_text(device, text); });

  const quant::Levels levels = test::uniform_levels(ElementType::bf16, 16);
  const test::QuantCase q{"quantized BF16", levels, 0,
                          test::draw_levels(levels, 0, kBytes / 2, {2, 0}, 6)};
  EncodedSegment s;
  count(table, "quantized BF16 encode", [&] { s = test::encode_quantized(device, q); });
  count(table, "quantized BF16 decode",
        [&] { EXPECT_EQ(test::decode_segment(device, s).content, q.content); });
  return table;
}

Table read_table(const std::string& path) {
  Table table;
  std::ifstream in(path);
  std::string line;
  std::getline(in, line);
  EXPECT_EQ(line, kHeader);
  while (std::getline(in, line)) {
    const size_t name_end = line.find(',', line.find(',') + 1);
    std::istringstream rest(line.substr(name_end + 1));
    Counts& c = table[line.substr(0, name_end)];
    for (std::string cell; std::getline(rest, cell, ',');) c.push_back(std::stod(cell));
  }
  return table;
}

void write_table(const std::string& path, const Table& table) {
  std::ofstream out(path);
  out << kHeader << "\n";
  for (const auto& [name, counts] : table) {
    out << name;
    for (const double n : counts) out << "," << static_cast<uint64_t>(n);
    out << "\n";
  }
}
}  // namespace

TEST(KernelTraffic, IsThatOfTheTable) {
  GRAMZIP_DEVICE_OR_SKIP(device);
  const Table now = count_all(*device);
  if (const char* path = std::getenv("GRAMZIP_TRAFFIC_TABLE")) write_table(path, now);
  Table then = read_table(GRAMZIP_TRAFFIC_CSV);
  for (const auto& [name, counts] : now) {
    ASSERT_TRUE(then.count(name)) << name << " is not in the table";
    ASSERT_EQ(counts.size(), then[name].size()) << name;
    for (size_t i = 0; i < counts.size(); ++i)
      EXPECT_NEAR(counts[i], then[name][i], kTolerance * then[name][i] + kSlack)
          << name << ", column " << i + 3 << " of " << kHeader;
    then.erase(name);
  }
  for (const auto& [name, counts] : then) ADD_FAILURE() << name << " is in the table alone";
}
}  // namespace gramzip
