// SPDX-License-Identifier: Apache-2.0
// gramzip, C++20 view of the C interface: spans in, vectors out, exceptions for statuses. Header-only, so
// no C++ type crosses the library's boundary.
#pragma once
#include <cstdint>
#include <memory>
#include <span>
#include <stdexcept>
#include <vector>

#include "gramzip/device.h"
#include "gramzip/gramzip.h"

namespace gramzip {
// What a failed call throws: the status and gramzip_last_error().
class StatusError : public std::runtime_error {
 public:
  StatusError(gramzip_status status, const char* what) : std::runtime_error(what), status_(status) {}
  gramzip_status status() const { return status_; }

 private:
  gramzip_status status_;
};

inline gramzip_options default_options() {
  gramzip_options o = GRAMZIP_OPTIONS_INIT;
  return o;
}

inline void check(gramzip_status status) {
  if (status != GRAMZIP_OK) throw StatusError(status, gramzip_last_error());
}

// A model of text. For options.models, which takes an array of `get()`.
class Model {
 public:
  static Model train(std::span<const uint8_t> text, const gramzip_options& options = default_options()) {
    gramzip_model* m = nullptr;
    check(gramzip_model_train(text.data(), text.size(), &m, &options));
    return Model(m);
  }
  // The bytes of a .grm file.
  static Model load(std::span<const uint8_t> file) {
    gramzip_model* m = nullptr;
    check(gramzip_model_load(file.data(), file.size(), &m));
    return Model(m);
  }
  std::vector<uint8_t> save() const {
    std::vector<uint8_t> file(GRAMZIP_MODEL_FILE_MAX);
    size_t size = file.size();
    check(gramzip_model_save(get(), file.data(), &size));
    file.resize(size);
    return file;
  }
  const gramzip_model* get() const { return model_.get(); }

 private:
  struct Free {
    void operator()(gramzip_model* m) const { gramzip_model_free(m); }
  };
  explicit Model(gramzip_model* m) : model_(m) {}
  std::unique_ptr<gramzip_model, Free> model_;
};

// One archive with one nameless member.
inline std::vector<uint8_t> compress(std::span<const uint8_t> content,
                                     const gramzip_options& options = default_options()) {
  std::vector<uint8_t> out(gramzip_compress_bound(content.size()));
  size_t size = out.size();
  check(gramzip_compress(content.data(), content.size(), out.data(), &size, &options));
  out.resize(size);
  return out;
}

// For encode_delta and apply_delta of arrays on that CUDA device: the spans then name its memory, and only the
// delta is host memory.
inline gramzip_options device_memory_options(int32_t device_index = 0) {
  gramzip_options o = GRAMZIP_OPTIONS_INIT;
  o.memory = GRAMZIP_MEMORY_DEVICE;
  o.device_index = device_index;
  return o;
}

// The delta of target against base, of one size and type.
inline std::vector<uint8_t> encode_delta(std::span<const uint8_t> base, std::span<const uint8_t> target,
                                         gramzip_dtype dtype,
                                         const gramzip_options& options = default_options()) {
  if (base.size() != target.size())
    throw StatusError(GRAMZIP_INVALID_ARGUMENT, "base and target differ in size");
  std::vector<uint8_t> out(gramzip_compress_bound(target.size()));
  size_t size = out.size();
  check(gramzip_encode_delta(base.data(), target.data(), target.size(), dtype, out.data(), &size, &options));
  out.resize(size);
  return out;
}

// buffer: the base before, the target after. What a StatusError leaves there: gramzip_apply_delta.
inline void apply_delta(std::span<const uint8_t> delta, std::span<uint8_t> buffer,
                        const gramzip_options& options = default_options()) {
  check(gramzip_apply_delta(delta.data(), delta.size(), buffer.data(), buffer.size(), &options));
}

// The content of an archive. Allocates what its index claims, at most options.max_output if that is set.
inline std::vector<uint8_t> decompress(std::span<const uint8_t> archive,
                                       const gramzip_options& options = default_options()) {
  uint64_t size = 0;
  check(gramzip_content_size(archive.data(), archive.size(), &size));
  if (options.max_output != 0 && size > options.max_output)
    throw StatusError(GRAMZIP_LIMIT, "the content is larger than options.max_output");
  std::vector<uint8_t> out(size);
  size_t used = out.size();
  check(gramzip_decompress(archive.data(), archive.size(), out.data(), &used, &options));
  out.resize(used);
  return out;
}
// One array as gramzip_device_compress codes it, by the CPU.
inline std::vector<uint8_t> compress_array(std::span<const uint8_t> array, gramzip_dtype dtype,
                                           uint32_t segment_bytes = 0) {
  std::vector<uint8_t> out(gramzip_compress_array_bound(array.size(), dtype, segment_bytes));
  size_t size = out.size();
  check(gramzip_compress_array(array.data(), array.size(), dtype, segment_bytes, out.data(), &size));
  out.resize(size);
  return out;
}

// Device memory to work in: gramzip/device.h says how it is aligned.
struct DeviceTemp {
  void* p;
  size_t bytes;
};

// A plan of gramzip/device.h. Its image in device memory ends in the order of the stream that it was made on.
class DevicePlan {
 public:
  // No items: one an archive, all of its content.
  static DevicePlan decompress(std::span<const gramzip_device_archive> archives,
                               std::span<const gramzip_device_item> items = {}, gramzip_stream stream = nullptr,
                               const gramzip_device_allocator* allocator = nullptr) {
    gramzip_device_plan* p = nullptr;
    check(gramzip_device_plan_decompress(archives.data(), archives.size(), items.empty() ? nullptr : items.data(),
                                         items.size(), allocator, stream, &p));
    return DevicePlan(p, stream);
  }
  static DevicePlan compress(std::span<const gramzip_device_array> arrays, uint32_t segment_bytes = 0,
                             gramzip_stream stream = nullptr, const gramzip_device_allocator* allocator = nullptr) {
    gramzip_device_plan* p = nullptr;
    check(gramzip_device_plan_compress(arrays.data(), arrays.size(), segment_bytes, allocator, stream, &p));
    return DevicePlan(p, stream);
  }

  size_t temp_bytes() const {
    size_t n = 0;
    check(gramzip_device_temp_bytes(get(), &n));
    return n;
  }
  uint64_t block_count() const {
    uint64_t n = 0;
    check(gramzip_device_block_count(get(), &n));
    return n;
  }
  uint64_t output_bytes(size_t item) const {
    uint64_t n = 0;
    check(gramzip_device_item_info(get(), item, &n, nullptr, nullptr));
    return n;
  }

  // One pointer an archive and an item, or an array, of the plan. Only enqueue.
  // bases: empty if no archive is a delta.
  void decompress(std::span<const void* const> archives, std::span<const void* const> bases,
                  std::span<void* const> outputs, DeviceTemp temp, uint32_t* block_status, uint32_t* bad_blocks,
                  gramzip_stream stream) const {
    check(gramzip_device_decompress(get(), archives.data(), bases.empty() ? nullptr : bases.data(), outputs.data(),
                                    temp.p, temp.bytes, block_status, bad_blocks, stream));
  }
  void compress(std::span<const void* const> inputs, std::span<void* const> outputs, DeviceTemp temp,
                uint64_t* archive_bytes, gramzip_stream stream) const {
    check(gramzip_device_compress(get(), inputs.data(), outputs.data(), temp.p, temp.bytes, archive_bytes, stream));
  }
  const gramzip_device_plan* get() const { return plan_.get(); }

 private:
  struct Free {
    gramzip_stream stream;
    void operator()(gramzip_device_plan* p) const { gramzip_device_plan_free(p, stream); }
  };
  DevicePlan(gramzip_device_plan* p, gramzip_stream stream) : plan_(p, Free{stream}) {}
  std::unique_ptr<gramzip_device_plan, Free> plan_;
};
}  // namespace gramzip
