// SPDX-License-Identifier: Apache-2.0
// A delta applied in place: one buffer holds the base before and the content after.
#pragma once
#include <memory>

#include "host/engine/engine.h"

namespace gramzip {
// delta: one archive whose segments refer to the base only where they stand themselves, as
// compress() makes it of one member of a base of the same size. Everything that can be checked
// beforehand is: the archive's structure, the hashes of all coded bytes, the base's size and hash.
// An error then leaves the buffer as it was. Error(buffer_changed): it holds neither.
void apply_delta(std::shared_ptr<RandomSource> delta, std::shared_ptr<RandomBuffer> buffer,
                 const DecompressOptions& options);
}  // namespace gramzip
