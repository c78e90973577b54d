// SPDX-License-Identifier: Apache-2.0
// The dict literal of a .npy header, by a scanner that knows just what such a header can hold.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace gramzip::npy {
struct Header {
  std::string descr;        // of a simple type without its quotes, else the list as written
  bool structured = false;  // descr is a list of fields
  bool fortran_order = false;
  std::vector<uint64_t> shape;
};
// Throws Error(corrupt) whose line begins with `where` and names the field.
Header parse_header(std::string_view text, const std::string& where);

// Bytes of an item of a simple descr such as "<f4"; UINT32_MAX if that is not known.
uint32_t item_bytes(std::string_view descr);
}  // namespace gramzip::npy
