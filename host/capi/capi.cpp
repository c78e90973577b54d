// SPDX-License-Identifier: Apache-2.0
// Floor 5: the C interface (include/gramzip/gramzip.h).
#include <algorithm>
#include <cstring>
#include <limits>
#include <memory>
#include <new>

#include "gramzip/gramzip.h"
#include "host/backend/device_memory.h"
#include "host/capi/adapters.h"
#include "host/capi/guarded.h"
#include "host/engine/apply_delta.h"
#include "host/engine/base.h"
#include "host/engine/engine.h"
#include "host/engine/quantize.h"
#include "host/frame/model_file.h"

// The bytes are kept too: saving needs no second way to make them.
struct gramzip_model {
  gramzip::ModelPtr model;
  std::vector<uint8_t> file;
};

namespace {
using namespace gramzip;

enum class Arrays { no, yes };  // whether the call takes arrays that options.memory is of

gramzip_options checked(const gramzip_options* given, Arrays arrays = Arrays::no) {
  gramzip_options o = GRAMZIP_OPTIONS_INIT;
  if (given == nullptr) return o;
  // The struct has grown at its end, in 0.2 and in 0.3.
  constexpr size_t kFirst = offsetof(gramzip_options, models),
                   kSecond = offsetof(gramzip_options, base);
  if (given->struct_size != sizeof o && given->struct_size != kFirst &&
      given->struct_size != kSecond)
    fail(ErrorCode::invalid_argument,
         "options.struct_size is not that of this version; use GRAMZIP_OPTIONS_INIT");
  std::memcpy(&o, given, given->struct_size);
  if (o.threads < 0 || o.threads > 4096)
    fail(ErrorCode::invalid_argument, "options.threads is not 0 to 4096");
  if (o.mode < GRAMZIP_MODE_AUTO || o.mode > GRAMZIP_MODE_BYTES)
    fail(ErrorCode::invalid_argument, "options.mode is unknown");
  if (o.device < GRAMZIP_DEVICE_AUTO || o.device > GRAMZIP_DEVICE_CUDA)
    fail(ErrorCode::invalid_argument, "options.device is unknown");
  if (o.level < 0 || o.level > kMostLevel)
    fail(ErrorCode::invalid_argument, "options.level is not 0 to 9");
  if (o.model_count > 0 && o.models == nullptr)
    fail(ErrorCode::invalid_argument, "options.models is null");
  if (o.base_size > 0 && o.base == nullptr)
    fail(ErrorCode::invalid_argument, "options.base is null");
  if (o.memory < GRAMZIP_MEMORY_HOST || o.memory > GRAMZIP_MEMORY_DEVICE)
    fail(ErrorCode::invalid_argument, "options.memory is unknown");
  if (o.memory != GRAMZIP_MEMORY_HOST && arrays == Arrays::no)
    fail(ErrorCode::invalid_argument, "options.memory: this call takes host memory alone");
  return o;
}

std::unique_ptr<Backend> make_backend(const gramzip_options& o) {
  if (o.device == GRAMZIP_DEVICE_CPU) return make_cpu_backend();
  std::string why;
  if (auto cuda = make_cuda_backend(o.device_index, why)) return cuda;
  if (o.device == GRAMZIP_DEVICE_CUDA) fail(ErrorCode::device, why);
  return make_cpu_backend();
}

std::vector<ModelPtr> models_of(const gramzip_options& o) {
  std::vector<ModelPtr> models;
  for (size_t i = 0; i < o.model_count; ++i) {
    require(o.models[i] != nullptr, "a model is null");
    models.push_back(o.models[i]->model);
  }
  return models;
}

// Owned by the caller.
gramzip_model* make_model(model::NgramModel m) {
  auto made = std::make_unique<gramzip_model>();
  made->file = frame::store_model_file(m);
  made->model = std::make_shared<const model::TextModel>(std::move(m));
  return made.release();
}

BasePtr base_of(const gramzip_options& o) {
  if (o.base == nullptr) return nullptr;
  return Base::of_file(std::make_shared<MemorySource>(o.base, o.base_size), "");
}

// Arrays of the caller, where options.memory says that they lie.
std::shared_ptr<RandomSource> array_source(const void* p, size_t size, const gramzip_options& o) {
  if (o.memory == GRAMZIP_MEMORY_DEVICE) return device_memory_source(o.device_index, p, size);
  return std::make_shared<MemorySource>(p, size);
}
std::shared_ptr<RandomBuffer> array_buffer(void* p, size_t size, const gramzip_options& o) {
  if (o.memory == GRAMZIP_MEMORY_DEVICE) return device_memory_buffer(o.device_index, p, size);
  return std::make_shared<MemoryBuffer>(p, size);
}

// in: also read anywhere, if it is memory. type: of an array.
void compress_to(Source& in, RandomSource* random, Sink& out, const gramzip_options& o,
                 BasePtr base, std::optional<ElementType> type = std::nullopt) {
  const std::vector<ModelPtr> models = models_of(o);
  const auto backend = make_backend(o);
  CompressOptions options;
  options.threads = o.threads;
  options.backend = backend.get();
  options.mode = static_cast<ContentMode>(o.mode);
  options.level = o.level == 0 ? kDefaultLevel : o.level;
  options.models = models;
  options.fast = o.fast != 0;
  options.base = std::move(base);
  bool done = false;
  compress(
      [&](MemberInput& m) {
        if (done) return false;
        m.source = &in;
        m.random = random;
        m.type = type;
        return done = true;
      },
      out, options);
}

DecompressOptions decode_options(const gramzip_options& o, Backend& backend,
                                 std::span<const ModelPtr> models) {
  DecompressOptions options;
  options.threads = o.threads;
  options.backend = &backend;
  options.models = models;
  if (o.max_output > 0) options.max_output = o.max_output;
  options.find_base = [base = base_of(o)](const frame::ContentId&) { return base; };
  return options;
}

void decompress_to(Source& in, RandomSource* random, MemberSink& members,
                   const gramzip_options* given) {
  const gramzip_options o = checked(given);
  const auto backend = make_backend(o);
  const std::vector<ModelPtr> models = models_of(o);
  DecompressOptions options = decode_options(o, *backend, models);
  options.archive = random;
  decompress(in, members, options);
}
}  // namespace

extern "C" {
const char* gramzip_version(void) { return GRAMZIP_VERSION; }

const char* gramzip_status_text(gramzip_status status) {
  switch (status) {
    case GRAMZIP_OK:
      return "success";
    case GRAMZIP_INVALID_ARGUMENT:
      return "invalid argument";
    case GRAMZIP_OUTPUT_TOO_SMALL:
      return "output buffer too small";
    case GRAMZIP_NOT_FOUND:
      return "not found";
    case GRAMZIP_NOT_AN_ARCHIVE:
      return "not a gramzip archive";
    case GRAMZIP_TRUNCATED:
      return "truncated archive";
    case GRAMZIP_CORRUPT:
      return "corrupt data";
    case GRAMZIP_UNSUPPORTED:
      return "unsupported version or feature";
    case GRAMZIP_LIMIT:
      return "limit exceeded";
    case GRAMZIP_UNSAFE_NAME:
      return "unsafe member name";
    case GRAMZIP_BUFFER_CHANGED:
      return "delta applied in part";
    case GRAMZIP_IO:
      return "input or output error";
    case GRAMZIP_NO_MEMORY:
      return "out of memory";
    case GRAMZIP_DEVICE:
      return "device error";
    case GRAMZIP_CANCELLED:
      return "cancelled";
    case GRAMZIP_INTERNAL:
      return "internal error";
  }
  return "unknown status";
}

const char* gramzip_last_error(void) { return last_error.c_str(); }

size_t gramzip_compress_bound(size_t size) {
  const size_t extra = size / 1024 + (size_t{16} << 10);
  return size > std::numeric_limits<size_t>::max() - extra ? std::numeric_limits<size_t>::max()
                                                           : size + extra;
}

gramzip_status gramzip_compress(const void* src, size_t src_size, void* dst, size_t* dst_size,
                                const gramzip_options* options) {
  return guarded([&] {
    require((src != nullptr || src_size == 0) && dst_size != nullptr &&
                (dst != nullptr || *dst_size == 0),
            "a null pointer");
    MemorySource in(src, src_size);
    MemorySink out(dst, *dst_size);
    const gramzip_options o = checked(options);
    compress_to(in, &in, out, o, base_of(o));
    *dst_size = out.used();
  });
}

gramzip_status gramzip_quantize(const void* src, size_t src_size, void* dst, size_t* dst_size,
                                const gramzip_quantize_options* given,
                                gramzip_quantize_result* result, const gramzip_options* options) {
  return guarded([&] {
    require((src != nullptr || src_size == 0) && dst_size != nullptr &&
                (dst != nullptr || *dst_size == 0) && given != nullptr,
            "a null pointer");
    require(given->struct_size == sizeof *given,
            "quantize.struct_size is not that of this version; use GRAMZIP_QUANTIZE_OPTIONS_INIT");
    require(given->keep != nullptr || given->keep_count == 0, "quantize.keep is null");
    const gramzip_options o = checked(options);
    const std::unique_ptr<Backend> backend = make_backend(o);
    QuantizeOptions q;
    const auto target = [](double v) { return v == 0 ? std::nullopt : std::optional<double>(v); };
    q.target_bpw = target(given->target_bpw);
    q.target_sqnr = target(given->target_sqnr);
    q.max_error = target(given->max_error);
    q.default_rules = given->all_tensors == 0;
    for (size_t i = 0; i < given->keep_count; ++i) {
      require(given->keep[i] != nullptr, "a name in quantize.keep is null");
      q.keep.emplace_back(given->keep[i]);
    }
    q.threads = o.threads;
    q.backend = backend.get();
    MemorySource in(src, src_size);
    MemorySink out(dst, *dst_size);
    const QuantizeInput input{"", 0644, &in};
    const QuantizeResult r = quantize({&input, 1}, out, q);
    *dst_size = out.used();
    if (result == nullptr) return;
    const ErrorFigures& f = r.report.total.figures;
    *result = {r.bits_per_weight(), f.sqnr_db(), f.max_error};
  });
}

gramzip_status gramzip_content_size(const void* src, size_t src_size, uint64_t* content_size) {
  return guarded([&] {
    require(src != nullptr && content_size != nullptr, "a null pointer");
    *content_size = ArchiveReader(std::make_shared<MemorySource>(src, src_size)).content_bytes();
  });
}

gramzip_status gramzip_decompress(const void* src, size_t src_size, void* dst, size_t* dst_size,
                                  const gramzip_options* options) {
  return guarded([&] {
    require(src != nullptr && dst_size != nullptr && (dst != nullptr || *dst_size == 0),
            "a null pointer");
    MemorySource in(src, src_size);
    MemorySink out(dst, *dst_size);
    MemoryMembers members(out);
    decompress_to(in, &in, members, options);
    *dst_size = out.used();
  });
}

gramzip_status gramzip_decompress_range(const void* src, size_t src_size, uint64_t begin, void* dst,
                                        size_t* dst_size, const gramzip_options* options) {
  return guarded([&] {
    require(src != nullptr && dst_size != nullptr && (dst != nullptr || *dst_size == 0),
            "a null pointer");
    require(begin <= UINT64_MAX - *dst_size, "a range beyond 2^64");
    const gramzip_options o = checked(options);
    const auto backend = make_backend(o);
    ArchiveReader reader(std::make_shared<MemorySource>(src, src_size));
    MemorySink out(dst, *dst_size);
    const std::vector<ModelPtr> models = models_of(o);
    reader.read(begin, begin + *dst_size, out, decode_options(o, *backend, models));
  });
}

gramzip_status gramzip_compress_stream(gramzip_read_fn read, void* read_context,
                                       gramzip_write_fn write, void* write_context,
                                       const gramzip_options* options) {
  return guarded([&] {
    require(read != nullptr && write != nullptr, "a null pointer");
    CallbackSource in(read, read_context);
    CallbackSink out(write, write_context);
    const gramzip_options o = checked(options);
    compress_to(in, nullptr, out, o, base_of(o));
  });
}

gramzip_status gramzip_decompress_stream(gramzip_read_fn read, void* read_context,
                                         gramzip_write_fn write, void* write_context,
                                         const gramzip_options* options) {
  return guarded([&] {
    require(read != nullptr && write != nullptr, "a null pointer");
    CallbackSource in(read, read_context);
    CallbackSink out(write, write_context);
    JoinedMembers members(out);
    decompress_to(in, nullptr, members, options);
  });
}

gramzip_status gramzip_encode_delta(const void* base, const void* target, size_t size,
                                    gramzip_dtype dtype, void* dst, size_t* dst_size,
                                    const gramzip_options* options) {
  return guarded([&] {
    require(((base != nullptr && target != nullptr) || size == 0) && dst_size != nullptr &&
                (dst != nullptr || *dst_size == 0),
            "a null pointer");
    require(
        dtype == GRAMZIP_DTYPE_BYTES || (dtype >= GRAMZIP_DTYPE_BF16 && dtype <= GRAMZIP_DTYPE_I64),
        "the dtype is unknown");
    const auto type = static_cast<ElementType>(dtype);
    require(size % element_info(type).bytes == 0, "the size is no whole number of elements");
    const gramzip_options o = checked(options, Arrays::yes);
    const auto content = array_source(target, size, o);
    FrontToBack in(*content);
    MemorySink out(dst, *dst_size);
    compress_to(in, nullptr, out, o, Base::of_file(array_source(base, size, o), ""), type);
    *dst_size = out.used();
  });
}

gramzip_status gramzip_apply_delta(const void* delta, size_t delta_size, void* buffer, size_t size,
                                   const gramzip_options* options) {
  return guarded([&] {
    require(delta != nullptr && (buffer != nullptr || size == 0), "a null pointer");
    const gramzip_options o = checked(options, Arrays::yes);
    const auto array = array_buffer(buffer, size, o);
    const auto backend = make_backend(o);
    const std::vector<ModelPtr> models = models_of(o);
    apply_delta(std::make_shared<MemorySource>(delta, delta_size), array,
                decode_options(o, *backend, models));
  });
}

gramzip_status gramzip_model_train(const void* text, size_t size, gramzip_model** model,
                                   const gramzip_options* options) {
  return guarded([&] {
    require(text != nullptr && size > 0 && model != nullptr, "a null pointer or no text");
    const gramzip_options o = checked(options);
    std::vector<std::span<const uint8_t>> pieces;
    for (size_t at = 0; at < size; at += kMaxSegmentBytes)
      pieces.emplace_back(static_cast<const uint8_t*>(text) + at,
                          std::min<size_t>(size - at, kMaxSegmentBytes));
    TrainOptions t;
    t.effort = static_cast<uint8_t>(o.level == 0 ? kDefaultLevel : o.level);
    t.threads = o.threads;
    t.general = true;
    *model = make_model(train_model(pieces, t));
  });
}

gramzip_status gramzip_model_load(const void* src, size_t src_size, gramzip_model** model) {
  return guarded([&] {
    require(src != nullptr && model != nullptr, "a null pointer");
    *model =
        make_model(frame::load_model_file({static_cast<const uint8_t*>(src), src_size}, "model"));
  });
}

gramzip_status gramzip_model_save(const gramzip_model* model, void* dst, size_t* dst_size) {
  return guarded([&] {
    require(model != nullptr && dst_size != nullptr && (dst != nullptr || *dst_size == 0),
            "a null pointer");
    MemorySink out(dst, *dst_size);
    out.write(model->file);
    *dst_size = out.used();
  });
}

void gramzip_model_free(gramzip_model* model) { delete model; }
}  // extern "C"
