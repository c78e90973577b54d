// SPDX-License-Identifier: Apache-2.0
// --dtype: floats of a checkpoint in another float type, on their way out.
#pragma once
#include <memory>
#include <optional>

#include "host/cli/options.h"
#include "host/engine/engine.h"
#include "host/formats/safetensors.h"

namespace gramzip::cli {
// "f32", "bf16" or "f16"; throws CliError for anything else. Nullopt for "".
std::optional<ElementType> parse_dtype(const std::string& name);
// Is the dtype one of plain floats: no complex numbers, no packed formats, no scales?
bool converts(const Tensor& t);
// Warns of values that became infinite, or throws CliError under `strict`.
void report_lost(Console& console, bool strict, const Tensor& t, ElementType to, uint64_t lost);

// Passes floats of one tensor on as floats of another type. Pieces of any size.
class DtypeSink final : public Sink {
 public:
  DtypeSink(Sink& out, ElementType from, ElementType to) : out_(out), from_(from), to_(to) {}
  void write(std::span<const uint8_t> bytes) override;
  uint64_t lost() const { return lost_; }  // finite values that became infinite

 private:
  Sink& out_;
  ElementType from_, to_;
  uint64_t lost_ = 0;
  std::vector<uint8_t> rest_;  // of an element that is cut
  std::vector<uint8_t> converted_;
};

// Passes members on; safetensors files with their plain floats in another type and a header that
// says so, in one pass. Files without tensors go through as they are, other checkpoints are
// refused.
class DtypeMembers final : public MemberSink {
 public:
  // max_output: of what is written.
  DtypeMembers(MemberSink& out, Console& console, ElementType to, bool strict, uint64_t max_output);
  ~DtypeMembers() override;
  void begin(const Member& m) override;
  void write(std::span<const uint8_t> bytes) override;
  void end(const Member& m) override;
  // After the last member: throws CliError if none had tensors.
  void finish() const;
  uint64_t written() const { return written_; }

 private:
  class Limited;  // out_ as a Sink, with its limit
  void take_header();
  void begin_tensor();
  size_t write_data(std::span<const uint8_t> bytes);
  void emit(std::span<const uint8_t> bytes);

  MemberSink& out_;
  Console& console_;
  ElementType to_;
  bool strict_;
  uint64_t max_output_, written_ = 0, checkpoints_ = 0;
  std::unique_ptr<Limited> limited_;

  // Of the safetensors member at hand.
  bool rewrites_ = false;
  std::string name_;
  std::vector<uint8_t> head_;  // its first bytes until the header is complete
  uint64_t head_bytes_ = 8;    // that are needed
  std::optional<safetensors::Layout> layout_;
  size_t tensor_ = 0;  // at hand
  uint64_t at_ = 0;    // in the member
  std::unique_ptr<DtypeSink> converter_;
};

// The header of the same tensors with plain floats in another type, ready to be written: size, JSON
// and padding. `metadata_of` is the JSON it comes from, whose __metadata__ is kept. Warns where a
// tensor was aligned to its elements and no longer is.
std::string converted_header(const safetensors::Layout& layout,
                             std::span<const uint8_t> metadata_of, ElementType to,
                             Console& console);
}  // namespace gramzip::cli
