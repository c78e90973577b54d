// SPDX-License-Identifier: Apache-2.0
// How far one checkpoint is from another: figures per tensor and in total, as `gramzip compare` and
// `gramzip quantize` report them. Every figure is the same on any machine at any thread count.
#pragma once
#include <array>
#include <cmath>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "gramzip/core/elements.h"

namespace gramzip {
// Errors are other - original. Sums and extremes leave out elements that are NaN or infinite in
// either; those are counted.
struct ErrorFigures {
  static constexpr size_t kBins = 63;
  uint64_t elements = 0;
  uint64_t differing = 0;         // of all elements, in value: -0 equals 0, NaN equals NaN
  uint64_t nonfinite_equal = 0;   // NaN in both, or the same infinity
  uint64_t nonfinite_differ = 0;  // NaN or infinite in one, or different infinities
  uint64_t zeros_original = 0, zeros_other = 0;
  double signal = 0;     // sum of original^2
  double noise = 0;      // sum of error^2
  double max_error = 0;  // of |error|
  double sum_abs_error = 0, sum_error = 0;
  // Finite errors: bin b counts those from b - 31.5 to before b - 30.5 eighths of the root mean
  // square error, so that bin 31 has zero in its middle; the first and last bins count all beyond
  // too. Where bins are cut from finer ones, which have 16 sizes an octave, those are shared out.
  std::array<uint64_t, kBins> histogram{};

  uint64_t finite() const { return elements - nonfinite_equal - nonfinite_differ; }
  // 10 log10(signal / noise). Infinite if no element differs, NaN if any is NaN or infinite in one
  // checkpoint alone, or if the sums are beyond doubles.
  double sqnr_db() const;
  double rms_error() const;
  double mean_abs_error() const;
  double mean_error() const;
  double sparsity_original() const;  // share of zeros
  double sparsity_other() const;
  void add(const ErrorFigures& f);  // in order: sums are of floats
};

// Gathers the figures of one tensor front to back, in pieces of any size. The sums depend on the
// elements' places alone: they are made of 4,096 elements at a time.
class ErrorSums {
 public:
  // Sums of other threads may be merged in if they begin at a multiple of it.
  static constexpr uint64_t kPieceElements = uint64_t{1} << 20;

  ErrorSums();
  // The next n elements, each of a float type; the types may differ.
  void add(const uint8_t* original, ElementType original_type, const uint8_t* other,
           ElementType other_type, size_t n);
  void add(std::span<const uint8_t> original, std::span<const uint8_t> other, ElementType type);
  void add(std::span<const double> original, std::span<const double> other);
  // What follows this, gathered by itself. Without it this has whole pieces of kPieceElements.
  void merge(const ErrorSums& next);
  uint64_t elements() const { return counts_.elements; }
  ErrorFigures figures() const;

 private:
  static constexpr size_t kChunk = 4096;
  struct Sums {
    double signal = 0, noise = 0, abs_error = 0, error = 0;
    void add(const Sums& s);
  };
  void hold(size_t k);
  void close_chunk();
  void fill_histogram(ErrorFigures& f) const;

  ErrorFigures counts_;                   // and the largest error; figures() adds sums and histogram
  std::vector<double> original_, other_;  // the chunk at hand
  size_t held_ = 0;                       // its elements so far
  Sums piece_;                            // chunks of the piece at hand
  std::vector<Sums> pieces_;              // whole ones
  std::vector<uint64_t> sizes_;           // errors by sign, exponent and 4 bits of mantissa
};

// One tensor, or all of them.
struct TensorError {
  std::string name;
  std::string dtype;        // of the original
  std::string other_dtype;  // of the other if it differs, else empty
  std::vector<uint64_t> shape;
  uint64_t elements = 0;  // of the shape; 0: those of the figures
  ErrorFigures figures;
  // No floats, compared exactly: of the figures only `differing` counts, and total leaves it out.
  bool exact = false;
  uint64_t original_bytes = 0;           // uncompressed
  std::optional<uint64_t> stored_bytes;  // what the other takes where it is kept
  std::string method;                    // "" if not known: "uniform", "linear", "lossless", ...
  std::string parameters;                // in words: "step 0.0012, 16 tables"
  std::string kept_by;                   // the rule that kept the tensor lossless
  std::optional<double> seconds;

  std::optional<double> bits_per_weight() const;  // of stored_bytes; none without elements
  std::optional<double> ratio() const;            // original_bytes / stored_bytes
};

struct ErrorReport {
  std::string command;          // "compare" or "quantize"
  std::string original, other;  // names of the files
  std::vector<TensorError> tensors;
  TensorError total;  // by add_up()
  struct Unmatched {
    std::string name, why;
  };
  std::vector<std::string> only_in_original, only_in_other;
  std::vector<Unmatched> not_comparable;  // shapes or types that do not go together
  std::optional<uint64_t> archive_bytes;  // of the whole file of `other`, if that is known
  std::optional<double> seconds;
  // What was asked for, in words: "target 4.5 bits per weight". May be empty.
  std::string target;

  // Makes `total` of the tensors in their order: figures of floats, bytes of all tensors whose
  // stored bytes are known.
  void add_up();
  // Every tensor has its like, and what is no float is equal.
  bool same_tensors() const;
};
}  // namespace gramzip
