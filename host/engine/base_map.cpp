// SPDX-License-Identifier: Apache-2.0
#include "host/engine/base_map.h"

namespace gramzip {
BaseMap::BaseMap(Base& base) : base_(base) {
  for (size_t p = 0; p < base.parts().size(); ++p) {
    const Base::Part& part = base.parts()[p];
    PartSource file(base.content(), part.start, part.size);
    std::optional<Checkpoint> checkpoint;
    try {
      checkpoint = read_checkpoint(file);
    } catch (const Error& e) {
      // Plain bytes, as when it was compressed itself.
      if (e.code() != ErrorCode::corrupt) throw;
    }
    if (!checkpoint) continue;
    for (Tensor& t : checkpoint->tensors)
      if (t.end > t.begin)
        tensors_[std::move(t.name)].push_back(
            {p, part.start + t.begin, t.end - t.begin, t.type, t.period});
  }
}

std::optional<uint64_t> BaseMap::tensor(const std::string& member, const Tensor& t) const {
  const auto known = tensors_.find(t.name);
  if (known == tensors_.end()) return std::nullopt;
  const Known* found = nullptr;
  for (const Known& k : known->second) {
    if (k.bytes != t.end - t.begin || k.type != t.type || k.period != t.period) continue;
    const bool namesake = base_.parts()[k.part].name == member;
    if (namesake || found == nullptr) found = &k;
    if (namesake) break;
  }
  if (found == nullptr) return std::nullopt;
  return found->at;
}

std::optional<uint64_t> BaseMap::member(const std::string& name, bool first) const {
  const auto& parts = base_.parts();
  if (first && parts.size() == 1) return parts[0].start;
  for (const Base::Part& p : parts)
    if (!name.empty() && p.name == name) return p.start;
  return std::nullopt;
}
}  // namespace gramzip
