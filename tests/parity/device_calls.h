// SPDX-License-Identifier: Apache-2.0
// Calls of the device interface: only enqueues, also within a capture.
#pragma once
#include "gramzip/device.h"
#include "tests/parity/device.h"
#include "tests/parity/device_array.h"
#if GRAMZIP_PARITY_EMULATED
#include "simt/runtime_log.h"
#endif

namespace gramzip::test {
// The race checker is ten times slower: less of what repeats itself.
#if GRAMZIP_PARITY_EMULATED && GRAMZIP_PARITY_CHECKED
inline constexpr bool kChecked = true;
#else
inline constexpr bool kChecked = false;
#endif

struct Stream {
  cudaStream_t s = nullptr;
  Stream() { EXPECT_EQ(cudaStreamCreate(&s), cudaSuccess); }
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;
  ~Stream() { cudaStreamDestroy(s); }
};

// Runs f, which must enqueue kernels and fills alone.
template <class F>
void only_enqueues(F f) {
#if GRAMZIP_PARITY_EMULATED
  const simt::RuntimeCalls before = simt::runtime_calls();
  f();
  const simt::RuntimeCalls after = simt::runtime_calls();
  EXPECT_EQ(after.allocations, before.allocations);
  EXPECT_EQ(after.waits, before.waits);
  EXPECT_EQ(after.host_copies, before.host_copies);
  EXPECT_EQ(after.device_copies, before.device_copies);
  EXPECT_EQ(after.other, before.other);
#else
  f();
#endif
}

// What f enqueues on a stream, as a graph.
class Graph {
 public:
  template <class F>
  Graph(cudaStream_t stream, F f) : stream_(stream) {
    cudaGraph_t graph = nullptr;
    EXPECT_EQ(cudaStreamBeginCapture(stream, cudaStreamCaptureModeGlobal), cudaSuccess);
    f();
    EXPECT_EQ(cudaStreamEndCapture(stream, &graph), cudaSuccess);
    EXPECT_EQ(cudaGraphInstantiate(&executable_, graph, 0), cudaSuccess);
    EXPECT_EQ(cudaGraphDestroy(graph), cudaSuccess);
  }
  Graph(const Graph&) = delete;
  Graph& operator=(const Graph&) = delete;
  ~Graph() { cudaGraphExecDestroy(executable_); }
  void run() {
    EXPECT_EQ(cudaGraphLaunch(executable_, stream_), cudaSuccess);
    EXPECT_EQ(cudaStreamSynchronize(stream_), cudaSuccess);
  }

 private:
  cudaStream_t stream_;
  cudaGraphExec_t executable_ = nullptr;
};
}  // namespace gramzip::test

#if GRAMZIP_PARITY_EMULATED
#define GRAMZIP_NEEDS_DEVICE() static_cast<void>(0)
#else
#define GRAMZIP_NEEDS_DEVICE() GRAMZIP_DEVICE_OR_SKIP(gramzip_backend)
#endif
