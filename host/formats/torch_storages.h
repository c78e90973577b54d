// SPDX-License-Identifier: Apache-2.0
// The storages that a pickle's scanner has met, and what its calls say of them.
#pragma once
#include <span>
#include <unordered_map>
#include <vector>

#include "host/formats/pickle_stack.h"
#include "host/formats/torch_globals.h"
#include "host/formats/torch_pickle.h"

namespace gramzip::torch {
class Storages {
 public:
  // The storage of an entry; of two types or sizes it has none.
  uint32_t of(uint32_t entry, const formats::Dtype* dtype, uint64_t elements);
  // What function f makes of the arguments: a tensor on a storage, or a value of kind other.
  Value call(uint32_t f, std::span<const Value> args, const Stack& stack);
  // A tensor that is all of storage n is item `key` of container `node`; the first counts.
  void name(uint32_t n, uint32_t node, const Value& key);
  // The last call.
  std::vector<Storage> finish(RandomSource& file, const Names& names);

 private:
  void retype(uint32_t n, const formats::Dtype* dtype);
  bool take_shape(uint32_t n, std::span<const Value> shape, std::span<const Value> stride);

  struct Item {
    Storage storage;
    uint32_t node = Names::kNone;
    Value key;
    const formats::Dtype* typed = nullptr;  // by the tensors on it
  };
  std::vector<Item> items_;
  std::unordered_map<uint32_t, uint32_t> by_entry_;
};

// A value that may outlive its slot on the stack: a tuple may not.
inline Value plain(const Value& v) { return v.kind == Kind::tuple ? Value() : v; }
}  // namespace gramzip::torch
