// SPDX-License-Identifier: Apache-2.0
#include "host/cpu/ngram_count.h"

#include <algorithm>
#include <thread>

#include "host/base/error.h"
#include "host/base/workers.h"

namespace gramzip::cpu {
namespace {
constexpr size_t kBatch = size_t{1} << 20, kMaxBatch = size_t{16} << 20;
constexpr uint64_t kPiece = 64 << 10;  // of work for a thread
constexpr uint64_t kThreadBytes = 512 << 10;
constexpr size_t kRunGap = 2;
// What n - 1 words and the start of a word may take between batches.
constexpr size_t kMaxCarry = size_t{kMaxNgramLength} + kMaxNgramWords;

int thread_count(int threads) {
  if (threads > 0) return threads;
  return std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
}
size_t batch_size(const NgramCountOptions& o) {
  if (o.batch > 0) return std::max<size_t>(o.batch, 64);
  if (o.device != nullptr) return o.device->preferred_batch();
  return std::min(kMaxBatch, kBatch * static_cast<size_t>(thread_count(o.threads)));
}
// The batch, the words' text (up to three times that) and each thread's caches. Throws if nothing
// is left for counts.
uint64_t budget_left(const NgramCountOptions& o) {
  const auto threads = static_cast<uint64_t>(thread_count(o.threads));
  const uint64_t fixed = 4 * batch_size(o) + threads * kThreadBytes + kBatch;
  if (o.memory < 2 * fixed)
    fail(ErrorCode::limit, "counting: " + std::to_string(threads) + " threads need at least " +
                               std::to_string((2 * fixed >> 20) + 1) +
                               " MiB; give more with --memory or take fewer threads");
  return o.memory - fixed;
}
const NgramSpec& checked(const NgramSpec& spec) {
  if (!spec.valid())
    fail(ErrorCode::invalid_argument,
         "counting: n is " + std::to_string(spec.n) +
             "; take 1 to 32 bytes, or 1 to 4 words, and lower case for words only");
  return spec;
}
}  // namespace

NgramCounter::NgramCounter(const NgramSpec& spec, const NgramCountOptions& options)
    : store_(checked(spec), budget_left(options)),
      threads_(thread_count(options.threads)),
      batch_bytes_(batch_size(options)),
      device_(options.device),
      batch_(batch_bytes_ + kNgramPadding, 0) {
  if (!store_.dense()) return;
  const size_t size = size_t{1} << (8 * spec.n);
  store_.budget.charge(size * sizeof(uint64_t));
  store_.dense_counts.assign(size, 0);
}
NgramCounter::~NgramCounter() = default;

void NgramCounter::add(std::span<const uint8_t> bytes) {
  while (!bytes.empty()) {
    const size_t room = batch_.size() - kNgramPadding - used_;
    const size_t n = std::min(room, bytes.size());
    std::memcpy(batch_.data() + used_, bytes.data(), n);
    used_ += n;
    bytes = bytes.subspan(n);
    if (n == room) cut();
  }
}

void NgramCounter::end_file() {
  if (used_ > run_begin_) runs_.push_back({run_begin_, used_});
  // Small files share a batch.
  if (used_ + kRunGap + batch_bytes_ / 8 > batch_bytes_) {
    count_batch();
    used_ = 0;
  } else {
    std::fill_n(batch_.begin() + static_cast<ptrdiff_t>(used_), kRunGap, uint8_t{0});
    used_ += kRunGap;
  }
  run_begin_ = used_;
}

// Adds what is complete of the current run to the runs. Returns what the next batch begins with:
// the bytes, or the words, that n-grams of both batches share.
std::string NgramCounter::close_run() {
  const uint8_t* p = batch_.data();
  const uint32_t n = store_.spec.n;
  const auto text = [&](size_t from, size_t to) { return std::string(p + from, p + to); };
  if (store_.spec.unit == NgramUnit::bytes) {
    runs_.push_back({run_begin_, used_});
    return text(used_ - std::min<size_t>(n - 1, used_ - run_begin_), used_);
  }
  size_t open = used_;  // a word that more bytes may join
  if (word_open(p, run_begin_, used_)) {
    do --open;
    while (!word_starts(p, run_begin_, open));
  }
  std::string carry = text(open, used_);
  size_t at = open;
  for (uint32_t words = 1; words < n; ++words) {
    while (at > run_begin_ && !word_starts(p, run_begin_, --at)) continue;
    if (!word_starts(p, run_begin_, at) || at == open) break;
    carry.insert(0, text(at, word_end(p, open, at)) + ' ');
    if (at == run_begin_) break;
  }
  if (open > run_begin_) runs_.push_back({run_begin_, open});
  return carry;
}

// The batch is full in the middle of a file.
void NgramCounter::cut() {
  const std::string carry = close_run();
  if (carry.size() > kMaxCarry)
    fail(ErrorCode::limit,
         "counting: a word n-gram is longer than 16 MiB, so this is no text; count --bytes");
  count_batch();
  if (carry.size() > batch_bytes_ / 2) {  // a word as long as the batch: grow, or no end is reached
    store_.budget.charge(2 * batch_bytes_);
    batch_bytes_ *= 2;
    batch_.resize(batch_bytes_ + kNgramPadding);
  }
  std::copy(carry.begin(), carry.end(), batch_.begin());
  used_ = carry.size();
  run_begin_ = 0;
}

std::vector<NgramPiece> NgramCounter::cut_pieces() const {
  std::vector<NgramPiece> pieces;
  for (const Run& r : runs_)
    for (uint64_t from = r.begin; from < r.end; from += kPiece)
      pieces.push_back({r.begin, r.end, from, std::min<uint64_t>(from + kPiece, r.end)});
  return pieces;
}

// Counts the runs and forgets them. The bytes are no longer needed then.
void NgramCounter::count_batch() {
  if (runs_.empty()) return;
  std::fill_n(batch_.begin() + static_cast<ptrdiff_t>(used_), kNgramPadding, uint8_t{0});
  std::vector<NgramPiece> pieces = cut_pieces();
  runs_.clear();
  const auto scanner = [&](size_t i) -> NgramScanner& {
    while (scanners_.size() <= i) scanners_.push_back(std::make_unique<NgramScanner>(store_));
    return *scanners_[i];
  };
  if (device_ != nullptr) {
    NgramScanner& first = scanner(0);
    std::vector<uint8_t> gram;
    pieces = device_->count(store_.spec, {batch_.data(), used_ + kNgramPadding}, pieces,
                            [&](std::span<const uint8_t> bytes, uint64_t count) {
                              gram.assign(bytes.begin(), bytes.end());
                              gram.resize(bytes.size() + 8);
                              first.add_one(gram.data(), bytes.size(), count);
                            });
    first.flush();
  }
  const size_t workers = std::min<size_t>(static_cast<size_t>(threads_), pieces.size());
  for (size_t i = 0; i < workers; ++i) scanner(i);
  std::atomic<size_t> next = 0;
  const auto work = [&](size_t i) {
    for (size_t k = next++; k < pieces.size(); k = next++)
      scanners_[i]->scan(batch_.data(), pieces[k]);
    scanners_[i]->flush();
  };
  if (workers <= 1) {
    if (workers == 1) work(0);
    return;
  }
  Workers(threads_).run(workers, [&](size_t i, size_t) { work(i); });
}

void NgramCounter::settle() {
  if (used_ > run_begin_) end_file();
  count_batch();
  used_ = run_begin_ = 0;
}

void NgramCounter::merge(NgramCounter& other) {
  if (store_.spec != other.store_.spec)
    fail(ErrorCode::invalid_argument, "counting: counts of different n-grams do not merge");
  settle();
  NgramScanner adder(store_);
  std::vector<uint8_t> gram;
  other.for_each([&](std::span<const uint8_t> bytes, uint64_t count) {
    gram.assign(bytes.begin(), bytes.end());
    gram.resize(bytes.size() + 8);
    adder.add_one(gram.data(), bytes.size(), count);
  });
  adder.flush();
}
}  // namespace gramzip::cpu
