// SPDX-License-Identifier: Apache-2.0
//
// CUDA's device language for a plain C++ compiler.  Kernel files reach this header through
// kernels/common/simt.h.
//
// Each CUDA thread is a fiber, each running block is one OS thread, and __shared__ is thread_local,
// so that a block owns its copy.  README.md of this folder tells how it works and what it misses.
#pragma once

// libstdc++ uses names that CUDA turns into macros or global functions: its headers come first.
#include <algorithm>
#include <atomic>
#include <bit>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <memory>
#include <source_location>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

// The real host API and vector types.  The functions are those of runtime_*.cpp.
#include <cuda_runtime.h>

#include "simt/atomics.h"
#include "simt/float_math.h"
#include "simt/intrinsics.h"
#include "simt/keywords.h"
#include "simt/launch.h"
#include "simt/loads.h"
#include "simt/options.h"
#include "simt/warp.h"
