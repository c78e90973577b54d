// SPDX-License-Identifier: Apache-2.0
//
// The real CUB block and warp collectives on the host.
//
// CUB's headers compile here once its few helpers with inline PTX are replaced.  Each is renamed by
// a macro while its header is included, then defined again under its own name; the renamed original
// is never called.  Tied to the helper names of CCCL 3.0.
#pragma once

#include <cuda/std/version>

#if CCCL_MAJOR_VERSION != 3
#error "cub_host.h replaces helpers of CCCL 3.x; check them against this version"
#endif

// These must see the true names.
#include <cuda/functional>
#include <cuda/std/bit>
#include <cuda/std/functional>
#include <cuda/std/iterator>
#include <cuda/std/type_traits>

#include "simt/emu.h"

// clang-format off: the order of the includes and macros below is the method.

// Special registers.
#define get_sreg_laneid get_sreg_laneid_ptx
#define get_sreg_lanemask_le get_sreg_lanemask_le_ptx
#define get_sreg_lanemask_lt get_sreg_lanemask_lt_ptx
#define get_sreg_lanemask_ge get_sreg_lanemask_ge_ptx
#define get_sreg_lanemask_gt get_sreg_lanemask_gt_ptx
#include <cuda/ptx>
#undef get_sreg_laneid
#undef get_sreg_lanemask_le
#undef get_sreg_lanemask_lt
#undef get_sreg_lanemask_ge
#undef get_sreg_lanemask_gt

namespace cuda::ptx {
inline uint32_t get_sreg_laneid() { return simt::lane(); }
inline uint32_t get_sreg_lanemask_lt() { return (1u << simt::lane()) - 1u; }
inline uint32_t get_sreg_lanemask_le() { return (2u << simt::lane()) - 1u; }
inline uint32_t get_sreg_lanemask_gt() { return ~get_sreg_lanemask_le(); }
inline uint32_t get_sreg_lanemask_ge() { return ~get_sreg_lanemask_lt(); }
}  // namespace cuda::ptx

// Shuffles, match and shifts.
#define ShuffleUp ShuffleUp_ptx
#define ShuffleDown ShuffleDown_ptx
#define MatchAny MatchAny_ptx
#define BFE BFE_ptx
#define LogicShiftLeft LogicShiftLeft_ptx
#define LogicShiftRight LogicShiftRight_ptx
#define warp_matcher_t warp_matcher_t_ptx
#include <cub/util_ptx.cuh>
#undef ShuffleUp
#undef ShuffleDown
#undef MatchAny
#undef BFE
#undef LogicShiftLeft
#undef LogicShiftRight
#undef warp_matcher_t

CUB_NAMESPACE_BEGIN
namespace detail {

inline uint32_t LogicShiftLeft(uint32_t value, uint32_t shift) {
  return shift >= 32 ? 0u : value << shift;
}
inline uint32_t LogicShiftRight(uint32_t value, uint32_t shift) {
  return shift >= 32 ? 0u : value >> shift;
}

template <int LabelBits, int ActiveThreads>
struct warp_matcher_t {
  static unsigned match_any(unsigned label) {
    const unsigned members = ActiveThreads == 32 ? ~0u : (1u << (ActiveThreads & 31)) - 1u;
    return __match_any_sync(members, label & ((1u << LabelBits) - 1u));
  }
};

// Shuffles a value of any size word by word.
template <class T>
T shuffle_words(unsigned mask, T value, int source) {
  constexpr size_t kWords = (sizeof(T) + 3) / 4;
  uint32_t words[kWords] = {};
  std::memcpy(words, &value, sizeof value);
  for (uint32_t& word : words) word = __shfl_sync(mask, word, source);
  std::memcpy(&value, words, sizeof value);
  return value;
}

}  // namespace detail

// A source outside [first, last] of the segment means the lane's own value, as with shfl.up/down.
template <int Width, class T>
T ShuffleUp(T value, int offset, int first, unsigned mask) {
  const int lane = int(simt::lane());
  const int segment = lane & ~(Width - 1);
  const int lowest = segment + (first & (Width - 1));
  return detail::shuffle_words(mask, value, lane - offset < lowest ? lane : lane - offset);
}
template <int Width, class T>
T ShuffleDown(T value, int offset, int last, unsigned mask) {
  const int lane = int(simt::lane());
  const int segment = lane & ~(Width - 1);
  const int highest = segment + (last & (Width - 1));
  return detail::shuffle_words(mask, value, lane + offset > highest ? lane : lane + offset);
}

template <int LabelBits, int ActiveThreads = 32>
unsigned MatchAny(unsigned label) {
  return detail::warp_matcher_t<LabelBits, ActiveThreads>::match_any(label);
}

template <class Unsigned>
unsigned BFE(Unsigned source, unsigned start, unsigned bits) {
  return unsigned((uint64_t(source) >> start) & ((1ull << bits) - 1));
}
CUB_NAMESPACE_END

// Loads and stores with cache modifiers.
#define ThreadLoad ThreadLoad_ptx
#define ThreadStore ThreadStore_ptx
#include <cub/thread/thread_load.cuh>
#include <cub/thread/thread_store.cuh>
#undef ThreadLoad
#undef ThreadStore

CUB_NAMESPACE_BEGIN
template <CacheLoadModifier, class Iterator>
auto ThreadLoad(Iterator from) {
  return typename ::cuda::std::iterator_traits<Iterator>::value_type(*from);
}
template <CacheStoreModifier, class Iterator, class T>
void ThreadStore(Iterator to, T value) {
  *to = value;
}
CUB_NAMESPACE_END

// The warp scan and reduction have PTX overloads for ::cuda::std::plus that shuffle and add at
// once.  Renaming plus in their signatures makes them match no call; the generic overload remains.
#include <cub/thread/thread_operators.cuh>
#include <cub/thread/thread_reduce.cuh>
namespace cuda::std {
template <class T = void>
struct simt_matches_nothing {};
}  // namespace cuda::std
#define plus simt_matches_nothing
#include <cub/warp/specializations/warp_reduce_shfl.cuh>
#include <cub/warp/specializations/warp_scan_shfl.cuh>
#undef plus
// clang-format on

#include <cub/block/block_exchange.cuh>
#include <cub/block/block_load.cuh>
#include <cub/block/block_radix_sort.cuh>
#include <cub/block/block_reduce.cuh>
#include <cub/block/block_run_length_decode.cuh>
#include <cub/block/block_scan.cuh>
#include <cub/block/block_store.cuh>
#include <cub/warp/warp_reduce.cuh>
#include <cub/warp/warp_scan.cuh>
