// SPDX-License-Identifier: Apache-2.0
//
// Runs a grid: checks its shape, hands its blocks to OS threads, reports the first error.
#include <algorithm>
#include <condition_variable>
#include <thread>

#include "simt/block.h"
#include "simt/checker.h"
#include "simt/device_memory.h"
#include "simt/image.h"
#include "simt/options.h"
#include "simt/runtime.h"

namespace simt {
namespace {

// nvcc's limit for static shared memory.
constexpr size_t kMaxStaticShared = 48 * 1024;
// Each worker maps a stack and a guard page per thread, and a process may have 65530 mappings.
constexpr unsigned kMaxWorkers = 16;

std::string failure_text(const Failure& failure) {
  std::string text = failure.text;
  for (int i = 0; i < 2; ++i) {
    const std::string mark = "{pc" + std::to_string(i) + "}";
    const size_t at = text.find(mark);
    if (at != std::string::npos) text.replace(at, mark.size(), source_line(failure.pc[i]));
  }
  return text;
}

// Runs blocks of the grid until none is left or one has failed.
void run_blocks(Grid& grid) {
  thread_local Block block;
  try {
    prepare_block(block, grid);
    while (!grid.failed) {
      const uint64_t i = grid.next.fetch_add(1);
      if (i >= grid.blocks) break;
      run_block(block, grid.order.empty() ? i : grid.order[i]);
      if (block.failure.set) grid.set_error(failure_text(block.failure));
    }
  } catch (const std::exception& e) {
    grid.set_error(e.what());
  }
}

// Threads that stay between launches.  The launching thread works too.
class Pool {
 public:
  ~Pool() {
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      stop_ = true;
    }
    start_.notify_all();
    for (std::thread& t : threads_) t.join();
  }

  void run(Grid& grid, int helpers) {
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      while (int(threads_.size()) < helpers) {
        threads_.emplace_back(
            [this, id = int(threads_.size()), seen = launches_] { serve(id, seen); });
      }
      grid_ = &grid;
      wanted_ = busy_ = helpers;
      ++launches_;
    }
    start_.notify_all();
    run_blocks(grid);
    std::unique_lock<std::mutex> lock(mutex_);
    done_.wait(lock, [this] { return busy_ == 0; });
  }

 private:
  void serve(int id, uint64_t seen) {
    std::unique_lock<std::mutex> lock(mutex_);
    for (;;) {
      start_.wait(lock, [&] { return stop_ || launches_ != seen; });
      if (stop_) return;
      seen = launches_;
      if (id >= wanted_) continue;
      Grid& grid = *grid_;
      lock.unlock();
      run_blocks(grid);
      lock.lock();
      if (--busy_ == 0) done_.notify_all();
    }
  }

  std::mutex mutex_;
  std::condition_variable start_;
  std::condition_variable done_;
  std::vector<std::thread> threads_;
  Grid* grid_ = nullptr;
  uint64_t launches_ = 0;
  int wanted_ = 0;
  int busy_ = 0;
  bool stop_ = false;
};

int worker_count(const Grid& grid) {
  if (checker_active()) return 1;
  const unsigned cores = std::clamp(std::thread::hardware_concurrency(), 1u, kMaxWorkers);
  const uint64_t wanted = options().workers > 0 ? uint64_t(options().workers) : cores;
  return int(std::min(wanted, grid.blocks));
}

void check_shape(dim3 grid, dim3 block, size_t dynamic_bytes) {
  const uint64_t threads = uint64_t(block.x) * block.y * block.z;
  const uint64_t blocks = uint64_t(grid.x) * grid.y * grid.z;
  if (threads == 0 || threads > kMaxThreads || block.z > 64 || blocks == 0 ||
      grid.x > 0x7fffffffu || grid.y > 65535 || grid.z > 65535) {
    fail("invalid launch configuration: grid (%u,%u,%u), block (%u,%u,%u)", grid.x, grid.y, grid.z,
         block.x, block.y, block.z);
  }
  if (blocks > 0xffffffffu) fail("the emulator runs at most 2^32 - 1 blocks");
  if (dynamic_bytes > options().max_shared_bytes) {
    fail("dynamic shared memory of %zu bytes is over the limit of %zu", dynamic_bytes,
         options().max_shared_bytes);
  }
}

}  // namespace

Options& options() {
  static Options instance;
  return instance;
}

void Grid::set_error(const std::string& text) {
  const std::lock_guard<std::mutex> lock(mutex);
  if (failed) return;
  error = text;
  failed = true;
}

cudaError_t run_grid(const Kernel& kernel, dim3 grid_size, dim3 block_size, size_t dynamic_bytes) {
  if (running_block()) fail("a kernel launched from a kernel");
  static std::mutex one_at_a_time;
  const std::lock_guard<std::mutex> lock(one_at_a_time);
  ++call_counters().launches;
  if (options().fail_launch_at > 0 && --options().fail_launch_at == 0) {
    return set_last_error(cudaErrorLaunchFailure);
  }
  check_shape(grid_size, block_size, dynamic_bytes);

  Grid grid;
  grid.kernel = kernel;
  grid.grid = grid_size;
  grid.block = block_size;
  grid.dynamic_bytes = dynamic_bytes;
  grid.blocks = uint64_t(grid_size.x) * grid_size.y * grid_size.z;
  grid.shared = shared_variables(kernel.symbol);
  size_t static_bytes = 0;
  for (const SharedVariable& v : grid.shared) static_bytes += v.bytes;
  if (static_bytes > kMaxStaticShared) {
    fail("%s: static shared memory of %zu bytes is over 48 KiB", kernel_name(kernel.symbol).c_str(),
         static_bytes);
  }
  if (options().shuffle_blocks) {
    grid.order.resize(grid.blocks);
    for (uint32_t i = 0; i < grid.order.size(); ++i) grid.order[i] = i;
    Rng rng(options().seed, ~uint64_t(0));
    for (size_t i = grid.order.size(); i > 1; --i) {
      std::swap(grid.order[i - 1], grid.order[rng.below(uint32_t(i))]);
    }
  }
  checker_begin_launch(kernel);

  grid.workers = worker_count(grid);
  if (grid.workers > 1) {
    static Pool pool;
    pool.run(grid, grid.workers - 1);
  } else {
    run_blocks(grid);
  }
  if (!grid.failed) {
    const std::string overrun = find_overrun();
    if (!overrun.empty()) grid.set_error(overrun);
  }
  if (grid.failed) {
    throw Error(kernel_name(kernel.symbol) + ", seed " + std::to_string(options().seed) + ": " +
                grid.error);
  }
  return cudaSuccess;
}

}  // namespace simt
