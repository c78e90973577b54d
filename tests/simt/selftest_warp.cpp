// SPDX-License-Identifier: Apache-2.0
//
// Tests of warp collectives and intrinsics.
#include "simt/selftest.h"

namespace simt::selftest {
namespace {

constexpr unsigned kAll = 0xffffffffu;

enum Kind { kIndex, kUp, kDown, kXor };

__global__ void shuffle(Kind kind, int argument, int width, int* out) {
  const int value = 100 + int(threadIdx.x);
  int got = 0;
  if (kind == kIndex) got = __shfl_sync(kAll, value, argument, width);
  if (kind == kUp) got = __shfl_up_sync(kAll, value, unsigned(argument), width);
  if (kind == kDown) got = __shfl_down_sync(kAll, value, unsigned(argument), width);
  if (kind == kXor) got = __shfl_xor_sync(kAll, value, argument, width);
  out[threadIdx.x] = got;
}

// From the table of shfl.sync in the PTX manual: the source is clamped to the segment, except that
// xor may read an earlier one.
int expected_source(Kind kind, int lane, int argument, int width) {
  const int first = lane / width * width;
  const int last = first + width - 1;
  switch (kind) {
    case kIndex:
      return first + argument % width;
    case kUp:
      return lane - argument >= first ? lane - argument : lane;
    case kDown:
      return lane + argument <= last ? lane + argument : lane;
    default:
      return (lane ^ argument) <= last ? (lane ^ argument) : lane;
  }
}

TEST(Shuffle, EveryKindAndWidth) {
  for (const uint64_t seed : {0, 1, 2}) {
    options().seed = seed;
    for (const Kind kind : {kIndex, kUp, kDown, kXor}) {
      for (int width = 1; width <= 32; width *= 2) {
        for (const int argument : {0, 1, 2, 5, 16, 31}) {
          Buffer<int> out(32);
          ASSERT_EQ(launch({1, 32}, shuffle, kind, argument, width, out.data()), cudaSuccess);
          const std::vector<int> got = out.values();
          for (int lane = 0; lane < 32; ++lane) {
            ASSERT_EQ(got[size_t(lane)], 100 + expected_source(kind, lane, argument, width))
                << "kind " << kind << " width " << width << " argument " << argument << " lane "
                << lane;
          }
        }
      }
    }
  }
  options() = Options();
}

TEST(Shuffle, BadWidthIsAnError) {
  Buffer<int> out(32);
  EXPECT_TRUE(mentions(error_of({1, 32}, shuffle, kIndex, 0, 12, out.data()), "power of two"));
  EXPECT_TRUE(mentions(error_of({1, 32}, shuffle, kIndex, 0, 64, out.data()), "power of two"));
}

__global__ void shuffle_wide(double* out) {
  out[threadIdx.x] = __shfl_xor_sync(kAll, 1.5 * threadIdx.x, 1);
}

TEST(Shuffle, EightByteValues) {
  Buffer<double> out(32);
  ASSERT_EQ(launch({1, 32}, shuffle_wide, out.data()), cudaSuccess);
  for (unsigned i = 0; i < 32; ++i) EXPECT_EQ(out.values()[i], 1.5 * (i ^ 1));
}

__global__ void not_in_mask(int* out) { out[threadIdx.x] = __shfl_sync(1u, 1, 0); }

TEST(Warp, CallerMustBeInTheMask) {
  Buffer<int> out(32);
  at_seeds([&] {
    EXPECT_TRUE(mentions(error_of({1, 32}, not_in_mask, out.data()), "is not in mask 00000001"));
  });
}

__global__ void different_collectives(unsigned* out) {
  if (threadIdx.x < 16) {
    out[threadIdx.x] = __ballot_sync(kAll, 1);
  } else {
    out[threadIdx.x] = __reduce_add_sync(kAll, 1u);
  }
}

TEST(Warp, LanesMustMeetInTheSameCollective) {
  Buffer<unsigned> out(32);
  EXPECT_TRUE(mentions(error_of({1, 32}, different_collectives, out.data()), "warp divergence"));
}

// Even and odd lanes work apart, each half with its own mask.
__global__ void vote(unsigned* out) {
  const unsigned mask = threadIdx.x % 2 ? 0xaaaaaaaau : 0x55555555u;
  const int value = int(threadIdx.x) - 8;
  int all_match = 0;
  unsigned* mine = out + threadIdx.x * 12;
  mine[0] = __ballot_sync(mask, threadIdx.x < 10);
  mine[1] = unsigned(__any_sync(mask, threadIdx.x == 4));
  mine[2] = unsigned(__all_sync(mask, threadIdx.x % 2 == 0));
  mine[3] = __match_any_sync(mask, int(threadIdx.x / 8));
  mine[4] = __match_all_sync(mask, int(threadIdx.x % 2), &all_match);
  mine[5] = unsigned(all_match);
  mine[6] = unsigned(__reduce_add_sync(mask, value));
  mine[7] = unsigned(__reduce_min_sync(mask, value));
  mine[8] = __reduce_max_sync(mask, unsigned(value));
  mine[9] = __reduce_or_sync(mask, threadIdx.x);
  mine[10] = __reduce_and_sync(mask, threadIdx.x);
  mine[11] = __reduce_xor_sync(mask, 1u << threadIdx.x);
}

TEST(Warp, VotesMatchesAndReductions) {
  at_seeds([] {
    Buffer<unsigned> out(32 * 12);
    ASSERT_EQ(launch({1, 32}, vote, out.data()), cudaSuccess);
    const std::vector<unsigned> got = out.values();
    for (unsigned lane = 0; lane < 32; ++lane) {
      const unsigned odd = lane % 2;
      const unsigned mask = odd ? 0xaaaaaaaau : 0x55555555u;
      const unsigned* g = &got[lane * 12];
      EXPECT_EQ(g[0], mask & 0x3ffu);
      EXPECT_EQ(g[1], odd ? 0u : 1u);
      EXPECT_EQ(g[2], odd ? 0u : 1u);
      EXPECT_EQ(g[3], mask & (0xffu << (lane / 8 * 8)));
      EXPECT_EQ(g[4], mask);
      EXPECT_EQ(g[5], 1u);
      EXPECT_EQ(int(g[6]), odd ? 256 - 128 : 240 - 128);
      EXPECT_EQ(int(g[7]), odd ? -7 : -8);
      EXPECT_EQ(g[8], odd ? unsigned(-1) : unsigned(-2));
      EXPECT_EQ(g[9], odd ? 31u : 30u);
      EXPECT_EQ(g[10], odd);
      EXPECT_EQ(g[11], mask);
    }
  });
}

__global__ void ballot_tail(unsigned* out) {
  if (threadIdx.x >= 40) return;
  out[threadIdx.x] = __ballot_sync(kAll, 1);
}

TEST(Warp, LanesThatDoNotExistOrHaveReturnedDoNotCount) {
  at_seeds([] {
    Buffer<unsigned> out(40);
    ASSERT_EQ(launch({1, 64}, ballot_tail, out.data()), cudaSuccess);
    for (unsigned i = 0; i < 40; ++i) EXPECT_EQ(out.values()[i], i < 32 ? kAll : 0xffu);
    ASSERT_EQ(launch({1, 37}, ballot_tail, out.data()), cudaSuccess);
    EXPECT_EQ(out.values()[36], 0x1fu);
  });
}

TEST(Intrinsics, Integers) {
  EXPECT_EQ(__popc(0xf0f0u), 8);
  EXPECT_EQ(__clz(0), 32);
  EXPECT_EQ(__clz(1), 31);
  EXPECT_EQ(__clzll(-1), 0);
  EXPECT_EQ(__ffs(0), 0);
  EXPECT_EQ(__ffs(8), 4);
  EXPECT_EQ(__brev(1u), 0x80000000u);
  EXPECT_EQ(__brevll(1ull), 1ull << 63);
  EXPECT_EQ(__funnelshift_l(0x80000000u, 1u, 1), 3u);
  EXPECT_EQ(__funnelshift_l(5u, 6u, 32), 6u);
  EXPECT_EQ(__funnelshift_lc(5u, 6u, 40), 5u);
  EXPECT_EQ(__funnelshift_r(2u, 1u, 1), 0x80000001u);
  EXPECT_EQ(__funnelshift_rc(5u, 6u, 32), 6u);
  EXPECT_EQ(__byte_perm(0x33221100u, 0x77665544u, 0x7052u), 0x77005522u);
  EXPECT_EQ(__byte_perm(0x80u, 0u, 0x0008u), 0x808080ffu);
  EXPECT_EQ(__umulhi(0xffffffffu, 0xffffffffu), 0xfffffffeu);
  EXPECT_EQ(__umul64hi(~0ull, ~0ull), ~0ull - 1);
  EXPECT_EQ(__dp4a(0x01020304u, 0x01010101u, 5u), 15u);
  EXPECT_EQ(__vcmpeq4(0x01020304u, 0x01ff0300u), 0xff00ff00u);
  EXPECT_EQ(__vmaxu2(0x0001ffffu, 0x00020000u), 0x0002ffffu);
  EXPECT_EQ(::min(-1, 1u), 1u);
  EXPECT_EQ(::max(2, 3), 3);
}

TEST(Intrinsics, FloatsConvertAsOnTheGpu) {
  const float nan = std::nanf("");
  EXPECT_EQ(__float2int_rn(2.5f), 2);
  EXPECT_EQ(__float2int_rn(3.5f), 4);
  EXPECT_EQ(__float2int_rz(-2.7f), -2);
  EXPECT_EQ(__float2int_rd(-2.2f), -3);
  EXPECT_EQ(__float2int_rn(3e9f), std::numeric_limits<int>::max());
  EXPECT_EQ(__float2int_rn(-3e9f), std::numeric_limits<int>::min());
  EXPECT_EQ(__float2int_rn(nan), 0);
  EXPECT_EQ(__float2uint_rn(-1.0f), 0u);
  EXPECT_EQ(__float2uint_rn(5e9f), 0xffffffffu);
  EXPECT_EQ(__float2ll_rn(nan), std::numeric_limits<long long>::min());
  EXPECT_EQ(__saturatef(nan), 0.0f);
  EXPECT_EQ(::max(nan, 1.0f), 1.0f);
  EXPECT_EQ(__float_as_uint(1.0f), 0x3f800000u);
}

}  // namespace
}  // namespace simt::selftest
