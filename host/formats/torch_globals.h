// SPDX-License-Identifier: Apache-2.0
// The few names that a PyTorch pickle may refer to and that mean something here.
#pragma once
#include <cstdint>
#include <string_view>

#include "host/formats/dtype.h"

namespace gramzip::torch {
enum Global : uint32_t {
  kUnknown,
  kRebuildTensor,       // torch._utils._rebuild_tensor_v2
  kRebuildTensorTyped,  // torch._utils._rebuild_tensor_v3, which names a dtype
  kRebuildParameter,    // torch._utils._rebuild_parameter and _with_state
  kRebuildFromType,     // torch._tensor._rebuild_from_type_v2: a function and its arguments
  kDtypes               // and on: a storage class or a dtype
};

struct TorchType {
  const char* storage;  // class, in torch or torch.storage; empty: none
  const char* dtype;    // in torch
  const char* name;     // in formats::find_dtype
};
inline constexpr TorchType kTorchTypes[] = {
    {"FloatStorage", "float32", "F32"},
    {"DoubleStorage", "float64", "F64"},
    {"HalfStorage", "float16", "F16"},
    {"BFloat16Storage", "bfloat16", "BF16"},
    {"LongStorage", "int64", "I64"},
    {"IntStorage", "int32", "I32"},
    {"ShortStorage", "int16", "I16"},
    {"CharStorage", "int8", "I8"},
    {"ByteStorage", "uint8", "U8"},
    {"UntypedStorage", "", "U8"},
    {"BoolStorage", "bool", "BOOL"},
    {"ComplexFloatStorage", "complex64", "C64"},
    {"ComplexDoubleStorage", "complex128", "C128"},
    {"", "uint16", "U16"},
    {"", "uint32", "U32"},
    {"", "uint64", "U64"},
    {"", "float8_e4m3fn", "F8_E4M3"},
    {"", "float8_e5m2", "F8_E5M2"},
    {"", "float8_e8m0fnu", "F8_E8M0"},
};

inline uint32_t find_global(std::string_view module, std::string_view name) {
  if (module == "torch._utils") {
    if (name == "_rebuild_tensor_v2") return kRebuildTensor;
    if (name == "_rebuild_tensor_v3") return kRebuildTensorTyped;
    if (name == "_rebuild_parameter" || name == "_rebuild_parameter_with_state")
      return kRebuildParameter;
  }
  if (module == "torch._tensor" && name == "_rebuild_from_type_v2") return kRebuildFromType;
  if (module != "torch" && module != "torch.storage") return kUnknown;
  for (uint32_t i = 0; i < std::size(kTorchTypes); ++i)
    if (!name.empty() && (name == kTorchTypes[i].storage || name == kTorchTypes[i].dtype))
      return kDtypes + i;
  return kUnknown;
}

// Null if the global is none.
inline const formats::Dtype* dtype_of(uint32_t global) {
  return global < kDtypes ? nullptr : formats::find_dtype(kTorchTypes[global - kDtypes].name);
}
}  // namespace gramzip::torch
