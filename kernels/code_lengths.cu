// SPDX-License-Identifier: Apache-2.0
// Builds the canonical code of each alphabet.
//
//   counts[2^S]  ->  codes[2^S], which hold the sorted counts for now | shared: symbol of
//   rank[used]
//                ->  shared: package-merge workspace  ->  length of rank[used]
//                ->  lengths[2^S], codes[2^S]
//
// One CTA an alphabet. Every thread finds the ranks of its symbols by counting how many keys
// (count, symbol) are smaller: keys differ, so ranks are a permutation whatever the order of
// threads. In the same way it finds how many symbols of the same length come before its own, which
// is the code. In between one thread runs core/huffman's package-merge, 2 n L steps, while other
// alphabets use the SM. Alphabets of more than 1040 symbols are left to a second launch with more
// shared memory. Moves about 20 bytes a symbol of the alphabet, whatever the content's size.
#include "kernels/code_lengths.h"

#include "gramzip/core/huffman.h"

namespace gramzip::kernels {
namespace {
constexpr uint32_t kSmall = 1024 + kMaxExactValues;

template <uint32_t kSymbols>
struct Shared {
  union {
    uint32_t counts[kSymbols];  // until the ranks are known
    huffman::Workspace<kSymbols, kFloatCodeLimit> workspace;
  };
  uint16_t symbol[kSymbols];  // by rank
  uint8_t length[kSymbols];   // by rank
  uint8_t by_symbol[kSymbols];
  uint32_t used, first, end, bits;  // symbols with a count lie in [first, end)
  uint32_t per_length[kMaxSymbolBits + 1];
  huffman::Canonical canonical;
};
// Every device of compute capability 8 or more gives a CTA 99 KiB.
static_assert(sizeof(Shared<kMaxSymbols>) <= 99 << 10);

// One thread's part: lengths by rank, and where the codes of each length begin.
template <uint32_t kSymbols>
__device__ void choose_lengths(Shared<kSymbols>& s, const uint32_t* sorted, uint32_t limit) {
  huffman::package_merge(sorted, s.used, limit, s.workspace, s.length);
  for (uint32_t l = 0; l <= kMaxSymbolBits; ++l) s.per_length[l] = 0;
  for (uint32_t r = 0; r < s.used; ++r) ++s.per_length[s.length[r]];
  huffman::make_canonical(s.per_length, limit, s.used, s.canonical);
}

// Alphabets of `least` to kSymbols symbols.
template <uint32_t kSymbols>
__global__ void code_lengths_kernel(const Alphabet* alphabets, uint32_t least,
                                    const uint32_t* counts, uint8_t* lengths, uint32_t* codes,
                                    CodeSummary* summaries) {
  using State = Shared<kSymbols>;
  GRAMZIP_DYN_SHARED(State, s);
  const Alphabet a = alphabets[blockIdx.x];
  const uint32_t symbols = a.symbols;
  if (symbols < least || symbols > kSymbols) return;  // the whole CTA leaves
  counts += a.symbols_at;
  lengths += a.symbols_at;
  codes += a.symbols_at;
  if (threadIdx.x == 0) {
    s->used = s->end = s->bits = 0;
    s->first = symbols;
  }
  __syncthreads();
  for (uint32_t i = threadIdx.x; i < symbols; i += blockDim.x) {
    const uint32_t n = counts[i];
    s->counts[i] = n;
    s->by_symbol[i] = 0;
    if (n == 0) continue;
    atomicMin(&s->first, i);
    atomicMax(&s->end, i + 1);
  }
  __syncthreads();

  const uint32_t first = s->first, end = s->end;
  for (uint32_t i = first + threadIdx.x; i < end; i += blockDim.x) {
    const uint32_t n = s->counts[i];
    if (n == 0) continue;
    uint32_t rank = 0;
    for (uint32_t k = first; k < end; ++k) {
      const uint32_t other = s->counts[k];
      rank += other > 0 && (other < n || (other == n && k < i)) ? 1 : 0;
    }
    codes[rank] = n;
    s->symbol[rank] = static_cast<uint16_t>(i);
    atomicAdd(&s->used, 1u);
  }
  __syncthreads();

  const uint32_t used = s->used;
  if (threadIdx.x == 0 && used > 1) choose_lengths(*s, codes, a.limit);
  __syncthreads();
  if (used > 1)  // else no symbol has a code of 1 bit or more
    for (uint32_t r = threadIdx.x; r < used; r += blockDim.x)
      s->by_symbol[s->symbol[r]] = s->length[r];
  __syncthreads();

  for (uint32_t i = threadIdx.x; i < symbols; i += blockDim.x) {
    const uint32_t l = s->by_symbol[i];
    uint32_t before = 0;
    if (l > 0) {
      for (uint32_t k = first; k < i; ++k) before += s->by_symbol[k] == l ? 1 : 0;
      atomicAdd(&s->bits, counts[i] * l);
    }
    lengths[i] = static_cast<uint8_t>(l);
    codes[i] = l > 0 ? huffman::pack_code(s->canonical.first[l] + before, l) : 0;
  }
  __syncthreads();
  if (threadIdx.x == 0) summaries[blockIdx.x] = {used, used == 1 ? s->symbol[0] : 0u, s->bits};
}
}  // namespace

cudaError_t code_lengths(const Alphabet* alphabets, uint32_t count, uint32_t most_symbols,
                         const uint32_t* counts, uint8_t* lengths, uint32_t* codes,
                         CodeSummary* summaries, const CodeLengthsTuning& tuning,
                         cudaStream_t stream) {
  if (count == 0) return cudaSuccess;
  const auto start = [&](auto kernel, size_t smem, uint32_t least) {
    return launch(Launch{dim3(count), dim3(tuning.threads), smem, stream}, kernel, alphabets, least,
                  counts, lengths, codes, summaries);
  };
  const cudaError_t status = start(code_lengths_kernel<kSmall>, sizeof(Shared<kSmall>), 0);
  if (status != cudaSuccess || most_symbols <= kSmall) return status;
  return start(code_lengths_kernel<kMaxSymbols>, sizeof(Shared<kMaxSymbols>), kSmall + 1);
}
}  // namespace gramzip::kernels
