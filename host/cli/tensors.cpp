// SPDX-License-Identifier: Apache-2.0
#include "host/cli/tensors.h"

#include <map>
#include <nlohmann/json.hpp>

#include "gramzip/core/wire.h"
#include "host/cli/console.h"
#include "host/engine/base.h"

namespace gramzip::cli {
namespace {
class VectorSink final : public Sink {
 public:
  void write(std::span<const uint8_t> b) override { bytes.insert(bytes.end(), b.begin(), b.end()); }
  std::vector<uint8_t> bytes;
};

std::string little_endian(uint64_t v, size_t n) {
  std::string s;
  for (size_t i = 0; i < n; ++i) s += static_cast<char>(v >> (8 * i));
  return s;
}
}  // namespace

std::vector<safetensors::Tensor> member_tensors(ArchiveReader& reader, const Member& member,
                                                const DecompressOptions& options) {
  if (member.kind != MemberKind::safetensors) {
    const auto content =
        archive_content(std::shared_ptr<ArchiveReader>(std::shared_ptr<void>(), &reader), options);
    PartSource file(*content, member.start, member.size);
    auto checkpoint = read_checkpoint(file);
    if (!checkpoint) fail(ErrorCode::corrupt, shown(member.name) + ": not the checkpoint it was");
    for (Tensor& t : checkpoint->tensors) t.begin += member.start, t.end += member.start;
    return std::move(checkpoint->tensors);
  }
  if (member.size < 8) fail(ErrorCode::corrupt, "safetensors header: cut short");
  VectorSink head;
  reader.read(member.start, member.start + 8, head, options);
  const uint64_t size = safetensors::header_size(head.bytes);
  if (size == 0 || size > member.size - 8)
    fail(ErrorCode::corrupt, "safetensors header: its size is impossible");
  head.bytes.clear();
  reader.read(member.start + 8, member.start + 8 + size, head, options);
  safetensors::Layout layout = safetensors::parse(head.bytes);
  for (safetensors::Tensor& t : layout.tensors) {
    if (t.end > member.size)
      fail(ErrorCode::corrupt, "tensor '" + shown(t.name) + "' lies behind the end of the file");
    t.begin += member.start;
    t.end += member.start;
  }
  return std::move(layout.tensors);
}

std::string safetensors_header(const safetensors::Tensor& t) {
  nlohmann::ordered_json j;
  j[t.name] = {{"dtype", t.dtype}, {"shape", t.shape}, {"data_offsets", {0, t.end - t.begin}}};
  std::string json = j.dump();
  json.resize((json.size() + 7) / 8 * 8, ' ');  // tensor data starts aligned
  return little_endian(json.size(), 8) + json;
}

std::string npy_header(const safetensors::Tensor& t) {
  static const std::map<std::string, const char*> kTypes = {
      {"BOOL", "|b1"}, {"U8", "|u1"},  {"I8", "|i1"},  {"I16", "<i2"}, {"U16", "<u2"},
      {"F16", "<f2"},  {"I32", "<i4"}, {"U32", "<u4"}, {"F32", "<f4"}, {"I64", "<i8"},
      {"U64", "<u8"},  {"F64", "<f8"}, {"C64", "<c8"}};
  const auto type = kTypes.find(t.dtype);
  if (type == kTypes.end())
    throw CliError("tensor '" + shown(t.name) + "': npy has no element type for " + shown(t.dtype) +
                   "; use -o NAME.safetensors");
  std::string shape;
  for (const uint64_t d : t.shape) shape += std::to_string(d) + ", ";
  if (t.shape.size() > 1) shape.resize(shape.size() - 2);
  if (t.shape.size() == 1) shape.resize(shape.size() - 1);
  std::string dict = std::string("{'descr': '") + type->second +
                     "', 'fortran_order': False, 'shape': (" + shape + "), }";
  // Version 2.0: the header size has 32 bits. Magic, size, text and newline fill 64-byte units.
  dict.resize((12 + dict.size() + 1 + 63) / 64 * 64 - 12 - 1, ' ');
  dict += '\n';
  return std::string("\x93NUMPY\x02\x00", 8) + little_endian(dict.size(), 4) + dict;
}

std::string shape_text(const safetensors::Tensor& t) {
  std::string s = "[";
  for (const uint64_t d : t.shape) s += (s.size() > 1 ? ", " : "") + std::to_string(d);
  return s + "]";
}
}  // namespace gramzip::cli
