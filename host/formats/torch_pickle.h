// SPDX-License-Identifier: Apache-2.0
// What a PyTorch data.pkl says of the storages beside it: element type, shape, name. Opcodes are
// followed, nothing is imported, called or built, and what is not understood is left out.
#pragma once
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "host/base/io.h"
#include "host/formats/dtype.h"

namespace gramzip::torch {
inline constexpr uint32_t kNoEntry = UINT32_MAX;

struct Storage {
  uint32_t entry = kNoEntry;              // as the lookup says
  const formats::Dtype* dtype = nullptr;  // null: unknown, or several
  uint64_t elements = 0;
  std::string name;  // path of the first tensor that is all of it, or empty
  bool has_shape = false;
  std::vector<uint64_t> shape;  // of that tensor
};

// From the key of a storage to the number of its entry, or kNoEntry.
using Lookup = std::function<uint32_t(std::string_view key)>;

// The pickle is bytes [begin, end) of the file. Throws only what reading the file throws: a pickle
// that ends early or breaks the rules is read up to there.
std::vector<Storage> read_pickle(RandomSource& file, uint64_t begin, uint64_t end,
                                 const Lookup& lookup);
}  // namespace gramzip::torch
