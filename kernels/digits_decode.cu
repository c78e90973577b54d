// SPDX-License-Identifier: Apache-2.0
// Decodes blocks of quantized weights, coder horner: words of digits in base N (docs/format.md,
// 16). One CTA a block.
//
//   block:   count | numbers | elements | zeros | words of 64 bits   ->   units
//   shared:  powers of N, 16 bytes each | units of the levels, 4 or 8 bytes each
//
// A thread makes 16 bytes of units, and neighbours 16 bytes each beside them: it divides the word
// of its first unit by the power of N that stands below it, then peels digits. Division is by
// multiplication: of the word by a power of N below 2^20, then in 32 bits digit by digit. Who takes
// the last digit of a word sees whether anything is left. Exceptions are patched behind a barrier.
// Reads each coded byte once from memory, writes each unit once: 1 + 1 / ratio bytes moved a byte.
#include "kernels/common/quant_block.h"

namespace gramzip::kernels {
namespace {
constexpr uint32_t kMostDigits = 64;       // of a word: base 2
constexpr uint32_t kMostChunk = 1u << 20;  // numbers whose digits are peeled in 32 bits

// A number to divide by, and floor((2^64 - 1) / it).
struct Power {
  uint64_t value, inverse;

  // v / value; v becomes the rest. The estimate is at most one too low.
  __device__ uint64_t divide(uint64_t& v) const {
    uint64_t q = __umul64hi(v, inverse);
    v -= q * value;
    if (v >= value) {
      v -= value;
      ++q;
    }
    return q;
  }
};

// In shared memory.
struct Base {
  Power powers[kMostDigits];  // [d]: N^d
  uint32_t levels, digits;    // N, digits of a whole word
  uint32_t chunk_digits;
  uint32_t inverse;  // of N: exact for numbers below 2^20

  // By one warp or more; ends in front of a barrier.
  __device__ void fill(uint32_t n, uint32_t thread) {
    if (thread >= kMostDigits) return;
    const uint32_t most = quant::digits_per_word(n);
    uint64_t value = 1;
    for (uint32_t d = 0; d < thread && d < most; ++d) value *= n;
    if (thread < most) powers[thread] = {value, ~uint64_t{0} / value};
    if (thread != 0) return;
    levels = n;
    digits = most;
    inverse = 0xffffffffu / n + 1;  // N = 2^k: 2^32 / N
    chunk_digits = 0;
    for (uint32_t chunk = n; chunk <= kMostChunk && chunk_digits + 1 < most; chunk *= n)
      ++chunk_digits;
  }
};

// The digits of a word from the lowest one on.
class Digits {
 public:
  __device__ Digits(const Base& base, uint64_t word, uint32_t skip) : base_(&base), high_(word) {
    if (skip > 0) high_ = base.powers[skip].divide(word);
  }
  __device__ uint32_t next() {
    if (left_ == 0) {
      uint64_t rest = high_;
      high_ = base_->powers[base_->chunk_digits].divide(rest);
      low_ = static_cast<uint32_t>(rest);
      left_ = base_->chunk_digits;
    }
    --left_;
    const uint32_t q = __umulhi(low_, base_->inverse), digit = low_ - q * base_->levels;
    low_ = q;
    return digit;
  }
  __device__ bool at_end() const { return high_ == 0 && low_ == 0; }

 private:
  const Base* base_;
  uint64_t high_;
  uint32_t low_ = 0, left_ = 0;
};

// A block whose structure is sound.
struct DigitBlock {
  const uint64_t* words;
  uint32_t n;
  const uint32_t* units;
  uint8_t* out;
};

// Puts unit k of a group of 16 bytes.
template <uint32_t U>
__device__ void put_unit(uint32_t* w, uint32_t k, const uint32_t* units, uint32_t digit) {
  if constexpr (U == 8) {
    w[2 * k] = units[2 * digit];
    w[2 * k + 1] = units[2 * digit + 1];
  } else {
    w[k * U / 4] |= units[digit] << (8 * (k * U % 4));
  }
}

// All units of the block; false if a word has more than its digits.
template <uint32_t U>
__device__ bool decode_digits(const DigitBlock& b, const Base& base) {
  constexpr uint32_t kEach = 16 / U;
  bool good = true;
  for (uint32_t first = threadIdx.x * kEach; first < b.n; first += blockDim.x * kEach) {
    uint32_t word = first / base.digits, d = first - word * base.digits;
    Digits in(base, b.words[word], d);
    uint32_t w[4] = {};
    const uint32_t count = min(kEach, b.n - first);
#pragma unroll
    for (uint32_t k = 0; k < kEach; ++k) {
      if (k >= count) break;
      put_unit<U>(w, k, b.units, in.next());
      if (++d != base.digits && first + k + 1 != b.n) continue;
      good = good && in.at_end();
      d = 0;
      if (first + k + 1 < b.n && k + 1 < kEach) in = Digits(base, b.words[++word], 0);
    }
    uint8_t* const to = b.out + uint64_t{first} * U;
    if (count == kEach)
      *reinterpret_cast<uint4*>(to) = make_uint4(w[0], w[1], w[2], w[3]);
    else
#pragma unroll
      for (uint32_t i = 0; i < 16; ++i)
        if (i < count * U) to[i] = static_cast<uint8_t>(w[i / 4] >> (8 * (i % 4)));
  }
  return good;
}

__device__ bool decode_any(const DigitBlock& b, const Base& base, uint32_t unit_bytes) {
  switch (unit_bytes) {
    case 1:
      return decode_digits<1>(b, base);
    case 2:
      return decode_digits<2>(b, base);
    case 4:
      return decode_digits<4>(b, base);
    default:
      return decode_digits<8>(b, base);
  }
}

// The whole CTA gets the same status.
__device__ BlockStatus decode_coded(const uint8_t* block, uint32_t coded_bytes, uint32_t n,
                                    uint32_t element, const QuantSegment& q, const Base& base,
                                    const uint32_t* units, const QuantTarget& target) {
  if (coded_bytes < 4) return BlockStatus::bad_block;
  const auto* numbers = reinterpret_cast<const uint32_t*>(block) + 1;
  const uint32_t exceptions = numbers[-1];
  const quant::HornerPlan plan = quant::plan_horner(n, element, q.levels, exceptions);
  if (plan.bytes != coded_bytes) return BlockStatus::bad_block;
  bool good = true;
  for (uint32_t k = threadIdx.x; k < exceptions; k += blockDim.x)
    good = good && numbers[k] < n && (k == 0 || numbers[k - 1] < numbers[k]);
  for (uint64_t i = plan.padding_at + threadIdx.x; i < plan.words_at; i += blockDim.x)
    good = good && block[i] == 0;
  if (!__syncthreads_and(good)) return BlockStatus::bad_block;

  const DigitBlock b{reinterpret_cast<const uint64_t*>(block + plan.words_at), n, units,
                     target.units};
  good = decode_any(b, base, q.unit_bytes);
  __syncthreads();
  for (uint32_t k = threadIdx.x; k < exceptions; k += blockDim.x) {
    const uint32_t j = numbers[k], word = j / base.digits;
    good = good && Digits(base, b.words[word], j - word * base.digits).next() == 0;
    store_element(target.elements, j, element, load_element(block + plan.elements_at, k, element));
    if (q.scaled) store_element(target.units, j, q.unit_bytes, q.levels);
  }
  return __syncthreads_and(good) ? BlockStatus::ok : BlockStatus::bad_stream;
}

__global__ void __launch_bounds__(256)
    digits_decode_kernel(const QuantBatch batch, const DecodeGroup* groups) {
  GRAMZIP_DYN_SHARED(uint32_t, units);
  __shared__ Base base;
  const DecodeGroup group = groups[blockIdx.x];
  const DeviceSegment& segment = batch.segments[group.segment];
  const QuantSegment& q = batch.quant[segment.first_exact];
  base.fill(q.levels, threadIdx.x);
  for (uint32_t i = threadIdx.x; i < q.levels * q.words_of_unit(); i += blockDim.x)
    units[i] = batch.units[q.units_at + i];
  __syncthreads();
  decode_quant_block(
      batch, group, 0, threadIdx.x, blockDim.x,
      [&](const uint8_t* block, uint32_t coded_bytes, uint32_t n, const QuantTarget& target) {
        return decode_coded(block, coded_bytes, n, element_info(segment.header.type).bytes, q, base,
                            units, target);
      });
}
}  // namespace

cudaError_t digits_decode(const QuantBatch& batch, const DecodeGroup* groups, uint32_t count,
                          uint32_t most_unit_words, const QuantTuning& tuning,
                          cudaStream_t stream) {
  if (count == 0) return cudaSuccess;
  return launch(
      Launch{dim3(count), dim3(tuning.digit_threads), most_unit_words * sizeof(uint32_t), stream},
      digits_decode_kernel, batch, groups);
}
}  // namespace gramzip::kernels
