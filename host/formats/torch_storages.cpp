// SPDX-License-Identifier: Apache-2.0
#include "host/formats/torch_storages.h"

namespace gramzip::torch {
namespace {
constexpr size_t kMaxRank = 64;
}  // namespace

uint32_t Storages::of(uint32_t entry, const formats::Dtype* dtype, uint64_t elements) {
  const auto [known, fresh] = by_entry_.try_emplace(entry, static_cast<uint32_t>(items_.size()));
  if (fresh) items_.push_back({{entry, dtype, elements, {}, false, {}}, Names::kNone, {}, nullptr});
  Storage& s = items_[known->second].storage;
  if (s.dtype != dtype || s.elements != elements) s.dtype = nullptr;
  return known->second;
}

Value Storages::call(uint32_t f, std::span<const Value> args, const Stack& stack) {
  if (f == kRebuildFromType && args.size() >= 3 && args[0].kind == Kind::global) {
    f = args[0].n;
    args = stack.items(args[2]);
  }
  if (f == kRebuildParameter && !args.empty()) return plain(args[0]);
  const bool typed = f == kRebuildTensorTyped;
  if ((f != kRebuildTensor && !typed) || args.size() < (typed ? 7u : 4u) ||
      args[0].kind != Kind::storage)
    return {};
  const uint32_t n = args[0].n;
  if (typed) retype(n, args[6].kind == Kind::global ? dtype_of(args[6].n) : nullptr);
  const bool whole = args[1].kind == Kind::integer && args[1].at == 0 &&
                     take_shape(n, stack.items(args[2]), stack.items(args[3]));
  return {Kind::tensor, n, whole ? 1u : 0u};
}

// A storage without a type of its own has its elements counted in bytes.
void Storages::retype(uint32_t n, const formats::Dtype* dtype) {
  Item& i = items_[n];
  if (i.typed == nullptr) i.typed = dtype;
  if (dtype == nullptr || i.typed != dtype) i.storage.dtype = nullptr;
}

// True if the tensor is all of its storage, in order.
bool Storages::take_shape(uint32_t n, std::span<const Value> shape, std::span<const Value> stride) {
  const formats::Dtype* typed = items_[n].typed;
  Storage& s = items_[n].storage;
  if (shape.size() != stride.size() || shape.size() > kMaxRank) return false;
  uint64_t elements = 1;
  for (size_t i = shape.size(); i-- > 0;) {
    if (shape[i].kind != Kind::integer || stride[i].kind != Kind::integer) return false;
    if (shape[i].at != 1 && stride[i].at != elements) return false;
    if (__builtin_mul_overflow(elements, shape[i].at, &elements)) return false;
  }
  if (elements != s.elements / (typed == nullptr ? 1 : typed->bits / 8)) return false;
  if (s.has_shape) return true;
  for (const Value& d : shape) s.shape.push_back(d.at);
  s.has_shape = true;
  return true;
}

void Storages::name(uint32_t n, uint32_t node, const Value& key) {
  if (items_[n].node != Names::kNone) return;
  items_[n].node = node;
  items_[n].key = key;
}

std::vector<Storage> Storages::finish(RandomSource& file, const Names& names) {
  std::vector<Storage> out;
  out.reserve(items_.size());
  for (Item& i : items_) {
    if (i.node != Names::kNone) i.storage.name = names.path(file, i.node, i.key);
    if (i.typed != nullptr && i.storage.dtype != nullptr) {
      i.storage.dtype = i.typed;
      i.storage.elements /= i.typed->bits / 8;
    }
    out.push_back(std::move(i.storage));
  }
  return out;
}
}  // namespace gramzip::torch
