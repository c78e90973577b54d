// SPDX-License-Identifier: Apache-2.0
//
// Warp collectives: which lanes wait for which, and what each gets.
#include "simt/block.h"
#include "simt/checker.h"

namespace simt {
namespace {

// Calls f for each lane of the mask that exists and has not returned.
template <class F>
void for_each_lane(Block& block, unsigned warp, unsigned mask, F f) {
  for (unsigned m = mask & block.alive[warp]; m; m &= m - 1) {
    f(block.fibers[warp * kWarpSize + unsigned(__builtin_ctz(m))]);
  }
}

// What the participating lanes brought.
struct Votes {
  unsigned present = 0;  // lanes
  unsigned nonzero = 0;  // of them those with a value other than 0
  uint64_t value[kWarpSize];
  uint32_t reduced = 0;
  bool all_equal = true;
};

uint32_t reduce(WarpOp op, uint32_t a, uint32_t b) {
  switch (op) {
    case WarpOp::kReduceAdd:
      return a + b;
    case WarpOp::kReduceMinUnsigned:
      return b < a ? b : a;
    case WarpOp::kReduceMaxUnsigned:
      return b > a ? b : a;
    case WarpOp::kReduceMinSigned:
      return int32_t(b) < int32_t(a) ? b : a;
    case WarpOp::kReduceMaxSigned:
      return int32_t(b) > int32_t(a) ? b : a;
    case WarpOp::kReduceAnd:
      return a & b;
    case WarpOp::kReduceOr:
      return a | b;
    case WarpOp::kReduceXor:
      return a ^ b;
    default:
      return 0;
  }
}

void collect(const Fiber& f, Votes& votes) {
  const uint64_t value = f.request->value;
  const uint64_t first = votes.present ? votes.value[__builtin_ctz(votes.present)] : value;
  votes.all_equal &= value == first;
  votes.reduced =
      votes.present ? reduce(f.request->op, votes.reduced, uint32_t(value)) : uint32_t(value);
  votes.value[f.lane] = value;
  votes.present |= 1u << f.lane;
  if (value) votes.nonzero |= 1u << f.lane;
}

int shuffle_source(const WarpRequest& r, int lane) {
  const int segment = lane & ~(r.width - 1);
  switch (r.op) {
    case WarpOp::kShuffle:
      return segment | (r.argument & (r.width - 1));
    case WarpOp::kShuffleUp:
      return lane - r.argument < segment ? lane : lane - r.argument;
    case WarpOp::kShuffleDown:
      return lane + r.argument >= segment + r.width ? lane : lane + r.argument;
    default:
      return (lane ^ r.argument) >= segment + r.width ? lane : lane ^ r.argument;
  }
}

uint64_t result_of(const WarpRequest& r, int lane, const Votes& votes) {
  switch (r.op) {
    case WarpOp::kSync:
      return 0;
    case WarpOp::kShuffle:
    case WarpOp::kShuffleUp:
    case WarpOp::kShuffleDown:
    case WarpOp::kShuffleXor: {
      const int source = shuffle_source(r, lane) & (kWarpSize - 1);
      if (votes.present >> source & 1) return votes.value[source];
      // Undefined by CUDA: the source does not take part.
      return 0xdeadbeefdeadbeefull ^ votes.value[lane];
    }
    case WarpOp::kBallot:
      return votes.nonzero;
    case WarpOp::kAny:
      return votes.nonzero != 0;
    case WarpOp::kAll:
      return votes.nonzero == votes.present;
    case WarpOp::kMatchAny: {
      unsigned peers = 0;
      for (int i = 0; i < kWarpSize; ++i) {
        if ((votes.present >> i & 1) && votes.value[i] == votes.value[lane]) peers |= 1u << i;
      }
      return peers;
    }
    case WarpOp::kMatchAll:
      return votes.all_equal ? votes.present : 0;
    default:
      return votes.reduced;
  }
}

// Completes the collective of `mask` if all its live lanes have arrived with that mask.
void try_complete(Block& block, unsigned warp, unsigned mask) {
  if ((block.in_warp_op[warp] & mask) != (block.alive[warp] & mask)) return;
  const Fiber* first = nullptr;
  bool complete = true;
  for_each_lane(block, warp, mask, [&](const Fiber& f) {
    if (f.request->mask != mask) complete = false;
    if (!first) first = &f;
  });
  if (!complete || !first) return;

  Votes votes;
  for_each_lane(block, warp, mask, [&](const Fiber& f) {
    const WarpRequest& a = *first->request;
    const WarpRequest& b = *f.request;
    if (a.op != b.op) {
      fail_block(block,
                 "warp divergence: lane %u is in %s at %s:%u while lane %u is in %s at %s:%u",
                 unsigned(first->lane), name_of(a.op), a.at->file_name(), unsigned(a.at->line()),
                 unsigned(f.lane), name_of(b.op), b.at->file_name(), unsigned(b.at->line()));
    }
    collect(f, votes);
  });
  if (first->request->op == WarpOp::kSync) {
    checker_sync_warp(&block.fibers[warp * kWarpSize], votes.present);
  }
  for_each_lane(block, warp, mask, [&](Fiber& f) {
    f.request->result = result_of(*f.request, f.lane, votes);
    f.request = nullptr;
  });
  block.in_warp_op[warp] &= ~mask;
  ++block.progress;
  for_each_lane(block, warp, mask, [&](Fiber& f) { make_ready(block, f); });
}

}  // namespace

void warp_collective(WarpRequest& request) {
  Block* block = running_block();
  if (!block) fail("%s outside a kernel", name_of(request.op));
  const EmulatorScope scope(*block);
  Fiber& f = *block->current;
  if (!(request.mask >> f.lane & 1)) {
    fail_block(*block, "%s at %s:%u: calling lane %u is not in mask %08x", name_of(request.op),
               request.at->file_name(), unsigned(request.at->line()), unsigned(f.lane),
               request.mask);
  }
  const int width = request.width;
  if (width < 1 || width > kWarpSize || (width & (width - 1))) {
    fail_block(*block, "%s at %s:%u: width %d is not a power of two up to 32", name_of(request.op),
               request.at->file_name(), unsigned(request.at->line()), width);
  }
  f.request = &request;
  f.state = State::kInWarpOp;
  block->in_warp_op[f.warp] |= 1u << f.lane;
  try_complete(*block, f.warp, request.mask);
  wait_current(*block);
}

void complete_without(Block& block, const Fiber& returned) {
  const unsigned warp = returned.warp;
  for (unsigned m = block.in_warp_op[warp]; m; m &= m - 1) {
    const Fiber& other = block.fibers[warp * kWarpSize + unsigned(__builtin_ctz(m))];
    if (other.state == State::kInWarpOp) try_complete(block, warp, other.request->mask);
  }
}

const char* name_of(WarpOp op) {
  switch (op) {
    case WarpOp::kSync:
      return "__syncwarp";
    case WarpOp::kShuffle:
      return "__shfl_sync";
    case WarpOp::kShuffleUp:
      return "__shfl_up_sync";
    case WarpOp::kShuffleDown:
      return "__shfl_down_sync";
    case WarpOp::kShuffleXor:
      return "__shfl_xor_sync";
    case WarpOp::kBallot:
      return "__ballot_sync";
    case WarpOp::kAny:
      return "__any_sync";
    case WarpOp::kAll:
      return "__all_sync";
    case WarpOp::kMatchAny:
      return "__match_any_sync";
    case WarpOp::kMatchAll:
      return "__match_all_sync";
    case WarpOp::kReduceAdd:
      return "__reduce_add_sync";
    case WarpOp::kReduceMinUnsigned:
    case WarpOp::kReduceMinSigned:
      return "__reduce_min_sync";
    case WarpOp::kReduceMaxUnsigned:
    case WarpOp::kReduceMaxSigned:
      return "__reduce_max_sync";
    case WarpOp::kReduceAnd:
      return "__reduce_and_sync";
    case WarpOp::kReduceOr:
      return "__reduce_or_sync";
    case WarpOp::kReduceXor:
      return "__reduce_xor_sync";
  }
  return "?";
}

}  // namespace simt
