// SPDX-License-Identifier: Apache-2.0
#include "host/formats/pickle_names.h"

#include "host/formats/byte_window.h"

namespace gramzip::torch {
Value Names::add() {
  if (nodes_.size() == kMaxNodes) return {};
  nodes_.emplace_back();
  return {Kind::node, static_cast<uint32_t>(nodes_.size() - 1), 0};
}

void Names::hold(uint32_t parent, const Value& key, uint32_t child) {
  Node& c = nodes_[child];
  if (c.parent != kNone || child == parent) return;
  c.parent = parent;
  c.key = key;
}

std::string Names::path(RandomSource& file, uint32_t node, const Value& key) const {
  std::vector<std::string> parts;
  size_t bytes = 0;
  const Value* k = &key;
  for (size_t depth = 0;; ++depth) {
    if (depth > kMaxDepth) return "";
    std::string part;
    if (k->kind == Kind::integer) part = std::to_string(static_cast<int64_t>(k->at));
    if (k->kind == Kind::string) {
      if (k->n > kMaxBytes) return "";
      part.resize(k->n);
      formats::read_exactly(file, k->at, reinterpret_cast<uint8_t*>(part.data()), part.size());
    }
    bytes += part.size() + 1;
    if (bytes > kMaxBytes) return "";
    if (!part.empty()) parts.push_back(std::move(part));
    if (node == kNone) break;
    k = &nodes_[node].key;
    node = nodes_[node].parent;
  }
  std::string out;
  for (size_t i = parts.size(); i-- > 0;) out.append(out.empty() ? "" : ".").append(parts[i]);
  return out;
}
}  // namespace gramzip::torch
