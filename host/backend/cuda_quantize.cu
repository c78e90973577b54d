// SPDX-License-Identifier: Apache-2.0
// The loops of quantization and pruning on a CUDA device: pieces of a tensor up, results down.
#include <algorithm>

#include "gramzip/core/float_values.h"
#include "host/backend/device_buffer.h"
#include "host/backend/quantize_loops.h"
#include "host/model/search_tables.h"
#include "kernels/distribution.h"
#include "kernels/group_ranges.h"
#include "kernels/magnitude_select.h"
#include "kernels/pattern_histogram.h"
#include "kernels/prune.h"
#include "kernels/quantize.h"
#include "kernels/trellis_path.h"

namespace gramzip {
namespace {
using kernels::BinCount;
using kernels::BucketSums;
using kernels::DeviceLevels;
using kernels::DistributionTotals;

constexpr uint32_t kPatterns = 1u << 16;
constexpr const char* kLaunch = "kernel launch";

// Tables of a quantizer, as its pieces share them.
struct DeviceTables {
  DeviceBuffer<uint64_t> elements;
  DeviceBuffer<float> values, scales, at, prices;
  DeviceBuffer<uint8_t> zero_points;
  DeviceBuffer<double> thresholds;
  DeviceBuffer<uint16_t> cells, patterns;
};

class CudaLoops final : public QuantizeLoops {
 public:
  CudaLoops(int device, const QuantizeDeviceOptions& options)
      : device_(device), options_(options), cpu_(make_cpu_quantize_loops(options.threads)) {
    check_cuda(cudaSetDevice(device), "choosing the device");
    check_cuda(cudaStreamCreateWithFlags(&stream_, cudaStreamNonBlocking), "creating a stream");
  }
  ~CudaLoops() override { cudaStreamDestroy(stream_); }
  std::string name() const override { return "cuda:" + std::to_string(device_); }

  void count(cpu::DistributionCounter& counter, ElementType type,
             std::span<const uint8_t> elements) override {
    if (is_small(type, elements)) return cpu_->count(counter, type, elements);
    if (element_info(type).bytes <= 2) {
      counter.add_patterns(count_patterns(type, elements));
      return;
    }
    for_pieces(type, elements, 1, [&](uint64_t, uint64_t n, std::span<const uint8_t> piece) {
      BucketSums* const buckets = zeros(buckets_, kernels::kDistributionBuckets);
      DistributionTotals* const totals = zeros(totals_, 1);
      check_cuda(kernels::distribution(type, content_.upload(piece, stream_),
                                       static_cast<uint32_t>(n), buckets, totals, {}, stream_),
                 kLaunch);
      const std::vector<BucketSums> sums =
          buckets_.download(kernels::kDistributionBuckets, stream_);
      for (uint32_t b = 0; b < sums.size(); ++b)
        if (sums[b].count_low != 0)
          counter.add_bucket(b, sums[b].count_low >> 40, sums[b].count_low & ((1ull << 40) - 1),
                             sums[b].low_squares);
      const DistributionTotals t = totals_.download(1, stream_)[0];
      counter.add_totals(t.not_finite, ~t.most_not, t.most);
    });
  }

  std::vector<quant::Range> group_ranges(ElementType type, std::span<const uint8_t> elements,
                                         uint32_t group) override {
    if (is_small(type, elements)) return cpu_->group_ranges(type, elements, group);
    const uint64_t n = elements.size() / element_info(type).bytes;
    std::vector<kernels::OrderRange> orders(ceil_div(n, group));
    // Whole groups a piece, or pieces of one group.
    for_pieces(type, elements, group,
               [&](uint64_t first, uint64_t m, std::span<const uint8_t> piece) {
                 const uint64_t groups = ceil_div(m, group);
                 kernels::OrderRange* const ranges = zeros(ranges_, groups);
                 check_cuda(kernels::group_ranges(type, content_.upload(piece, stream_), m, group,
                                                  ranges, {}, stream_),
                            kLaunch);
                 const auto some = ranges_.download(groups, stream_);
                 for (uint64_t g = 0; g < groups; ++g) {
                   kernels::OrderRange& o = orders[first / group + g];
                   o.most = std::max(o.most, some[g].most);
                   o.most_not = std::max(o.most_not, some[g].most_not);
                 }
               });
    std::vector<quant::Range> ranges(orders.size());
    with_float_type(type, [&]<ElementType t>() {
      using V = FloatValues<t>;
      const auto value = [](unsigned long long order) {
        return V::to_double(V::from_order(static_cast<typename V::Bits>(order))) + 0.0;
      };
      for (size_t g = 0; g < ranges.size(); ++g)
        if (orders[g].most_not != 0)
          ranges[g] = {value(~orders[g].most_not), value(orders[g].most)};
    });
    return ranges;
  }

  void quantize_to_indexes(const quant::Quantizer& q, uint64_t first,
                           std::span<const uint8_t> elements,
                           std::span<uint16_t> indexes) override {
    if (is_small(q.levels.type, elements))
      return cpu_->quantize_to_indexes(q, first, elements, indexes);
    run_quantizer(
        q, first, elements,
        [&](uint64_t at, uint64_t n) { download(indexes_.get(), indexes.subspan(at, n)); }, true);
  }
  void quantize(const quant::Quantizer& q, uint64_t first, std::span<uint8_t> elements) override {
    if (is_small(q.levels.type, elements)) return cpu_->quantize(q, first, elements);
    const uint32_t bytes = element_info(q.levels.type).bytes;
    run_quantizer(
        q, first, elements,
        [&](uint64_t at, uint64_t n) {
          download(content_.get(), elements.subspan(at * bytes, n * bytes));
        },
        false);
  }
  void dequantize(const quant::Levels& levels, uint64_t first, std::span<const uint16_t> indexes,
                  std::span<uint8_t> elements) override {
    if (is_small(levels.type, elements)) return cpu_->dequantize(levels, first, indexes, elements);
    const uint32_t bytes = element_info(levels.type).bytes;
    DeviceTables tables;
    DeviceLevels on_device = upload(levels, tables);
    for_pieces(levels.type, elements, 1, [&](uint64_t at, uint64_t n, std::span<uint8_t> piece) {
      on_device.first = first + at;
      uint8_t* const content = content_.upload(std::span<const uint8_t>(piece), stream_);
      check_cuda(kernels::dequantize(levels.type, indexes_.upload(indexes.subspan(at, n), stream_),
                                     n, on_device, content, {}, stream_),
                 kLaunch);
      download(content, elements.subspan(at * bytes, n * bytes));
    });
  }
  void constrain_means(const quant::Quantizer& q, uint64_t first, uint32_t columns,
                       std::span<const uint8_t> original, std::span<uint16_t> indexes) override {
    cpu_->constrain_means(q, first, columns, original, indexes);
  }

  void count_high(cpu::MagnitudeSelect& select, ElementType type,
                  std::span<const uint8_t> elements) override {
    if (is_small(type, elements)) return cpu_->count_high(select, type, elements);
    if (!cpu::MagnitudeSelect::needs_low(type)) {
      select.add_patterns(type, count_patterns(type, elements));
      return;
    }
    select.add_high(count_bins(
        type, elements, kPatterns, [&](const uint8_t* content, uint64_t n, BinCount* counts) {
          return kernels::magnitude_high(type, content, n, counts, {options_.ctas}, stream_);
        }));
  }
  void count_low(cpu::MagnitudeSelect& select, ElementType type,
                 std::span<const uint8_t> elements) override {
    if (!cpu::MagnitudeSelect::needs_low(type)) return;
    if (is_small(type, elements)) return cpu_->count_low(select, type, elements);
    select.add_low(count_bins(
        type, elements, kPatterns / 2, [&](const uint8_t* content, uint64_t n, BinCount* counts) {
          return kernels::magnitude_low(type, content, n, select.chosen_high(), counts,
                                        {options_.ctas}, stream_);
        }));
  }
  uint64_t prune_edges(ElementType type, cpu::MagnitudeSelect::Cut& cut,
                       std::span<uint8_t> elements) override {
    if (is_small(type, elements)) return cpu_->prune_edges(type, cut, elements);
    const uint32_t bytes = element_info(type).bytes;
    const cpu::NativeCut native = cpu::native_cut(type, cut);
    uint64_t pruned = 0;
    for_pieces(type, elements, 1, [&](uint64_t at, uint64_t n, std::span<uint8_t> piece) {
      size_t workspace = 0;
      const auto prune = [&](void* place) {
        check_cuda(kernels::prune_edges(place, workspace, type, content_.get(), n,
                                        {native.from, native.to, cut.ties}, result_.reserve(1), {},
                                        stream_),
                   kLaunch);
      };
      content_.upload(std::span<const uint8_t>(piece), stream_);
      prune(nullptr);
      prune(workspace_.reserve(ceil_div(workspace, sizeof(uint64_t))));
      download(content_.get(), elements.subspan(at * bytes, n * bytes));
      const kernels::PruneResult result = result_.download(1, stream_)[0];
      pruned += result.pruned;
      cut.ties -= result.ties_used;
    });
    return pruned;
  }
  std::vector<double> row_norms(ElementType type, std::span<const uint8_t> elements,
                                uint64_t columns) override {
    if (is_small(type, elements) || !has_rows(type, elements, columns))
      return cpu_->row_norms(type, elements, columns);
    std::vector<double> norms(ceil_div(elements.size() / element_info(type).bytes, columns));
    for_pieces(type, elements, columns,
               [&](uint64_t at, uint64_t n, std::span<const uint8_t> piece) {
                 const uint64_t rows = n / columns;
                 check_cuda(kernels::row_norms(type, content_.upload(piece, stream_), rows, columns,
                                               norms_.reserve(rows), {}, stream_),
                            kLaunch);
                 download(norms_.get(), std::span(norms).subspan(at / columns, rows));
               });
    return norms;
  }
  void prune_two_of_four(ElementType type, std::span<uint8_t> elements, uint64_t columns) override {
    if (is_small(type, elements) || !has_rows(type, elements, columns))
      return cpu_->prune_two_of_four(type, elements, columns);
    const uint32_t bytes = element_info(type).bytes;
    for_pieces(type, elements, columns, [&](uint64_t at, uint64_t n, std::span<uint8_t> piece) {
      uint8_t* const content = content_.upload(std::span<const uint8_t>(piece), stream_);
      check_cuda(kernels::prune_two_of_four(type, content, n / columns, columns, {}, stream_),
                 kLaunch);
      download(content, elements.subspan(at * bytes, n * bytes));
    });
  }

 private:
  bool is_small(ElementType type, std::span<const uint8_t> elements) const {
    return elements.size() / element_info(type).bytes < options_.least;
  }
  // Rows that are longer than a piece are the CPU's, and a last one that is not whole.
  bool has_rows(ElementType type, std::span<const uint8_t> elements, uint64_t columns) const {
    return columns > 0 && columns <= piece_elements(type) &&
           elements.size() / element_info(type).bytes % columns == 0;
  }
  // Elements of a piece; the kernel of distributions takes fewer than 2^24.
  uint64_t piece_elements(ElementType type) const {
    const uint64_t n = options_.piece / element_info(type).bytes;
    return std::clamp<uint64_t>(n & ~uint64_t{15}, 16, (1u << 24) - 16);
  }
  // f(first element, elements, bytes) for pieces of whole multiples of `unit` elements, or, where
  // these are longer than a piece, for pieces that end where one of these ends.
  template <class Byte, class F>
  void for_pieces(ElementType type, std::span<Byte> elements, uint64_t unit, F&& f) {
    check_cuda(cudaSetDevice(device_), "choosing the device");
    const uint32_t bytes = element_info(type).bytes;
    const uint64_t n = elements.size() / bytes, most = piece_elements(type);
    for (uint64_t at = 0; at < n;) {
      const uint64_t size = unit <= most ? most / unit * unit : std::min(most, unit - at % unit);
      const uint64_t m = std::min(size, n - at);
      f(at, m, elements.subspan(at * bytes, m * bytes));
      at += m;
    }
  }
  template <class T>
  T* zeros(DeviceBuffer<T>& buffer, size_t n) {
    T* const p = buffer.reserve(n);
    check_cuda(cudaMemsetAsync(p, 0, n * sizeof(T), stream_), "clearing");
    return p;
  }
  template <class T>
  void download(const T* from, std::span<T> to) {
    check_cuda(cudaMemcpyAsync(to.data(), from, to.size_bytes(), cudaMemcpyDeviceToHost, stream_),
               "download");
    check_cuda(cudaStreamSynchronize(stream_), "download");
  }

  // count(content, n, counts) for each piece; all counts.
  template <class F>
  std::vector<uint64_t> count_bins(ElementType type, std::span<const uint8_t> elements,
                                   uint32_t bins, F&& count) {
    BinCount* const counts = zeros(counts_, bins);
    for_pieces(type, elements, 1, [&](uint64_t, uint64_t n, std::span<const uint8_t> piece) {
      check_cuda(count(content_.upload(piece, stream_), n, counts), kLaunch);
    });
    const std::vector<BinCount> all = counts_.download(bins, stream_);
    return {all.begin(), all.end()};
  }
  std::vector<uint64_t> count_patterns(ElementType type, std::span<const uint8_t> elements) {
    // Elements of a byte are counted by pairs.
    const auto pairs = elements.first(elements.size() / 2 * 2);
    const std::vector<uint64_t> counts = count_bins(
        ElementType::bf16, pairs, kPatterns, [&](const uint8_t* content, uint64_t n, BinCount* to) {
          return kernels::pattern_histogram(content, n, to, {options_.ctas}, stream_);
        });
    if (element_info(type).bytes == 2) return counts;
    std::vector<uint64_t> single(256);
    for (uint32_t x = 0; x < kPatterns; ++x) {
      single[x & 0xff] += counts[x];
      single[x >> 8] += counts[x];
    }
    if (elements.size() % 2 != 0) ++single[elements.back()];
    return single;
  }

  DeviceLevels upload(const quant::Levels& levels, DeviceTables& tables) {
    DeviceLevels on_device{};
    on_device.count = levels.count();
    on_device.group = levels.group;
    if (levels.group == 0) {
      std::vector<uint64_t> elements(levels.count());
      for (uint32_t i = 0; i < elements.size(); ++i) elements[i] = levels.element(i, 0);
      on_device.elements = tables.elements.upload(elements, stream_);
    } else {
      std::vector<float> values(levels.count());
      for (uint32_t i = 0; i < values.size(); ++i) values[i] = static_cast<float>(levels.value(i));
      on_device.values = tables.values.upload(values, stream_);
      on_device.scales = tables.scales.upload(levels.scales, stream_);
      if (!levels.zero_points.empty())
        on_device.zero_points = tables.zero_points.upload(levels.zero_points, stream_);
    }
    check_cuda(cudaStreamSynchronize(stream_), "upload");  // of what goes out of scope
    return on_device;
  }

  kernels::DeviceTrellis upload(const quant::TrellisLevels* t, DeviceTables& tables) {
    static_assert(kernels::kTrellisFront == quant::TrellisLevels::kFront);
    if (t == nullptr) return {};
    return {t->count,
            t->states_log2,
            t->per_unit,
            t->escape,
            tables.at.upload(t->at, stream_),
            tables.prices.upload(t->price, stream_)};
  }

  // done(first element, elements) behind each piece, whose results lie in indexes_ or content_.
  template <class F>
  void run_quantizer(const quant::Quantizer& q, uint64_t first, std::span<const uint8_t> elements,
                     F&& done, bool to_indexes) {
    const cpu::PreparedQuantizer prepared(q);
    const ElementType type = q.levels.type;
    const uint32_t bytes = element_info(type).bytes;
    check_cuda(cudaSetDevice(device_), "choosing the device");
    DeviceTables tables;
    DeviceLevels levels = upload(q.levels, tables);
    kernels::QuantizeTuning tuning;
    tuning.ctas = 8 * options_.ctas;
    tuning.table_ctas = options_.ctas;
    const std::span<const uint16_t> patterns = to_indexes || q.levels.trellis != 0
                                                   ? prepared.pattern_indexes()
                                                   : prepared.pattern_elements();
    const kernels::DeviceTrellis trellis = upload(prepared.trellis(), tables);
    if (!patterns.empty()) tables.patterns.upload(patterns, stream_);
    const quant::SearchTables& host = prepared.tables();
    const quant::LevelSearch search =
        host.search(tables.thresholds.upload(host.thresholds, stream_),
                    tables.cells.upload(host.first, stream_));
    const bool along = trellis.count != 0, index = to_indexes || along;
    const uint64_t unit = along ? kRunElements : 1;
    if (first % unit != 0) fail(ErrorCode::internal, "a piece begins within a run");
    for_pieces(type, elements, unit, [&](uint64_t at, uint64_t n, std::span<const uint8_t> piece) {
      uint8_t* const content = content_.upload(piece, stream_);
      uint16_t* const indexes = index ? indexes_.reserve(n) : nullptr;
      levels.first = first + at;
      const uint16_t* const table = tables.patterns.get();
      cudaError_t status;
      if (patterns.empty())
        status =
            index ? kernels::index_elements(type, content, n, levels, search, indexes, tuning,
                                            stream_)
                  : kernels::quantize_elements(type, content, n, levels, search, tuning, stream_);
      else
        status = index ? kernels::index_patterns(bytes, content, n, table, indexes, tuning, stream_)
                       : kernels::quantize_patterns(bytes, content, n, table, tuning, stream_);
      check_cuda(status, kLaunch);
      if (along) {
        check_cuda(kernels::trellis_path(type, content, n, trellis, indexes, stream_), kLaunch);
        if (!to_indexes)
          check_cuda(kernels::dequantize(type, indexes, n, levels, content, tuning, stream_),
                     kLaunch);
      }
      done(at, n);
    });
  }

  int device_;
  QuantizeDeviceOptions options_;
  std::unique_ptr<QuantizeLoops> cpu_;
  cudaStream_t stream_ = nullptr;
  DeviceBuffer<uint8_t> content_;
  DeviceBuffer<uint16_t> indexes_;
  DeviceBuffer<BinCount> counts_;
  DeviceBuffer<BucketSums> buckets_;
  DeviceBuffer<DistributionTotals> totals_;
  DeviceBuffer<kernels::OrderRange> ranges_;
  DeviceBuffer<kernels::PruneResult> result_;
  DeviceBuffer<uint64_t> workspace_;
  DeviceBuffer<double> norms_;
};
}  // namespace

std::unique_ptr<QuantizeLoops> make_cuda_quantize_loops(int device, std::string& why,
                                                        const QuantizeDeviceOptions& options) {
  if (!device_answers(device, why)) return nullptr;
  try {
    return std::make_unique<CudaLoops>(device, options);
  } catch (const Error& e) {
    why = e.what();
    return nullptr;
  }
}
}  // namespace gramzip
