// SPDX-License-Identifier: Apache-2.0
#include "host/formats/npy.h"

#include <algorithm>
#include <cstring>

#include "host/formats/byte_window.h"
#include "host/formats/dtype.h"
#include "host/formats/fault.h"
#include "host/formats/npy_header.h"

namespace gramzip::npy {
namespace {
constexpr char kMagic[] = "\x93NUMPY";

uint16_t period_of(uint64_t bytes) {
  return bytes > 1 && bytes <= UINT16_MAX ? static_cast<uint16_t>(bytes) : 0;
}

bool is_big_endian(std::string_view descr) { return descr[0] == '>'; }

// Items of a type that safetensors has not.
void set_odd_type(Tensor& t, uint32_t bytes) {
  const char letter = t.dtype[t.dtype.find_first_not_of("<>|=")];
  if ((letter == 'M' || letter == 'm') && bytes == 8 && !is_big_endian(t.dtype)) {
    t.type = ElementType::i64;  // times
  } else {
    t.period = period_of(bytes);
  }
}
}  // namespace

std::optional<Tensor> read(RandomSource& file, uint64_t begin, uint64_t end,
                           const std::string& where) {
  const auto bad = [&](const std::string& what) { formats::refuse(where, what); };
  uint8_t head[12] = {};
  const size_t n = static_cast<size_t>(std::min<uint64_t>(sizeof head, end - begin));
  formats::read_exactly(file, begin, head, n);
  if (n < 6 || std::memcmp(head, kMagic, 6) != 0) return std::nullopt;
  if (n < 10) bad("cut short");
  const uint8_t version = head[6];
  if (version < 1 || version > 3 || head[7] != 0)
    bad("version " + std::to_string(version) + "." + std::to_string(head[7]) + " is not known");
  const uint64_t text_at = version == 1 ? 10 : 12;
  const uint64_t text_bytes =
      version == 1 ? load_le<uint16_t>(head + 8) : load_le<uint32_t>(head + 8);
  if (text_bytes > kMaxHeaderBytes) bad("header: longer than 1 MiB");
  if (end - begin < text_at || text_bytes > end - begin - text_at) bad("header: cut short");
  std::string text(text_bytes, ' ');
  formats::read_exactly(file, begin + text_at, reinterpret_cast<uint8_t*>(text.data()),
                        text.size());
  Header h = parse_header(text, where);

  Tensor t;
  t.dtype = std::move(h.descr);
  t.shape = std::move(h.shape);
  if (h.fortran_order) std::reverse(t.shape.begin(), t.shape.end());
  t.begin = begin + text_at + text_bytes;
  t.end = end;
  const uint64_t room = end - t.begin;
  const auto known = [&](uint32_t item) {
    uint64_t size = 0;
    const auto count = formats::tensor_bytes(t.shape, 8);
    if (!count || __builtin_mul_overflow(*count, item, &size)) bad("header: shape: above 2^64");
    if (size > room)
      bad("header: shape: makes " + std::to_string(size) + " bytes, but " + std::to_string(room) +
          " follow");
    t.end = t.begin + size;
  };
  const uint32_t item = h.structured ? UINT32_MAX : item_bytes(t.dtype);
  std::string little = t.dtype;
  if (little[0] == '=') little[0] = '<';
  if (const formats::Dtype* d = h.structured ? nullptr : formats::find_npy_dtype(little)) {
    known(d->bits / 8);
    t.dtype = d->name;
    t.type = d->type;
  } else if (item != UINT32_MAX) {
    known(item);
    set_odd_type(t, item);
  } else if (h.structured) {
    // Records fill the rest, if they are whole.
    const auto count = formats::tensor_bytes(t.shape, 8);
    if (count && *count > 0 && room % *count == 0) t.period = period_of(room / *count);
  }
  return t;
}
}  // namespace gramzip::npy
