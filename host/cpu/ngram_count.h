// SPDX-License-Identifier: Apache-2.0
// Exact counts of n-grams (core/ngram.h says what they are) in bounded memory; the same at any
// number of threads, with or without a device (kernels/ngram_count is the device's).
//
// Memory in bytes, at most:
//   fixed      4.5 MiB * threads + 1 MiB, and the buffers of the longest word n-gram if it is
//   longer distinct   n-grams of up to 8 bytes: 43 each. Longer ones and words: 64 + 1.5 * length
//   each.
//              Half of that on average. n = 1 and 2: 512 KiB.
//   growing    a shard that doubles holds its old table too: 1/128 of the above for each thread
// `memory` bounds fixed + distinct. Whether it suffices does not depend on the order of work.
#pragma once
#include <functional>
#include <memory>
#include <string>

#include "host/cpu/ngram_scan.h"

namespace gramzip::cpu {
// A device that counts pieces of a batch.
class NgramAccelerator {
 public:
  using Emit = std::function<void(std::span<const uint8_t> gram, uint64_t count)>;
  virtual ~NgramAccelerator() = default;
  virtual std::string name() const = 0;
  virtual size_t preferred_batch() const = 0;
  // Gives every n-gram that starts in the pieces and its count to `emit`, perhaps in several parts.
  // Returns the pieces that it left out: the CPU counts them. `batch` ends with kNgramPadding
  // zeros.
  virtual std::vector<NgramPiece> count(const NgramSpec& spec, std::span<const uint8_t> batch,
                                        std::span<const NgramPiece> pieces, const Emit& emit) = 0;
};

struct NgramCountOptions {
  int threads = 0;  // 0: one a core
  uint64_t memory = uint64_t{2} << 30;
  NgramAccelerator* device = nullptr;
  size_t batch = 0;  // bytes counted at once; 0: 1 MiB a thread, at most 16. For tests
};

struct NgramEntry {
  std::string gram;
  uint64_t count;
};

class NgramCounter {
 public:
  // Throws Error: invalid_argument for a spec that is not valid(), limit if `memory` is below what
  // is fixed.
  explicit NgramCounter(const NgramSpec& spec, const NgramCountOptions& options = {});
  ~NgramCounter();

  // The next bytes of the current file, in parts of any size. Throws Error(limit); the counter is
  // then good for nothing but destruction.
  void add(std::span<const uint8_t> bytes);
  // The current file is complete.
  void end_file();
  // Adds the counts of another counter of the same spec. Files of both are complete.
  void merge(NgramCounter& other);

  // Results; the files are complete.
  uint64_t total();
  uint64_t distinct();
  uint64_t memory_used() const;
  // Calls f(bytes, count) once for each distinct n-gram, in no order.
  void for_each(const std::function<void(std::span<const uint8_t>, uint64_t)>& f);
  // The k most frequent with at least min_count: count descending, then bytes ascending. Takes 64
  // bytes for each n-gram of the result and its bytes, beyond `memory`.
  std::vector<NgramEntry> top(uint64_t k = UINT64_MAX, uint64_t min_count = 1);

 private:
  void cut();
  std::string close_run();
  void settle();
  void count_batch();
  std::vector<NgramPiece> cut_pieces() const;

  NgramStore store_;
  int threads_;
  size_t batch_bytes_;
  NgramAccelerator* device_;
  std::vector<std::unique_ptr<NgramScanner>> scanners_;
  std::vector<uint8_t> batch_;  // runs, two zeros behind each; kNgramPadding of room at the end
  size_t used_ = 0;
  size_t run_begin_ = 0;  // of the current file in the batch
  struct Run {
    size_t begin, end;
  };
  std::vector<Run> runs_;  // those that can be counted
};

// The complete word n-gram that starts at `at`, as n-grams are written.
void write_word_ngram(const NgramSpec& spec, const uint8_t* p, uint64_t at,
                      std::vector<uint8_t>& out);
}  // namespace gramzip::cpu
