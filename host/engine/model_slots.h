// SPDX-License-Identifier: Apache-2.0
// The models that a decoder may need: those of an archive's sections, which are loaded by the first
// segment that uses them, and those of the caller.
#pragma once
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <vector>

#include "host/engine/engine.h"
#include "host/frame/segment_meta.h"

namespace gramzip {
// A model section's bytes, whose name is known and whose fields are checked at first use.
class ModelSlot {
 public:
  ModelSlot(std::span<const uint8_t> bytes, std::string where);
  const Hash128& id() const { return id_; }
  // By any thread. Throws Error(corrupt), each time the same.
  ModelPtr get();

 private:
  Hash128 id_;
  std::string where_;
  std::mutex mutex_;
  std::vector<uint8_t> bytes_;  // until the model is there
  ModelPtr model_;
};
using ModelSlots = std::vector<std::shared_ptr<ModelSlot>>;  // newest last

// The model that a segment names, among its sections in reach or, if the archive has the feature,
// the caller's. Null for a segment that names none. Throws Error(unsupported) for one that must be
// given, Error(corrupt) for one that should be in the archive.
ModelPtr find_model(const frame::SegmentMeta& m, const ModelSlots& in_reach, uint32_t features,
                    std::span<const ModelPtr> given, const std::string& where);
}  // namespace gramzip
