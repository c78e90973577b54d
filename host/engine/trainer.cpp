// SPDX-License-Identifier: Apache-2.0
#include "host/engine/engine.h"

namespace gramzip {
TrainFunction default_trainer() { return {}; }
}  // namespace gramzip
