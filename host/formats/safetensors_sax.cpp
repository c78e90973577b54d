// SPDX-License-Identifier: Apache-2.0
// Parses a safetensors header without building a JSON tree: a state machine over SAX events, so
// memory is bounded by the tensors themselves, and duplicate keys and nesting are seen where they
// stand.
#include "host/formats/safetensors_sax.h"

#include <algorithm>
#include <numeric>
#include <optional>
#include <string_view>

#include "host/formats/dtype.h"
#include "host/formats/fault.h"
#include "host/formats/json_events.h"

namespace gramzip::safetensors {
namespace {
using formats::in_quotes;
using formats::kMaxSize;

constexpr size_t kMaxRank = 1024;
constexpr size_t kMaxDtypeBytes = 64;

// The keys of one object, kept only to find duplicates.
class Keys {
 public:
  // False if that is too much.
  bool add(std::string_view key) {
    if (begins_.size() == kMaxKeys || arena_.size() + key.size() > kMaxKeyBytes) return false;
    begins_.push_back(static_cast<uint32_t>(arena_.size()));
    arena_.append(key);
    return true;
  }
  // A key that occurs twice.
  std::optional<std::string_view> duplicate() {
    begins_.push_back(static_cast<uint32_t>(arena_.size()));
    std::vector<uint32_t> order(begins_.size() - 1);
    std::iota(order.begin(), order.end(), 0u);
    std::sort(order.begin(), order.end(), [&](uint32_t a, uint32_t b) { return at(a) < at(b); });
    const auto it = std::adjacent_find(order.begin(), order.end(),
                                       [&](uint32_t a, uint32_t b) { return at(a) == at(b); });
    if (it == order.end()) return std::nullopt;
    return at(*it);
  }

 private:
  std::string_view at(uint32_t i) const {
    return std::string_view(arena_).substr(begins_[i], begins_[i + 1] - begins_[i]);
  }
  static constexpr size_t kMaxKeys = 1u << 18, kMaxKeyBytes = 16u << 20;
  std::string arena_;
  std::vector<uint32_t> begins_;
};

class Handler final : public formats::JsonHandler {
 public:
  formats::TensorList tensors{"safetensors header"};

  void odd(Odd what) override {
    static constexpr const char* kNames[] = {"null", "a boolean", "a number", "a number"};
    if (in_array() && what == Odd::negative) bad(where() + "a negative number");
    if (in_array() && what == Odd::fraction)
      bad(where() + "a number that is no integer below 2^64");
    unexpected(kNames[static_cast<size_t>(what)]);
  }
  void number(uint64_t v) override {
    if (!in_array()) unexpected("a number");
    if (v > kMaxSize) bad(where() + "a number above 2^63");
    if (state_ == State::shape) {
      if (tensor_.shape.size() == kMaxRank) bad(where() + "more than 1024 dimensions");
      tensor_.shape.push_back(v);
    } else {
      if (offsets_ == 2) bad(where() + "more than two numbers");
      (offsets_ == 0 ? tensor_.begin : tensor_.end) = v;
      ++offsets_;
    }
  }
  void string(std::string& v) override {
    if (state_ == State::metadata) return;
    if (state_ != State::dtype) unexpected("a string");
    if (v.empty() || v.size() > kMaxDtypeBytes) bad(where() + "not 1 to 64 bytes long");
    tensor_.dtype = v;
    state_ = State::tensor;
  }

  void begin_object() override {
    if (state_ == State::start) {
      state_ = State::top;
    } else if (state_ == State::top) {
      state_ = in_metadata_ ? State::metadata : State::tensor;
      if (!in_metadata_) begin_tensor();
    } else {
      unexpected("an object");
    }
  }
  void key(std::string& k) override {
    if (state_ == State::top) {
      in_metadata_ = k == "__metadata__";
      if (in_metadata_ && has_metadata_) bad("key '__metadata__' twice");
      has_metadata_ |= in_metadata_;
      tensor_ = Tensor{};
      tensor_.name = k;
    } else if (state_ == State::metadata) {
      if (!metadata_.add(k)) bad("__metadata__: more than 2^18 keys, or 16 MiB of them");
    } else {
      tensor_key(k);
    }
  }
  void end_object() override {
    if (state_ == State::tensor) {
      end_tensor();
      state_ = State::top;
    } else if (state_ == State::metadata) {
      if (const auto k = metadata_.duplicate())
        bad("__metadata__: key " + in_quotes(*k) + " twice");
      metadata_ = Keys();
      in_metadata_ = false;
      state_ = State::top;
    } else {
      tensors.check_names("key");
      state_ = State::done;
    }
  }
  void begin_array() override {
    if (state_ == State::shape_value) {
      state_ = State::shape;
    } else if (state_ == State::offsets_value) {
      state_ = State::offsets;
    } else {
      unexpected("an array");
    }
  }
  void end_array() override {
    if (state_ == State::offsets && offsets_ != 2) bad(where() + "fewer than two numbers");
    state_ = State::tensor;
  }
  void malformed(uint64_t at, const char* why) override {
    bad(std::string(why) + " at byte " + std::to_string(at));
  }

 private:
  // *_value: behind that key, before its value.
  enum class State {
    start,
    top,
    metadata,
    tensor,
    dtype,
    shape_value,
    shape,
    offsets_value,
    offsets,
    done
  };

  bool in_array() const { return state_ == State::shape || state_ == State::offsets; }

  std::string where() const {
    const std::string tensor = "tensor " + in_quotes(tensor_.name) + ": ";
    switch (state_) {
      case State::start:
      case State::done:
        return "";
      case State::top:
        return in_metadata_ ? "__metadata__: " : tensor;
      case State::metadata:
        return "__metadata__: ";
      case State::tensor:
        return tensor;
      case State::dtype:
        return tensor + "dtype: ";
      case State::shape_value:
      case State::shape:
        return tensor + "shape: ";
      case State::offsets_value:
      case State::offsets:
        return tensor + "data_offsets: ";
    }
    return "";
  }
  [[noreturn]] void unexpected(const char* what) const {
    const char* wanted = "an object";
    if (state_ == State::metadata || state_ == State::dtype) wanted = "a string";
    if (state_ == State::shape_value || state_ == State::offsets_value) wanted = "an array";
    if (in_array()) wanted = "a number";
    bad(where() + what + " instead of " + wanted);
  }

  void begin_tensor() { offsets_ = 0, has_dtype_ = has_shape_ = has_offsets_ = false; }

  void tensor_key(const std::string& k) {
    bool* has = nullptr;
    if (k == "dtype") has = &has_dtype_, state_ = State::dtype;
    if (k == "shape") has = &has_shape_, state_ = State::shape_value;
    if (k == "data_offsets") has = &has_offsets_, state_ = State::offsets_value;
    if (has == nullptr) bad(where() + "unknown key " + in_quotes(k));
    if (*has) bad(where() + "given twice");
    *has = true;
  }

  void end_tensor() {
    if (!has_dtype_) bad(where() + "no dtype");
    if (!has_shape_) bad(where() + "no shape");
    if (!has_offsets_) bad(where() + "no data_offsets");
    if (tensor_.begin > tensor_.end) bad(where() + "data_offsets: ends before it begins");
    if (const formats::Dtype* d = formats::find_dtype(tensor_.dtype)) {
      tensor_.type = d->type;
      check_size(*d);
    }
    tensors.add(std::move(tensor_));
  }

  void check_size(const formats::Dtype& d) const {
    uint64_t n = 0;
    if (const auto bytes = formats::tensor_bytes(tensor_.shape, d.bits)) {
      n = *bytes;
    } else {
      bad(where() + "shape: not a whole number of bytes, or more than 2^64 bits");
    }
    if (n != tensor_.end - tensor_.begin) {
      bad(where() + "data_offsets: " + std::to_string(tensor_.end - tensor_.begin) +
          " bytes, but dtype and shape make " + std::to_string(n));
    }
  }

  State state_ = State::start;
  bool in_metadata_ = false, has_metadata_ = false;
  Keys metadata_;
  Tensor tensor_;
  int offsets_ = 0;
  bool has_dtype_ = false, has_shape_ = false, has_offsets_ = false;
};
}  // namespace

formats::TensorList parse_tensors(RandomSource& file, uint64_t begin, uint64_t end) {
  Handler handler;
  formats::parse_json(file, begin, end, handler);
  return std::move(handler.tensors);
}
}  // namespace gramzip::safetensors
