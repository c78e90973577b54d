// SPDX-License-Identifier: Apache-2.0
// numpy's .npy, versions 1 to 3: a magic, the header's size, a Python dict literal, the array.
// Source: numpy.org/doc/stable/reference/generated/numpy.lib.format.html.
#pragma once
#include <optional>
#include <string>

#include "host/base/io.h"
#include "host/formats/tensor.h"

namespace gramzip::npy {
inline constexpr uint64_t kMaxHeaderBytes = 1u << 20;

// The array of the .npy in bytes [begin, end) of the file; its name stays empty. Nullopt if no
// magic stands there. Throws Error(corrupt) whose line begins with `where`. An array in Fortran
// order is given as its transpose, which is in C order.
std::optional<Tensor> read(RandomSource& file, uint64_t begin, uint64_t end,
                           const std::string& where);
}  // namespace gramzip::npy
