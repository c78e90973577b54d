// SPDX-License-Identifier: Apache-2.0
// Counts n-grams: a table a CTA in shared memory, then one in global memory.
//
//   content:  | piece | piece | ...                       a CTA a piece, a thread every position
//   shared:   slots [2^s] u64 | counts [2^s] u32          frequent n-grams of the piece
//   global:   slots [2^l] u64 | counts [2^l] u64          all; the workspace
//   cells:    | id, count | id, count | ...               the used slots, packed together
//
// A slot is claimed by one compare-and-swap and never changes then: it holds the n-gram's key, or
// where it stands in the content, which is constant. So no fence is needed: who sees a slot sees
// the n-gram. Bytes decide, the hash only finds. Sums have no order; which occurrence stands for an
// n-gram and where it lies in the cells depends on the schedule, the set of counts does not.
#include "kernels/ngram_count.h"

#include "kernels/common/batch.h"
#include "kernels/common/ngram_gram.h"

namespace gramzip::kernels {
namespace {
// The slot of an n-gram, claimed if need be; `size` if `probes` slots belong to others. Slots are
// read before they are claimed: most n-grams are there already.
template <class Grams>
__device__ uint64_t find_slot(const Grams& grams, Word64* slots, uint64_t size, uint32_t probes,
                              const Gram& gram) {
  uint64_t i = gram.hash & (size - 1);
  for (uint32_t k = 0; k < probes; ++k, i = (i + 1) & (size - 1)) {
    Word64 seen = *static_cast<volatile Word64*>(&slots[i]);
    if (seen == 0) seen = atomicCAS(&slots[i], Word64{0}, gram.slot);
    if (seen == 0 || grams.same(seen, gram.slot)) return i;
  }
  return size;
}

struct GlobalTable {
  Word64* slots;
  Word64* counts;
  uint64_t size;
  uint32_t probes;
  NgramStatus* status;

  template <class Grams>
  __device__ void add(const Grams& grams, const Gram& gram, Word64 count) const {
    const uint64_t i = find_slot(grams, slots, size, probes, gram);
    if (i < size)
      atomicAdd(&counts[i], count);
    else
      atomicOr(&status->overflow, 1u);
  }
};

template <class Grams>
__global__ void count_kernel(Grams grams, const NgramPiece* pieces, GlobalTable table,
                             uint32_t shared_slots, uint32_t shared_probes) {
  GRAMZIP_DYN_SHARED(Word64, slots);
  auto* counts = reinterpret_cast<uint32_t*>(slots + shared_slots);
  for (uint32_t i = threadIdx.x; i < shared_slots; i += blockDim.x) {
    slots[i] = 0;
    counts[i] = 0;
  }
  __syncthreads();

  const NgramPiece piece = pieces[blockIdx.x];
  for (uint64_t at = piece.from + threadIdx.x; at < piece.to; at += blockDim.x) {
    if (!grams.starts(piece, at)) continue;
    const Gram gram = grams.at(piece.end, at);
    if (gram.slot == 0) {
      if constexpr (Grams::kPacked)
        atomicAdd(&table.status->all_ones, Word64{1});
      else if (gram.hash != 0)
        atomicOr(&table.status->overflow, 1u);
      continue;
    }
    const uint64_t i = find_slot(grams, slots, shared_slots, shared_probes, gram);
    if (i < shared_slots)
      atomicAdd(&counts[i], 1u);
    else
      table.add(grams, gram, 1);
  }
  __syncthreads();

  for (uint32_t i = threadIdx.x; i < shared_slots; i += blockDim.x)
    if (counts[i] > 0) table.add(grams, grams.of_slot(slots[i]), counts[i]);
}

// Packs the used slots together: a ballot gives the lanes their places, one atomic a warp.
template <class Grams>
__global__ void pack_kernel(Grams grams, GlobalTable table, NgramCell* cells, uint64_t room) {
  const uint64_t i = uint64_t{blockIdx.x} * blockDim.x + threadIdx.x;
  const uint32_t lane = threadIdx.x % kWarp;
  const Word64 slot = i < table.size ? table.slots[i] : 0;
  const uint32_t used = __ballot_sync(kAllLanes, slot != 0);
  Word64 at = 0;
  if (lane == 0 && used != 0)
    at = atomicAdd(&table.status->cells, static_cast<Word64>(__popc(used)));
  at = __shfl_sync(kAllLanes, at, 0) + __popc(used & ((1u << lane) - 1));
  if (slot == 0) return;
  if (at < room)
    cells[at] = {grams.id(slot), table.counts[i]};
  else
    atomicOr(&table.status->overflow, 1u);
}

template <class Grams>
cudaError_t run(const Grams& grams, const NgramPiece* pieces, uint32_t count,
                const GlobalTable& table, NgramCell* cells, uint32_t log2,
                const NgramTuning& tuning, cudaStream_t stream) {
  const uint32_t shared = 1u << tuning.shared_log2;
  cudaError_t status =
      launch(Launch{dim3(count), dim3(tuning.threads), shared * (sizeof(Word64) + sizeof(uint32_t)),
                    stream},
             count_kernel<Grams>, grams, pieces, table, shared, tuning.shared_probes);
  if (status != cudaSuccess) return status;
  const auto blocks = static_cast<uint32_t>(ceil_div(table.size, tuning.threads));
  return launch(Launch{dim3(blocks), dim3(tuning.threads), 0, stream}, pack_kernel<Grams>, grams,
                table, cells, ngram_cells(log2));
}
}  // namespace

cudaError_t ngram_count(void* workspace, size_t& workspace_bytes, const uint8_t* content,
                        const NgramPiece* pieces, uint32_t count, const NgramSpec& spec,
                        NgramCell* cells, NgramStatus* status, uint32_t log2,
                        const NgramTuning& tuning, cudaStream_t stream) {
  const uint64_t size = uint64_t{1} << log2;
  if (workspace == nullptr) {
    workspace_bytes = 2 * sizeof(Word64) * size;
    return cudaSuccess;
  }
  if (workspace_bytes < 2 * sizeof(Word64) * size) return cudaErrorInvalidValue;
  cudaError_t error = cudaMemsetAsync(status, 0, sizeof(NgramStatus), stream);
  if (error != cudaSuccess || count == 0) return error;
  error = cudaMemsetAsync(workspace, 0, 2 * sizeof(Word64) * size, stream);
  if (error != cudaSuccess) return error;
  auto* slots = static_cast<Word64*>(workspace);
  const GlobalTable table{slots, slots + size, size, tuning.probes, status};
  if (spec.packed())
    return run(PackedGrams{content, spec.n}, pieces, count, table, cells, log2, tuning, stream);
  if (spec.unit == NgramUnit::bytes)
    return run(LongGrams{content, spec.n}, pieces, count, table, cells, log2, tuning, stream);
  return run(WordGrams{content, spec.n, spec.lower}, pieces, count, table, cells, log2, tuning,
             stream);
}
}  // namespace gramzip::kernels
