// SPDX-License-Identifier: Apache-2.0
#include "host/engine/model_slots.h"

#include "host/frame/model_wire.h"
#include "host/frame/sections.h"

namespace gramzip {
ModelSlot::ModelSlot(std::span<const uint8_t> bytes, std::string where)
    : id_(hash128(bytes)), where_(std::move(where)), bytes_(bytes.begin(), bytes.end()) {}

ModelPtr ModelSlot::get() {
  const std::lock_guard lock(mutex_);
  if (model_) return model_;
  model_ = std::make_shared<const model::TextModel>(frame::load_model(bytes_, where_));
  bytes_ = {};
  return model_;
}

ModelPtr find_model(const frame::SegmentMeta& m, const ModelSlots& in_reach, uint32_t features,
                    std::span<const ModelPtr> given, const std::string& where) {
  if (m.header.codec != Codec::ngram) return nullptr;
  const Hash128 id = m.model_id();
  for (auto slot = in_reach.rbegin(); slot != in_reach.rend(); ++slot)
    if ((*slot)->id() == id) return (*slot)->get();
  if ((features & frame::kFeatureModels) == 0)
    fail(ErrorCode::corrupt, where + ": model " + id.hex() + " is not among the last " +
                                 std::to_string(frame::kModelsInReach) + " of the archive");
  for (const ModelPtr& g : given)
    if (g->id() == id) return g;
  fail(ErrorCode::unsupported, where + ": needs model " + id.hex() +
                                   ", which the archive does not hold; give it with -D MODEL.grm");
}
}  // namespace gramzip
