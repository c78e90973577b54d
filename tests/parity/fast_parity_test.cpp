// SPDX-License-Identifier: Apache-2.0
// The kernel of fast floats and the CPU's loops: the same statuses and bytes of good and of damaged
// blocks.
#include <algorithm>
#include <random>

#include "gramzip/core/plan.h"
#include "host/base/checksum.h"
#include "tests/parity/device.h"
#include "tests/registry/cases.h"
#include "tests/registry/segments.h"

namespace gramzip {
TEST(FastParity, DamagedBlocksGetTheSameStatus) {
  GRAMZIP_DEVICE_OR_SKIP(device);
  const auto cpu = make_cpu_backend();
  constexpr ElementType kTypes[] = {ElementType::bf16, ElementType::f16, ElementType::f32,
                                    ElementType::f8_e4m3, ElementType::f8_e5m2};
  size_t seen[5] = {};
  test::for_schedules(4, [&](int seed) {
    std::mt19937_64 g(static_cast<uint64_t>(seed) + 9);
    for (int i = 0; i < 150; ++i) {
      const ElementType type = kTypes[g() % 5];
      // Every fifth has classes.
      const size_t bytes =
          (i % 5 == 0 ? 17'000 + g() % 2000 : 600 + g() % 3000) * element_info(type).bytes;
      EncodedSegment s = test::encode_segment(
          *cpu,
          {"fast", type, test::make_weights(type, bytes, i % 2 == 0 ? 0.02 : 0.5, g()), 0, true});
      BlockRecord& r = s.records[0];
      const uint32_t at =
          plan_block(s.header.block_bytes(0), s.header.split(), s.header.tables).lanes_at;
      if (r.mode != BlockMode::coded) continue;
      switch (g() % 6) {
        case 0:  // a bit anywhere
          s.data[g() % r.coded_bytes] ^= static_cast<uint8_t>(1u << (g() % 8));
          break;
        case 1:  // number of exceptions, exceptions, first words
          s.data[at + g() % std::min(r.coded_bytes - at, 64u)] ^=
              static_cast<uint8_t>(1u << (g() % 8));
          break;
        case 2:  // the last words
          s.data[r.coded_bytes - 1 - g() % 64] ^= static_cast<uint8_t>(1u << (g() % 8));
          break;
        case 3:  // fewer words
          r.coded_bytes -=
              std::min<uint32_t>(static_cast<uint32_t>(g() % 5 * 16 + g() % 5), r.coded_bytes - at);
          break;
        case 4:  // padding before the exceptions
          s.data[at - 1 - g() % 32] |= 0x80;
          break;
        default:  // as it should be
          break;
      }
      s.data.resize(round_up(r.coded_bytes, kBlockAlign));
      std::fill(s.data.begin() + r.coded_bytes, s.data.end(), uint8_t{0});
      r.coded_hash = hash64({s.data.data(), r.coded_bytes});
      const test::Decoded a = test::decode_segment(*cpu, s), b = test::decode_segment(*device, s);
      ASSERT_EQ(a.status, b.status) << i << ", seed " << seed;
      ++seen[static_cast<size_t>(a.status[0])];
      if (a.status[0] == BlockStatus::ok || a.status[0] == BlockStatus::bad_decoded_hash)
        ASSERT_TRUE(a.content == b.content) << i << ", seed " << seed;
    }
  });
  for (const BlockStatus s : {BlockStatus::ok, BlockStatus::bad_block, BlockStatus::bad_stream})
    EXPECT_GT(seen[static_cast<size_t>(s)], 5u) << block_status_text(s);
}
}  // namespace gramzip
