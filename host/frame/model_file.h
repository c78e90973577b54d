// SPDX-License-Identifier: Apache-2.0
// Model files, .grm: the bytes of a model and their XXH3-128 (docs/format.md, 10).
#pragma once
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "host/model/ngram_model.h"

namespace gramzip::frame {
inline constexpr size_t kModelFileHashBytes = 16;

// True if the bytes start as a model does.
bool is_model_magic(std::span<const uint8_t> bytes);
// Sets the model's id.
std::vector<uint8_t> store_model_file(model::NgramModel& m);
// Checks everything; `where` begins the message of an error.
model::NgramModel load_model_file(std::span<const uint8_t> file, const std::string& where);
}  // namespace gramzip::frame
