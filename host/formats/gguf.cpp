// SPDX-License-Identifier: Apache-2.0
#include "host/formats/gguf.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include "host/formats/byte_window.h"
#include "host/formats/dtype.h"
#include "host/formats/fault.h"
#include "host/formats/gguf_types.h"
#include "host/formats/tensor_list.h"

namespace gramzip::gguf {
namespace {
using formats::in_quotes;

constexpr uint32_t kMaxDims = 8;  // ggml has 4
constexpr uint64_t kMaxNameBytes = 4096, kMaxKeyBytes = 65535;
constexpr uint32_t kMaxDepth = 4;         // arrays in arrays
constexpr uint64_t kMaxItems = 1u << 24;  // of metadata: vocabularies have some 300,000 strings
constexpr uint32_t kString = 8, kArray = 9;
// Bytes of a metadata value by type; 0: of no fixed size.
constexpr uint8_t kValueBytes[] = {1, 1, 2, 2, 4, 4, 4, 1, 0, 0, 8, 8, 8};

class Reader {
 public:
  // keys: gets the metadata; may be null.
  Reader(RandomSource& file, std::vector<Key>* keys)
      : file_(file), in_(file, 0, file.size()), keys_(keys) {}

  std::vector<Tensor> run() {
    uint32_t magic = 0, version = 0;
    uint64_t tensors = 0, keys = 0;
    number(magic), number(version);
    if (version != 0 && (version & 0xffff) == 0) bad("big-endian files are not known");
    if (version != 2 && version != 3) bad("version " + std::to_string(version) + " is not known");
    number(tensors), number(keys);
    // The least that each takes: a name's size, a dimension count, a type, an offset; a key's size,
    // a type, a value.
    if (tensors > in_.left() / 24) bad("tensor count: more than the file can hold");
    if (keys > in_.left() / 13) bad("key count: more than the file can hold");
    for (uint64_t i = 0; i < keys; ++i) key();
    where_.clear();
    for (uint64_t i = 0; i < tensors; ++i) tensor();
    return place();
  }

 private:
  [[noreturn]] void bad(const std::string& what) const {
    if (in_key_) formats::refuse("GGUF", "key " + in_quotes(key_) + ": " + what);
    formats::refuse("GGUF", where_.empty() ? what : where_ + ": " + what);
  }
  template <class T>
  void number(T& v) {
    if (!in_.number(v)) bad("cut short");
  }
  std::string text(uint64_t most, const char* what) {
    uint64_t n = 0;
    number(n);
    if (n > most) bad(std::string(what) + ": longer than " + std::to_string(most) + " bytes");
    const uint8_t* p = in_.take(n);
    if (p == nullptr) bad(std::string(what) + ": cut short");
    return {reinterpret_cast<const char*>(p), n};
  }
  void skip(uint64_t n) {
    if (!in_.skip(n)) bad("value: longer than the file");
  }

  void key() {
    key_ = text(kMaxKeyBytes, "key");
    in_key_ = true;
    uint32_t type = 0;
    number(type);
    const uint64_t begin = in_.at();
    if (key_ == "general.alignment") {
      uint32_t v = 0;
      if (type != 4) bad("not a 32-bit number");
      number(v);
      if (v < 8 || v > (1u << 20) || !std::has_single_bit(v)) bad("no power of two from 8 to 2^20");
      alignment_ = v;
    } else {
      value(type, 0);
    }
    if (keys_ != nullptr) {
      if (keys_->size() == kMaxKeys) fail(ErrorCode::limit, "GGUF: more than 65536 keys");
      keys_->push_back({key_, type, begin, in_.at()});
    }
    in_key_ = false;
  }
  void value(uint32_t type, uint32_t depth) {
    if (++items_ > kMaxItems) bad("more than 2^24 items of metadata");
    if (type >= std::size(kValueBytes)) bad("type " + std::to_string(type) + " is not known");
    uint64_t n = 0;
    if (type == kString) {
      number(n);
      skip(n);
    } else if (type == kArray) {
      uint32_t of = 0;
      number(of), number(n);
      if (depth == kMaxDepth) bad("arrays nested more than 4 deep");
      if (of >= std::size(kValueBytes)) bad("type " + std::to_string(of) + " is not known");
      if (const uint64_t each = kValueBytes[of]) {
        if (n > in_.left() / each) bad("array: longer than the file");
        skip(n * each);
      } else {
        if (n > in_.left() / 8) bad("array: longer than the file");
        for (uint64_t i = 0; i < n; ++i) value(of, depth + 1);
      }
    } else {
      skip(kValueBytes[type]);
    }
  }

  void tensor() {
    where_ = "tensor " + std::to_string(list_.size());
    Tensor t;
    t.name = text(kMaxNameBytes, "name");
    where_ = "tensor " + in_quotes(t.name);
    uint32_t dims = 0, id = 0;
    number(dims);
    if (dims > kMaxDims) bad("more than 8 dimensions");
    t.shape.resize(dims);
    for (uint64_t& d : t.shape) {
      number(d);
      if (d > formats::kMaxSize) bad("shape: a dimension above 2^63");
    }
    const uint64_t row = dims > 0 ? t.shape[0] : 1;
    std::reverse(t.shape.begin(), t.shape.end());
    number(id);
    number(t.begin);
    if (const Type* type = find_type(id)) {
      t.dtype = type->name;
      t.type = type->type;
      if (type->type == ElementType::bytes && type->bytes > 1)
        t.period = static_cast<uint16_t>(type->bytes);
      if (row % type->elements != 0)
        bad("shape: rows of " + std::to_string(row) + " are no whole blocks of " + type->name);
      const auto elements = formats::tensor_bytes(t.shape, 8);
      uint64_t bytes = 0;
      if (!elements || __builtin_mul_overflow(*elements / type->elements, type->bytes, &bytes) ||
          __builtin_add_overflow(t.begin, bytes, &t.end))
        bad("shape: above 2^64 bytes");
    } else {
      t.dtype = "type " + std::to_string(id);
      t.end = kUnknown;
    }
    list_.add(std::move(t));
    where_.clear();
  }

  // Offsets become those of the file.
  std::vector<Tensor> place() {
    list_.check_names("tensor");
    // Where nothing follows, nothing is padded.
    const uint64_t begin =
        std::min(file_.size(), (in_.at() + alignment_ - 1) / alignment_ * alignment_);
    const uint64_t room = file_.size() - begin;
    std::vector<Tensor>& all = list_.items();
    std::stable_sort(all.begin(), all.end(),
                     [](const Tensor& a, const Tensor& b) { return a.begin < b.begin; });
    for (size_t i = 0; i < all.size(); ++i) {
      Tensor& t = all[i];
      where_ = "tensor " + in_quotes(t.name);
      if (t.begin % alignment_ != 0)
        bad("offset: " + std::to_string(t.begin) + " is no multiple of " +
            std::to_string(alignment_));
      // One of unknown type ends where the next begins.
      if (t.end == kUnknown)
        t.end = std::max(t.begin, i + 1 < all.size() ? all[i + 1].begin : room);
      if (t.end > room)
        bad("offset: ends at " + std::to_string(t.end) + " of " + std::to_string(room) +
            " bytes of data");
      t.begin += begin;
      t.end += begin;
    }
    list_.sort_by_place();
    return std::move(all);
  }

  static constexpr uint64_t kUnknown = UINT64_MAX;
  RandomSource& file_;
  formats::ByteWindow in_;
  std::vector<Key>* keys_;
  formats::TensorList list_{"GGUF"};
  std::string where_;
  std::string key_;  // the last one; there may be millions, so errors alone quote it
  bool in_key_ = false;
  uint64_t items_ = 0;
  uint32_t alignment_ = 32;
};
}  // namespace

namespace {
bool has_magic(RandomSource& file) {
  uint8_t magic[4];
  return file.read_at(0, magic, 4) == 4 && std::memcmp(magic, "GGUF", 4) == 0;
}
}  // namespace

std::optional<std::vector<Tensor>> read(RandomSource& file) {
  if (!has_magic(file)) return std::nullopt;
  return Reader(file, nullptr).run();
}

std::optional<std::vector<Key>> read_keys(RandomSource& file) {
  if (!has_magic(file)) return std::nullopt;
  std::vector<Key> keys;
  Reader(file, &keys).run();
  return keys;
}
}  // namespace gramzip::gguf
