// SPDX-License-Identifier: Apache-2.0
#include "host/frame/model_file.h"

#include <algorithm>

#include "gramzip/core/wire.h"
#include "host/base/error.h"
#include "host/frame/model_wire.h"

namespace gramzip::frame {
bool is_model_magic(std::span<const uint8_t> bytes) {
  return bytes.size() >= sizeof kModelMagic &&
         std::equal(std::begin(kModelMagic), std::end(kModelMagic), bytes.begin());
}

std::vector<uint8_t> store_model_file(model::NgramModel& m) {
  std::vector<uint8_t> file = store_model(m);
  const size_t at = file.size();
  file.resize(at + kModelFileHashBytes);
  store_le<uint64_t>(file.data() + at, m.id.low);
  store_le<uint64_t>(file.data() + at + 8, m.id.high);
  return file;
}

model::NgramModel load_model_file(std::span<const uint8_t> file, const std::string& where) {
  if (!is_model_magic(file))
    fail(ErrorCode::corrupt, where + ": not a gramzip model; gramzip train makes one");
  if (file.size() < kModelHeaderBytes + kModelFileHashBytes)
    fail(ErrorCode::truncated, where + ": the model is truncated; get the whole file again");
  if (file.size() > kMaxModelBytes + kModelFileHashBytes)
    fail(ErrorCode::corrupt, where + ": larger than a model can be");
  const auto bytes = file.first(file.size() - kModelFileHashBytes);
  const uint8_t* hash = file.data() + bytes.size();
  if (!(hash128(bytes) == Hash128{load_le<uint64_t>(hash), load_le<uint64_t>(hash + 8)}))
    fail(ErrorCode::corrupt,
         where + ": the hash of the model does not match; it is damaged or cut");
  return load_model(bytes, where);
}
}  // namespace gramzip::frame
