// SPDX-License-Identifier: Apache-2.0
#include "host/engine/export_stream.h"

#include <algorithm>
#include <cmath>

#include "host/cpu/float_values.h"
#include "host/formats/byte_window.h"
#include "host/formats/fault.h"

namespace gramzip {
namespace {
constexpr uint64_t kPieceElements = 1u << 18;
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

struct Figures {
  double signal = 0, noise = 0, max_error = 0;
};

// Eight sums side by side, so that the order is fixed and the loop can be a vector's.
Figures figures_of(std::span<const float> x, std::span<const float> restored) {
  constexpr size_t kStripes = 8;
  double signal[kStripes] = {}, noise[kStripes] = {}, most[kStripes] = {};
  const auto add = [&](size_t i, size_t k) {
    const double v = x[i], e = static_cast<double>(restored[i]) - v;
    signal[k] += v * v;
    noise[k] += e * e;
    most[k] = std::max(most[k], std::fabs(e));
  };
  const size_t whole = x.size() / kStripes * kStripes;
  for (size_t i = 0; i < whole; i += kStripes)
    for (size_t k = 0; k < kStripes; ++k) add(i + k, k);
  for (size_t i = whole; i < x.size(); ++i) add(i, i - whole);
  Figures f;
  for (size_t k = 0; k < kStripes; ++k)
    f = {f.signal + signal[k], f.noise + noise[k], std::max(f.max_error, most[k])};
  return f;
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

void quantize_stream(const ExportStream& s, Workers& workers, const QuantizePiece& quantize,
                     const WriteBytes& write, ExportedTensor& figures) {
  const Tensor& t = s.input.tensor;
  const uint64_t elements = element_count(t), bytes = element_info(t.type).bytes;
  if (s.unit > kMostUnit)
    fail(
        ErrorCode::limit,
        tensor_in_words(t) + ": more than 2^26 elements with one scale; --keep leaves it as it is");
  const uint64_t each = std::max<uint64_t>(1, kPieceElements / s.unit) * s.unit;
  const uint64_t pieces = (elements + each - 1) / each;
  struct Work {
    std::vector<uint8_t> raw, out;
    std::vector<float> x, restored;
    Figures figures;
  };
  const Rows rows(s);
  std::vector<Work> batch(std::min<uint64_t>(pieces, 2 * workers.size()));
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
      w.figures = figures_of(w.x, w.restored);
    });
    for (size_t i = 0; i < count; ++i) {
      write(batch[i].out);
      const Figures& f = batch[i].figures;
      figures.signal += f.signal;
      figures.noise += f.noise;
      figures.max_error = std::max(figures.max_error, f.max_error);
    }
  }
}

void copy_stream(const ExportStream& s, ElementType type, const WriteBytes& write) {
  const Tensor& t = s.input.tensor;
  const Rows rows(s);
  std::vector<uint8_t> raw, out;
  const uint64_t size = t.end - t.begin;
  for (uint64_t at = 0; at < size; at += raw.size()) {
    raw.resize(static_cast<size_t>(std::min<uint64_t>(kCopyBytes, size - at)));
    rows.read(*s.input.file, at, raw.data(), raw.size());
    if (type == t.type) {
      write(raw);
      continue;
    }
    const size_t n = raw.size() / element_info(t.type).bytes;
    out.resize(n * element_info(type).bytes);
    cpu::convert_floats(t.type, raw.data(), type, n, out.data());
    write(out);
  }
}
}  // namespace gramzip
