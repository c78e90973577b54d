// SPDX-License-Identifier: Apache-2.0
// gramzip, C++20 view of the C interface: spans in, vectors out, exceptions for statuses. Header-only, so
// no C++ type crosses the library's boundary.
#pragma once
#include <cstdint>
#include <memory>
#include <span>
#include <stdexcept>
#include <vector>

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
}  // namespace gramzip
