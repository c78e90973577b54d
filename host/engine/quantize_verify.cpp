// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstring>

#include "host/engine/quantize.h"
#include "host/engine/quantized_source.h"
#include "host/formats/checkpoint.h"

namespace gramzip {
namespace {
// Decoded members beside the files that they were made of.
class Comparison final : public MemberSink {
 public:
  Comparison(std::span<const QuantizeInput> inputs, const QuantizeResult& result)
      : inputs_(inputs), result_(result), report_(result.report) {}

  void begin(const Member& m) override {
    if (member_ == inputs_.size() || m.name != inputs_[member_].name) differs("a member's name");
    at_ = 0;
    tensor_ = 0;
    tensors_.clear();
    if (const auto c = read_checkpoint(*inputs_[member_].file)) tensors_ = c->tensors;
  }

  void write(std::span<const uint8_t> bytes) override {
    original_.resize(bytes.size());
    if (inputs_[member_].file->read_at(at_, original_.data(), bytes.size()) != bytes.size())
      differs("its size");
    apply_patches(result_.patches[member_], at_, original_.data(), original_.size());
    for (size_t done = 0; done < bytes.size();) {
      while (tensor_ < tensors_.size() && tensors_[tensor_].end <= at_ + done) end_tensor();
      const bool any = tensor_ < tensors_.size();
      const bool within = any && tensors_[tensor_].begin <= at_ + done;
      const uint64_t stop = !any     ? UINT64_MAX
                            : within ? tensors_[tensor_].end
                                     : tensors_[tensor_].begin;
      const auto n =
          static_cast<size_t>(std::min<uint64_t>(bytes.size() - done, stop - at_ - done));
      const std::span<const uint8_t> a(original_.data() + done, n), b = bytes.subspan(done, n);
      if (within && report_.tensors[reported_].kept_by.empty()) {
        add(a, b);
      } else if (std::memcmp(a.data(), b.data(), n) != 0) {
        differs(within ? "tensor '" + tensors_[tensor_].name + "', which is kept"
                       : std::string("a byte that is no tensor's"));
      }
      done += n;
    }
    at_ += bytes.size();
  }

  void end(const Member&) override {
    while (tensor_ < tensors_.size()) end_tensor();
    if (at_ != inputs_[member_].file->size()) differs("its size");
    ++member_;
  }

  void finish() {
    if (member_ != inputs_.size()) fail(ErrorCode::internal, "verification: members are missing");
  }

 private:
  [[noreturn]] void differs(const std::string& what) const {
    fail(ErrorCode::internal,
         "verification: what was decoded differs from what was written: " + what);
  }

  // Pieces of any length: what is less than an element waits for its rest.
  void add(std::span<const uint8_t> a, std::span<const uint8_t> b) {
    const size_t size = element_info(tensors_[tensor_].type).bytes;
    if (rest_.empty() && a.size() % size == 0) return sums_.add(a, b, tensors_[tensor_].type);
    rest_.insert(rest_.end(), a.begin(), a.end());
    other_.insert(other_.end(), b.begin(), b.end());
    const size_t whole = rest_.size() / size * size;
    sums_.add(std::span(rest_).first(whole), std::span(other_).first(whole),
              tensors_[tensor_].type);
    rest_.erase(rest_.begin(), rest_.begin() + static_cast<ptrdiff_t>(whole));
    other_.erase(other_.begin(), other_.begin() + static_cast<ptrdiff_t>(whole));
  }

  void end_tensor() {
    const TensorError& t = report_.tensors[reported_];
    if (t.name != tensors_[tensor_].name) differs("the order of tensors");
    if (t.kept_by.empty()) {
      const ErrorFigures f = sums_.figures();
      const ErrorFigures& r = t.figures;
      if (f.elements != r.elements || f.differing != r.differing || f.noise != r.noise ||
          f.signal != r.signal || f.max_error != r.max_error || f.sum_error != r.sum_error ||
          f.zeros_other != r.zeros_other || f.nonfinite_differ != r.nonfinite_differ)
        differs("tensor '" + t.name + "'");
    }
    sums_ = ErrorSums();
    ++tensor_;
    ++reported_;
  }

  const std::span<const QuantizeInput> inputs_;
  const QuantizeResult& result_;
  const ErrorReport& report_;
  size_t member_ = 0, tensor_ = 0, reported_ = 0;
  uint64_t at_ = 0;
  std::vector<Tensor> tensors_;  // of the member at hand
  std::vector<uint8_t> original_, rest_, other_;
  ErrorSums sums_;
};
}  // namespace

void verify_quantized(Source& archive, RandomSource* random, std::span<const QuantizeInput> inputs,
                      const QuantizeResult& result, const QuantizeOptions& options) {
  Comparison comparison(inputs, result);
  DecompressOptions d;
  d.threads = options.threads;
  d.backend = options.backend;
  d.archive = random;
  decompress(archive, comparison, d);
  comparison.finish();
}
}  // namespace gramzip
