// SPDX-License-Identifier: Apache-2.0
// The tensor types of GGUF: blocks of elements and their size. Source: ggml's ggml.h and
// ggml-common.h.
#pragma once
#include <cstdint>
#include <string_view>

#include "gramzip/core/elements.h"

namespace gramzip::gguf {
struct Type {
  uint32_t id;
  const char* name;
  uint32_t elements, bytes;  // of a block
  ElementType type;          // bytes: packed blocks, or bytes
};

inline constexpr Type kTypes[] = {
    {0, "F32", 1, 4, ElementType::f32},           {1, "F16", 1, 2, ElementType::f16},
    {2, "Q4_0", 32, 18, ElementType::bytes},      {3, "Q4_1", 32, 20, ElementType::bytes},
    {6, "Q5_0", 32, 22, ElementType::bytes},      {7, "Q5_1", 32, 24, ElementType::bytes},
    {8, "Q8_0", 32, 34, ElementType::bytes},      {9, "Q8_1", 32, 36, ElementType::bytes},
    {10, "Q2_K", 256, 84, ElementType::bytes},    {11, "Q3_K", 256, 110, ElementType::bytes},
    {12, "Q4_K", 256, 144, ElementType::bytes},   {13, "Q5_K", 256, 176, ElementType::bytes},
    {14, "Q6_K", 256, 210, ElementType::bytes},   {15, "Q8_K", 256, 292, ElementType::bytes},
    {16, "IQ2_XXS", 256, 66, ElementType::bytes}, {17, "IQ2_XS", 256, 74, ElementType::bytes},
    {18, "IQ3_XXS", 256, 98, ElementType::bytes}, {19, "IQ1_S", 256, 50, ElementType::bytes},
    {20, "IQ4_NL", 32, 18, ElementType::bytes},   {21, "IQ3_S", 256, 110, ElementType::bytes},
    {22, "IQ2_S", 256, 82, ElementType::bytes},   {23, "IQ4_XS", 256, 136, ElementType::bytes},
    {24, "I8", 1, 1, ElementType::bytes},         {25, "I16", 1, 2, ElementType::i16},
    {26, "I32", 1, 4, ElementType::i32},          {27, "I64", 1, 8, ElementType::i64},
    {28, "F64", 1, 8, ElementType::f64},          {29, "IQ1_M", 256, 56, ElementType::bytes},
    {30, "BF16", 1, 2, ElementType::bf16},        {34, "TQ1_0", 256, 54, ElementType::bytes},
    {35, "TQ2_0", 256, 66, ElementType::bytes},   {39, "MXFP4", 32, 17, ElementType::bytes},
    {40, "NVFP4", 64, 36, ElementType::bytes},
};
inline const Type* find_type(uint32_t id) {
  for (const Type& t : kTypes)
    if (t.id == id) return &t;
  return nullptr;
}
inline const Type* find_type(std::string_view name) {
  for (const Type& t : kTypes)
    if (name == t.name) return &t;
  return nullptr;
}
}  // namespace gramzip::gguf
