// SPDX-License-Identifier: Apache-2.0
// What a pickle's scanner remembers of values: kinds and places in the file, never objects.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "host/base/io.h"

namespace gramzip::torch {
enum class Kind : uint8_t {
  other,
  string,   // n bytes at `at` in the file
  integer,  // at
  tuple,    // n values from `at` on in the arena
  global,   // n: a Global or kDtypes + an index
  storage,  // n: an index
  tensor,   // n: its storage; at: 1 if it is all of it
  node      // n: a container or object, in Names
};
struct Value {
  Kind kind = Kind::other;
  uint32_t n = 0;
  uint64_t at = 0;
};

// Containers, each with the one that holds it and its key there.
class Names {
 public:
  static constexpr uint32_t kNone = UINT32_MAX;
  static constexpr size_t kMaxNodes = 1u << 19, kMaxDepth = 32, kMaxBytes = 1024;

  // A container; of kind other if there are too many.
  Value add();
  // The child is held by the parent; the first holder counts. A key that is neither string nor
  // integer adds nothing to the path.
  void hold(uint32_t parent, const Value& key, uint32_t child);
  uint64_t next_index(uint32_t node) { return nodes_[node].items++; }
  // Keys from the outermost to `key` in `node`, with dots. Empty if that is deeper than kMaxDepth,
  // longer than kMaxBytes, or in itself.
  std::string path(RandomSource& file, uint32_t node, const Value& key) const;

 private:
  struct Node {
    Value key;
    uint32_t parent = kNone;
    uint32_t items = 0;
  };
  std::vector<Node> nodes_;
};
}  // namespace gramzip::torch
