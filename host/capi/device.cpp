// SPDX-License-Identifier: Apache-2.0
// Floor 5: the device interface (include/gramzip/device.h).
#include "gramzip/device.h"

#include <bit>
#include <cmath>
#include <memory>

#include "host/backend/device_memory.h"
#include "host/backend/device_primitives.h"
#include "host/capi/adapters.h"
#include "host/capi/guarded.h"
#include "host/cpu/prune.h"
#include "host/engine/device_archives.h"

struct gramzip_device_plan {
  std::unique_ptr<gramzip::device::DecodePlan> decode;  // one of the two
  std::unique_ptr<gramzip::device::EncodePlan> encode;

  gramzip::device::Plan& plan() const {
    if (decode) return *decode;
    return *encode;
  }
};

namespace {
using namespace gramzip;

device::Allocator allocator_of(const gramzip_device_allocator* a) {
  if (a == nullptr) return {};
  require(a->allocate != nullptr && a->release != nullptr, "a function of the allocator is null");
  return {a->allocate, a->release, a->context};
}

std::shared_ptr<RandomSource> source_of(const gramzip_device_archive& a) {
  require(a.data != nullptr || a.size == 0, "an archive is null");
  switch (a.memory) {
    case GRAMZIP_MEMORY_HOST:
      return std::make_shared<MemorySource>(a.data, a.size);
    case GRAMZIP_MEMORY_DEVICE:
      return device_memory_source(a.device_index, a.data, a.size);
  }
  fail(ErrorCode::invalid_argument, "an archive's memory is unknown");
}

ElementType type_of(gramzip_dtype dtype) {
  require(dtype >= GRAMZIP_DTYPE_BYTES && dtype <= GRAMZIP_DTYPE_I64 && dtype != 1,
          "dtype is unknown");
  return static_cast<ElementType>(dtype);
}

uint32_t checked_segment(uint32_t bytes) {
  if (bytes == 0) return kPlainSegment;
  require(bytes >= kLeastPlainSegment && bytes <= kMaxSegmentBytes && (bytes & (bytes - 1)) == 0,
          "segment_bytes is no power of two from 65536 to 2^24");
  return bytes;
}

void require_whole(uint64_t size, ElementType type) {
  require(size % element_info(type).bytes == 0, "an array does not hold whole elements");
}
}  // namespace

gramzip_status gramzip_device_temp_bytes(const gramzip_device_plan* plan, size_t* temp_bytes) {
  return guarded([&] {
    require(plan != nullptr && temp_bytes != nullptr, "an argument is null");
    *temp_bytes = plan->plan().temp_bytes();
  });
}

gramzip_status gramzip_device_item_info(const gramzip_device_plan* plan, size_t item,
                                        uint64_t* output_bytes, uint64_t* first_block,
                                        uint64_t* block_count) {
  return guarded([&] {
    require(plan != nullptr, "the plan is null");
    require(item < plan->plan().items().size(), "the plan has no such item");
    const device::ItemInfo& info = plan->plan().items()[item];
    if (output_bytes != nullptr) *output_bytes = info.output_bytes;
    if (first_block != nullptr) *first_block = info.first_block;
    if (block_count != nullptr) *block_count = info.blocks;
  });
}

gramzip_status gramzip_device_block_count(const gramzip_device_plan* plan, uint64_t* block_count) {
  return guarded([&] {
    require(plan != nullptr && block_count != nullptr, "an argument is null");
    *block_count = plan->plan().blocks();
  });
}

void gramzip_device_plan_free(gramzip_device_plan* plan, gramzip_stream stream) {
  if (plan == nullptr) return;
  plan->plan().release(stream);
  delete plan;
}

gramzip_status gramzip_device_plan_decompress(const gramzip_device_archive* archives,
                                              size_t archive_count,
                                              const gramzip_device_item* items, size_t item_count,
                                              const gramzip_device_allocator* allocator,
                                              gramzip_stream stream, gramzip_device_plan** plan) {
  return guarded([&] {
    require(plan != nullptr, "plan is null");
    *plan = nullptr;
    require(archives != nullptr || archive_count == 0, "archives is null");
    require(items != nullptr || item_count == 0, "items is null, but item_count is not 0");
    std::vector<std::shared_ptr<RandomSource>> sources;
    for (size_t i = 0; i < archive_count; ++i) sources.push_back(source_of(archives[i]));
    std::optional<std::vector<device::PlannedItem>> planned;
    if (items != nullptr) {
      planned.emplace();
      for (size_t i = 0; i < item_count; ++i)
        planned->push_back({items[i].archive, items[i].begin, items[i].size});
    }
    auto made = std::make_unique<gramzip_device_plan>();
    made->decode = plan_device_decode(sources, std::move(planned), allocator_of(allocator), stream);
    *plan = made.release();
  });
}

gramzip_status gramzip_device_decompress(const gramzip_device_plan* plan,
                                         const void* const* archives, const void* const* bases,
                                         void* const* outputs, void* temp, size_t temp_bytes,
                                         uint32_t* block_status, uint32_t* bad_blocks,
                                         gramzip_stream stream) {
  return guarded([&] {
    require(plan != nullptr && plan->decode, "it is no plan of a decompression");
    plan->decode->decode(archives, bases, outputs, {temp, temp_bytes}, block_status, bad_blocks,
                         stream);
  });
}

gramzip_status gramzip_device_plan_compress(const gramzip_device_array* arrays, size_t count,
                                            uint32_t segment_bytes,
                                            const gramzip_device_allocator* allocator,
                                            gramzip_stream stream, gramzip_device_plan** plan) {
  return guarded([&] {
    require(plan != nullptr, "plan is null");
    *plan = nullptr;
    require(arrays != nullptr || count == 0, "arrays is null");
    std::vector<device::PlannedArray> planned;
    for (size_t i = 0; i < count; ++i) {
      planned.push_back({arrays[i].size, type_of(arrays[i].dtype)});
      require_whole(planned.back().size, planned.back().type);
    }
    auto made = std::make_unique<gramzip_device_plan>();
    made->encode = plan_device_encode(planned, checked_segment(segment_bytes),
                                      allocator_of(allocator), stream);
    *plan = made.release();
  });
}

gramzip_status gramzip_device_compress(const gramzip_device_plan* plan, const void* const* inputs,
                                       void* const* outputs, void* temp, size_t temp_bytes,
                                       uint64_t* archive_bytes, gramzip_stream stream) {
  return guarded([&] {
    require(plan != nullptr && plan->encode, "it is no plan of a compression");
    plan->encode->encode(inputs, outputs, {temp, temp_bytes}, archive_bytes, stream);
  });
}

gramzip_status gramzip_compress_array(const void* src, uint64_t size, gramzip_dtype dtype,
                                      uint32_t segment_bytes, void* dst, size_t* dst_size) {
  return guarded([&] {
    require(src != nullptr || size == 0, "src is null");
    require(dst_size != nullptr && (dst != nullptr || *dst_size == 0), "dst is null");
    const ElementType type = type_of(dtype);
    require_whole(size, type);
    MemorySink out(dst, *dst_size);
    compress_array({static_cast<const uint8_t*>(src), static_cast<size_t>(size)}, type,
                   checked_segment(segment_bytes), out);
    *dst_size = out.used();
  });
}

uint64_t gramzip_compress_array_bound(uint64_t size, gramzip_dtype dtype, uint32_t segment_bytes) {
  uint64_t bound = 0;
  guarded(
      [&] { bound = compress_array_bound(size, type_of(dtype), checked_segment(segment_bytes)); });
  return bound;
}

gramzip_status gramzip_device_histogram(void* temp, size_t* temp_bytes, const void* symbols,
                                        uint64_t count, uint32_t symbol_bytes, uint64_t* counts,
                                        gramzip_stream stream) {
  return guarded([&] {
    require(temp_bytes != nullptr, "temp_bytes is null");
    device::histogram(temp, *temp_bytes, symbols, count, symbol_bytes, counts, stream);
  });
}

gramzip_status gramzip_device_ngram_count(void* temp, size_t* temp_bytes, const void* text,
                                          uint64_t size, uint32_t n, uint32_t table_log2,
                                          gramzip_device_ngram* cells,
                                          gramzip_device_ngram_result* result,
                                          gramzip_stream stream) {
  return guarded([&] {
    require(temp_bytes != nullptr, "temp_bytes is null");
    device::ngram_count(temp, *temp_bytes, text, size, n, table_log2, cells, result, stream);
  });
}

size_t gramzip_device_huffman_bound(size_t size) {
  size_t bound = 0;
  guarded([&] { bound = device::huffman_bound(size); });
  return bound;
}

gramzip_status gramzip_device_huffman_encode(void* temp, size_t* temp_bytes, const void* data,
                                             size_t size, void* out, uint64_t* out_bytes,
                                             gramzip_stream stream) {
  return guarded([&] {
    require(temp_bytes != nullptr, "temp_bytes is null");
    device::huffman_encode(temp, *temp_bytes, data, size, out, out_bytes, stream);
  });
}

gramzip_status gramzip_device_huffman_decode(void* temp, size_t* temp_bytes, const void* coded,
                                             size_t coded_size, void* out, size_t size,
                                             uint32_t* block_status, uint32_t* bad_blocks,
                                             gramzip_stream stream) {
  return guarded([&] {
    require(temp_bytes != nullptr, "temp_bytes is null");
    device::huffman_decode(temp, *temp_bytes, coded, coded_size, out, size, block_status,
                           bad_blocks, stream);
  });
}

gramzip_status gramzip_device_quantize(void* temp, size_t* temp_bytes, gramzip_dtype dtype,
                                       void* elements, uint64_t count, const float* levels,
                                       uint32_t level_count, uint16_t* indexes,
                                       gramzip_stream stream) {
  return guarded([&] {
    require(temp_bytes != nullptr, "temp_bytes is null");
    device::quantize(temp, *temp_bytes, type_of(dtype), elements, count, levels, level_count,
                     indexes, stream);
  });
}

gramzip_status gramzip_device_prune(void* temp, size_t* temp_bytes, gramzip_dtype dtype,
                                    void* elements, uint64_t count, gramzip_device_pruning pruning,
                                    float threshold, uint64_t columns, uint64_t* pruned,
                                    gramzip_stream stream) {
  return guarded([&] {
    require(temp_bytes != nullptr, "temp_bytes is null");
    const ElementType type = type_of(dtype);
    require(is_float(type), "dtype is no float");
    switch (pruning) {
      case GRAMZIP_PRUNE_MAGNITUDE: {
        require(std::isfinite(threshold) && threshold >= 0, "threshold is negative or not finite");
        const cpu::MagnitudeSelect::Cut cut{std::bit_cast<uint32_t>(std::abs(threshold)), 0};
        return device::prune_below(temp, *temp_bytes, type, elements, count,
                                   cpu::native_cut(type, cut).from, pruned, stream);
      }
      case GRAMZIP_PRUNE_TWO_OF_FOUR:
        return device::prune_two_of_four(temp, *temp_bytes, type, elements, count, columns, stream);
    }
    fail(ErrorCode::invalid_argument, "pruning is unknown");
  });
}
