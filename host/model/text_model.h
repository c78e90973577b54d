// SPDX-License-Identifier: Apache-2.0
// A model with all that is derived from it, built at first use and shared by threads.
#pragma once
#include <memory>
#include <mutex>

#include "host/model/encode_tables.h"
#include "host/model/machine.h"

namespace gramzip::model {
class TextModel {
 public:
  explicit TextModel(NgramModel m) : model_(std::move(m)) {}
  const NgramModel& model() const { return model_; }
  const Hash128& id() const { return model_.id; }
  // For decoding. First tables of 8 bits: of 9 or more, fewer steps, but more misses of the cache
  // (docs/decisions/0006).
  const DecodeMachine& machine() const {
    std::call_once(machine_once_, [this] { machine_ = make_machine(model_, 8); });
    return machine_;
  }
  // For encoding.
  const TextEncodeTables& encoder() const {
    std::call_once(encoder_once_,
                   [this] { encoder_ = std::make_unique<TextEncodeTables>(model_); });
    return *encoder_;
  }

 private:
  NgramModel model_;
  mutable std::once_flag machine_once_, encoder_once_;
  mutable DecodeMachine machine_;
  mutable std::unique_ptr<TextEncodeTables> encoder_;
};
}  // namespace gramzip::model
