// SPDX-License-Identifier: Apache-2.0
//
// The executable in memory, and source lines for its addresses.
#pragma once

#include <cstdint>
#include <string>

namespace simt {

struct Image {
  uintptr_t bias = 0;  // added to the addresses in the file
  uintptr_t low = 0;   // its loaded segments lie in [low, high)
  uintptr_t high = 0;
};

const Image& executable_image();

// "function at file:line", or the address where that is unknown.  Starts addr2line.
std::string source_line(uintptr_t pc);

}  // namespace simt
