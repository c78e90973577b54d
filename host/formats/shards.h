// SPDX-License-Identifier: Apache-2.0
// The index of a checkpoint in several files: JSON with a "weight_map" from tensors to files.
// Source: huggingface.co/docs/safetensors and huggingface_hub's split_state_dict_into_shards.
#pragma once
#include <string>
#include <vector>

#include "host/base/io.h"

namespace gramzip::formats {
// The names of the files, each once, sorted. Empty if the JSON has no weight_map at its top. Throws
// Error(corrupt) if the file is no JSON or the map breaks the rules, Error(unsafe_name) for a name
// that is not one of a file in the same folder.
std::vector<std::string> read_shard_index(RandomSource& file);
}  // namespace gramzip::formats
