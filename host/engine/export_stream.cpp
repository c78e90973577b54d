// SPDX-License-Identifier: Apache-2.0
#include "host/engine/export_stream.h"

#include <algorithm>
#include <cmath>

#include "host/cpu/float_values.h"
#include "host/engine/export_rules.h"
#include "host/formats/byte_window.h"
#include "host/formats/fault.h"

namespace gramzip {
namespace {
// Where sums of several threads may meet.
constexpr uint64_t kPieceElements = ErrorSums::kPieceElements;
constexpr uint64_t kMostUnit = 1u << 26;
constexpr size_t kCopyBytes = 4u << 20;

// Where element rows begin in the file, for tensors whose rows change places.
class Rows {
 public:
  Rows(const ExportStream& s) : t_(s.input.tensor) {
    rows_ = t_.shape.empty() ? 1 : t_.shape[0];
    row_bytes_ = rows_ == 0 ? 0 : (t_.end - t_.begin) / rows_;
    if (s.heads == 0) return;
    if (rows_ % (2ull * s.heads) != 0)
      fail(ErrorCode::corrupt, tensor_in_words(t_) + ": " + std::to_string(rows_) +
                                   " rows are no even number for each of " +
                                   std::to_string(s.heads) + " heads");
    head_ = rows_ / s.heads;
  }
  // Bytes [begin, begin + n) of the output's order.
  void read(RandomSource& file, uint64_t begin, uint8_t* p, size_t n) const {
    if (head_ == 0) return formats::read_exactly(file, t_.begin + begin, p, n);
    while (n > 0) {
      const uint64_t row = begin / row_bytes_, at = begin % row_bytes_;
      const uint64_t in_head = row % head_;
      const uint64_t from = row - in_head + (in_head % 2) * (head_ / 2) + in_head / 2;
      const auto k = static_cast<size_t>(std::min<uint64_t>(n, row_bytes_ - at));
      formats::read_exactly(file, t_.begin + from * row_bytes_ + at, p, k);
      begin += k, p += k, n -= k;
    }
  }

 private:
  const Tensor& t_;
  uint64_t rows_ = 0, row_bytes_ = 0, head_ = 0;  // head_: rows of one; 0: nothing is permuted
};

// x as the tensor has it against what is restored.
void add_errors(ErrorSums& sums, ElementType type, const uint8_t* raw,
                std::span<const float> restored) {
  constexpr size_t kAtOnce = 1024;
  uint8_t bytes[4 * kAtOnce];
  for (size_t at = 0; at < restored.size(); at += kAtOnce) {
    const size_t n = std::min(kAtOnce, restored.size() - at);
    cpu::from_floats(ElementType::f32, restored.data() + at, n, bytes);
    sums.add(raw + at * element_info(type).bytes, type, bytes, ElementType::f32, n);
  }
}

// Element i of the output's order, in words.
std::string place_of(const Tensor& t, uint64_t i) {
  std::string s;
  for (size_t d = t.shape.size(); d > 0; --d) {
    s = std::to_string(i % t.shape[d - 1]) + (s.empty() ? "" : ", ") + s;
    i /= t.shape[d - 1];
  }
  return "element [" + s + "]";
}

void require_finite(const ExportStream& s, uint64_t first, std::span<const float> x,
                    const uint8_t* raw) {
  // All ones in the exponent, of any.
  uint32_t bad = 0;
  for (const float v : x) bad |= (float_bits(v) & 0x7f800000u) == 0x7f800000u ? 1u : 0u;
  if (bad == 0) return;
  const Tensor& t = s.input.tensor;
  const size_t i = static_cast<size_t>(
      std::find_if(x.begin(), x.end(), [](float v) { return !std::isfinite(v); }) - x.begin());
  double d;
  cpu::to_doubles(t.type, raw + i * element_info(t.type).bytes, 1, &d);
  const std::string what = std::isnan(d)   ? "NaN"
                           : std::isinf(d) ? "infinite"
                                           : "beyond 32-bit floats";
  std::string line = tensor_in_words(t);
  line.append(s.heads > 0 ? " (rows as in GGUF)" : "").append(": ").append(place_of(t, first + i));
  line.append(" is ").append(what).append(", which ").append(s.format);
  line.append(" cannot hold; --keep ").append(formats::in_quotes(t.name));
  fail(ErrorCode::unsupported, line.append(" leaves the tensor as it is"));
}
}  // namespace

std::string tensor_in_words(const Tensor& t) { return "tensor " + formats::in_quotes(t.name); }

uint64_t element_count(const Tensor& t) {
  uint64_t n = 1;
  for (const uint64_t d : t.shape) n *= d;
  return n;
}

ErrorFigures quantize_stream(const ExportStream& s, Workers& workers, const QuantizePiece& quantize,
                             const WriteBytes& write) {
  const Tensor& t = s.input.tensor;
  const uint64_t elements = element_count(t), bytes = element_info(t.type).bytes;
  if (s.unit > kMostUnit)
    fail(
        ErrorCode::limit,
        tensor_in_words(t) + ": more than 2^26 elements with one scale; --keep leaves it as it is");
  const uint64_t each = std::max<uint64_t>(1, kPieceElements / s.unit) * s.unit;
  const bool sums_meet = each % kPieceElements == 0;  // else they are made in order
  const uint64_t pieces = (elements + each - 1) / each;
  struct Work {
    std::vector<uint8_t> raw, out;
    std::vector<float> x, restored;
    ErrorSums sums;
  };
  const Rows rows(s);
  ErrorSums sums;
  std::vector<Work> batch(std::min<uint64_t>(pieces, workers.size() + 1));
  for (uint64_t begin = 0; begin < pieces; begin += batch.size()) {
    const auto count = static_cast<size_t>(std::min<uint64_t>(batch.size(), pieces - begin));
    workers.run(count, [&](size_t i, size_t) {
      Work& w = batch[i];
      const uint64_t first = (begin + i) * each;
      const auto n = static_cast<size_t>(std::min(each, elements - first));
      w.raw.resize(n * bytes), w.x.resize(n), w.restored.resize(n);
      rows.read(*s.input.file, first * bytes, w.raw.data(), w.raw.size());
      cpu::to_floats(t.type, w.raw.data(), n, w.x.data());
      require_finite(s, first, w.x, w.raw.data());
      w.out.clear();
      quantize(first, w.x, w.out, w.restored);
      if (!sums_meet) return;
      w.sums = ErrorSums();
      add_errors(w.sums, t.type, w.raw.data(), w.restored);
    });
    for (size_t i = 0; i < count; ++i) {
      Work& w = batch[i];
      write(w.out);
      if (sums_meet) {
        sums.merge(w.sums);
      } else {
        add_errors(sums, t.type, w.raw.data(), w.restored);
      }
    }
  }
  return sums.figures();
}

ErrorFigures copy_stream(const ExportStream& s, ElementType type, const WriteBytes& write) {
  const Tensor& t = s.input.tensor;
  const Rows rows(s);
  const bool floats = is_float_tensor(t);
  std::vector<uint8_t> raw, out;
  ErrorSums sums;
  const uint64_t size = t.end - t.begin;
  for (uint64_t at = 0; at < size; at += raw.size()) {
    raw.resize(static_cast<size_t>(std::min<uint64_t>(kCopyBytes, size - at)));
    rows.read(*s.input.file, at, raw.data(), raw.size());
    const size_t n = floats ? raw.size() / element_info(t.type).bytes : 0;
    if (type == t.type) {
      write(raw);
      if (floats) sums.add(raw, raw, type);
      continue;
    }
    out.resize(n * element_info(type).bytes);
    cpu::convert_floats(t.type, raw.data(), type, n, out.data());
    write(out);
    sums.add(raw.data(), t.type, out.data(), type, n);
  }
  return sums.figures();
}
}  // namespace gramzip
