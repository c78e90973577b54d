// SPDX-License-Identifier: Apache-2.0
#include "host/cli/dtype_out.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "gramzip/core/wire.h"
#include "host/cli/tensors.h"
#include "host/cpu/float_values.h"

namespace gramzip::cli {
namespace {
constexpr size_t kElements = 1u << 16;  // converted at a time

uint64_t floats_in(const Tensor& t) { return (t.end - t.begin) / element_info(t.type).bytes; }
}  // namespace

std::optional<ElementType> parse_dtype(const std::string& name) {
  if (name.empty()) return std::nullopt;
  if (name == "f32") return ElementType::f32;
  if (name == "bf16") return ElementType::bf16;
  if (name == "f16") return ElementType::f16;
  throw CliError("--dtype: '" + shown(name) + "' is none of them; choose from f32, bf16, f16");
}

bool converts(const Tensor& t) { return is_float(t.type) && t.dtype == element_info(t.type).name; }

void report_lost(Console& console, bool strict, const Tensor& t, ElementType to, uint64_t lost) {
  if (lost == 0) return;
  std::string text = "tensor '" + shown(t.name) + "': " + std::to_string(lost);
  text.append(lost == 1 ? " value is" : " values are")
      .append(" beyond ")
      .append(element_info(to).name);
  if (strict) throw CliError(text + "; --dtype bf16 and f32 hold larger ones");
  console.warning(text + " and became infinite");
}

void DtypeSink::write(std::span<const uint8_t> bytes) {
  const size_t from = element_info(from_).bytes, to = element_info(to_).bytes;
  const auto pass = [&](const uint8_t* p, size_t n) {
    converted_.resize(n * to);
    lost_ += cpu::convert_floats(from_, p, to_, n, converted_.data());
    out_.write(converted_);
  };
  if (!rest_.empty()) {
    const size_t take = std::min(from - rest_.size(), bytes.size());
    rest_.insert(rest_.end(), bytes.begin(), bytes.begin() + static_cast<ptrdiff_t>(take));
    bytes = bytes.subspan(take);
    if (rest_.size() < from) return;
    pass(rest_.data(), 1);
    rest_.clear();
  }
  while (bytes.size() >= from) {
    const size_t n = std::min(kElements, bytes.size() / from);
    pass(bytes.data(), n);
    bytes = bytes.subspan(n * from);
  }
  rest_.assign(bytes.begin(), bytes.end());
}

std::string converted_header(const safetensors::Layout& layout,
                             std::span<const uint8_t> metadata_of, ElementType to,
                             Console& console) {
  using nlohmann::ordered_json;
  constexpr char kMetadata[] = "__metadata__";
  // The tensors are known; of the rest nothing is kept in memory.
  ordered_json j = ordered_json::parse(
      metadata_of.begin(), metadata_of.end(),
      [&](int depth, ordered_json::parse_event_t event, ordered_json& value) {
        return event != ordered_json::parse_event_t::key || depth != 1 || value == kMetadata;
      });
  std::string text = "{";
  if (j.contains(kMetadata)) text += "\"__metadata__\":" + j[kMetadata].dump() + ",";
  uint64_t at = 0, displaced = 0;
  std::string first;
  for (const Tensor& t : layout.tensors) {
    const bool changes = converts(t);
    const uint64_t unit = element_info(changes ? to : t.type).bytes;
    if (at % unit != 0 && (t.begin - layout.data_begin) % element_info(t.type).bytes == 0 &&
        t.begin < t.end && displaced++ == 0)
      first = t.name;
    const uint64_t bytes = changes ? floats_in(t) * element_info(to).bytes : t.end - t.begin;
    const ordered_json entry = {{"dtype", changes ? element_info(to).name : t.dtype},
                                {"shape", t.shape},
                                {"data_offsets", {at, at + bytes}}};
    text.append(ordered_json(t.name).dump()).append(":").append(entry.dump()).append(",");
    at += bytes;
  }
  if (displaced > 0)
    console.warning(std::to_string(displaced) + (displaced == 1 ? " tensor" : " tensors") +
                    " from '" + shown(first) +
                    "' on will lie at no multiple of the element size; some loaders refuse that");
  text.pop_back();  // a comma, or the brace of none
  if (layout.tensors.empty() && !j.contains(kMetadata)) text = "{";
  text += "}";
  text.resize((text.size() + 7) / 8 * 8, ' ');  // tensor data starts aligned
  if (text.size() > safetensors::kMaxHeaderBytes)
    throw CliError("the header with other dtypes would be longer than 100 MB");
  std::string size(8, '\0');
  store_le<uint64_t>(reinterpret_cast<uint8_t*>(size.data()), text.size());
  return size + text;
}
}  // namespace gramzip::cli
