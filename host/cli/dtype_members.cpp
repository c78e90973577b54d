// SPDX-License-Identifier: Apache-2.0
// Safetensors members rewritten as they are decoded.
#include <algorithm>

#include "host/cli/dtype_out.h"
#include "host/cli/tensors.h"

namespace gramzip::cli {
namespace {
constexpr uint64_t kMostHeader = 16u << 20;  // as of checkpoints from a pipe
}

class DtypeMembers::Limited final : public Sink {
 public:
  explicit Limited(DtypeMembers& members) : members_(members) {}
  void write(std::span<const uint8_t> bytes) override { members_.emit(bytes); }

 private:
  DtypeMembers& members_;
};

DtypeMembers::DtypeMembers(MemberSink& out, Console& console, ElementType to, bool strict,
                           uint64_t max_output)
    : out_(out),
      console_(console),
      to_(to),
      strict_(strict),
      max_output_(max_output),
      limited_(std::make_unique<Limited>(*this)) {}
DtypeMembers::~DtypeMembers() = default;

void DtypeMembers::begin(const Member& m) {
  name_ = m.name.empty() ? "the content" : "'" + shown(m.name) + "'";
  rewrites_ = m.kind == MemberKind::safetensors;
  if (!rewrites_ && m.kind != MemberKind::plain)
    throw CliError(name_ + " is a file of kind " + kind_text(m.kind) +
                   "; --dtype rewrites safetensors files alone");
  head_.clear();
  head_bytes_ = 8;
  layout_.reset();
  tensor_ = 0;
  at_ = 0;
  converter_.reset();
  checkpoints_ += rewrites_;
  out_.begin(m);
}

void DtypeMembers::write(std::span<const uint8_t> bytes) {
  if (!rewrites_) return emit(bytes);
  while (!layout_ && !bytes.empty()) {
    const size_t take =
        static_cast<size_t>(std::min<uint64_t>(head_bytes_ - head_.size(), bytes.size()));
    head_.insert(head_.end(), bytes.begin(), bytes.begin() + static_cast<ptrdiff_t>(take));
    bytes = bytes.subspan(take);
    if (head_.size() < head_bytes_) return;
    take_header();
  }
  while (!bytes.empty()) bytes = bytes.subspan(write_data(bytes));
}

// The first 8 bytes, then those and all of the header.
void DtypeMembers::take_header() {
  if (head_bytes_ == 8) {
    const uint64_t size = safetensors::header_size(head_);
    if (size == 0) fail(ErrorCode::corrupt, name_ + " does not begin as a safetensors file");
    if (size > kMostHeader)
      fail(ErrorCode::limit, name_ + " has a header of more than 16 MiB; leave --dtype out");
    head_bytes_ = 8 + size;
    return;
  }
  const std::span<const uint8_t> json = std::span<const uint8_t>(head_).subspan(8);
  layout_ = safetensors::parse(json);
  const std::string header = converted_header(*layout_, json, to_, console_);
  at_ = head_.size();
  head_ = {};
  emit({reinterpret_cast<const uint8_t*>(header.data()), header.size()});
  begin_tensor();
}

// Makes ready for the tensor at hand, past those without bytes.
void DtypeMembers::begin_tensor() {
  const auto& tensors = layout_->tensors;
  while (tensor_ < tensors.size() && tensors[tensor_].begin == tensors[tensor_].end) ++tensor_;
  converter_.reset();
  if (tensor_ < tensors.size() && converts(tensors[tensor_]))
    converter_ = std::make_unique<DtypeSink>(*limited_, tensors[tensor_].type, to_);
}

// As many bytes as the tensor at hand still has.
size_t DtypeMembers::write_data(std::span<const uint8_t> bytes) {
  if (tensor_ == layout_->tensors.size())
    fail(ErrorCode::corrupt, name_ + " goes on behind its tensors");
  const Tensor& t = layout_->tensors[tensor_];
  const auto n = static_cast<size_t>(std::min<uint64_t>(bytes.size(), t.end - at_));
  if (converter_) {
    converter_->write(bytes.first(n));
  } else {
    emit(bytes.first(n));
  }
  at_ += n;
  if (at_ < t.end) return n;
  if (converter_) report_lost(console_, strict_, t, to_, converter_->lost());
  ++tensor_;
  begin_tensor();
  return n;
}

void DtypeMembers::emit(std::span<const uint8_t> bytes) {
  if (bytes.size() > max_output_ - written_)
    fail(ErrorCode::limit,
         "the output would exceed the limit of " + std::to_string(max_output_) + " bytes");
  out_.write(bytes);
  written_ += bytes.size();
}

void DtypeMembers::end(const Member& m) {
  if (rewrites_ && (!layout_ || tensor_ < layout_->tensors.size()))
    fail(ErrorCode::corrupt, name_ + " ends before its tensors do");
  out_.end(m);
}

void DtypeMembers::finish() const {
  if (checkpoints_ == 0)
    throw CliError("--dtype: there is no safetensors file in the archive; leave --dtype out");
}
}  // namespace gramzip::cli
