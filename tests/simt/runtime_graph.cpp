// SPDX-License-Identifier: Apache-2.0
//
// Graphs of one stream's work.  As with the device, what waits, allocates or asks breaks a capture.
#include "simt/runtime_graph.h"

#include <memory>
#include <mutex>
#include <unordered_map>
#include <utility>
#include <vector>

#include "simt/runtime.h"
#include "simt/runtime_log.h"

namespace simt {
namespace {

using Work = std::vector<std::function<cudaError_t()>>;
struct Capture {
  Work work;
  bool broken = false;
};

std::mutex mutex;
std::unordered_map<cudaStream_t, Capture> captures;
std::unordered_map<cudaGraph_t, Work> graphs;
std::unordered_map<cudaGraphExec_t, std::shared_ptr<const Work>> executables;
uintptr_t next_handle = 0x100000;

}  // namespace

CallCounters& call_counters() {
  static CallCounters counters;
  return counters;
}

RuntimeCalls runtime_calls() {
  const CallCounters& c = call_counters();
  return {c.launches, c.fills, c.host_copies, c.device_copies, c.allocations, c.waits, c.other};
}

bool leave_captures() {
  const std::lock_guard<std::mutex> lock(mutex);
  for (auto& [stream, capture] : captures) capture.broken = true;
  return captures.empty();
}

bool is_capturing(cudaStream_t stream) {
  const std::lock_guard<std::mutex> lock(mutex);
  return captures.contains(stream);
}

void record(cudaStream_t stream, std::function<cudaError_t()> work) {
  const std::lock_guard<std::mutex> lock(mutex);
  captures[stream].work.push_back(std::move(work));
}

}  // namespace simt

using simt::set_last_error;

extern "C" {

cudaError_t cudaStreamBeginCapture(cudaStream_t stream, cudaStreamCaptureMode) {
  ++simt::call_counters().other;
  // The default stream cannot be captured.
  if (reinterpret_cast<uintptr_t>(stream) <= 1) {
    return set_last_error(cudaErrorStreamCaptureUnsupported);
  }
  const std::lock_guard<std::mutex> lock(simt::mutex);
  return simt::captures.try_emplace(stream).second ? cudaSuccess
                                                   : set_last_error(cudaErrorIllegalState);
}
cudaError_t cudaStreamIsCapturing(cudaStream_t stream, cudaStreamCaptureStatus* status) {
  *status =
      simt::is_capturing(stream) ? cudaStreamCaptureStatusActive : cudaStreamCaptureStatusNone;
  return cudaSuccess;
}
cudaError_t cudaStreamEndCapture(cudaStream_t stream, cudaGraph_t* graph) {
  ++simt::call_counters().other;
  const std::lock_guard<std::mutex> lock(simt::mutex);
  *graph = nullptr;
  const auto found = simt::captures.find(stream);
  if (found == simt::captures.end()) return set_last_error(cudaErrorIllegalState);
  simt::Capture capture = std::move(found->second);
  simt::captures.erase(found);
  if (capture.broken) return set_last_error(cudaErrorStreamCaptureInvalidated);
  *graph = reinterpret_cast<cudaGraph_t>(simt::next_handle += 16);
  simt::graphs[*graph] = std::move(capture.work);
  return cudaSuccess;
}
cudaError_t cudaGraphInstantiate(cudaGraphExec_t* executable, cudaGraph_t graph,
                                 unsigned long long) {
  ++simt::call_counters().other;
  const std::lock_guard<std::mutex> lock(simt::mutex);
  const auto found = simt::graphs.find(graph);
  if (found == simt::graphs.end()) return set_last_error(cudaErrorInvalidValue);
  *executable = reinterpret_cast<cudaGraphExec_t>(simt::next_handle += 16);
  simt::executables[*executable] = std::make_shared<const simt::Work>(found->second);
  return cudaSuccess;
}
cudaError_t cudaGraphLaunch(cudaGraphExec_t executable, cudaStream_t) {
  ++simt::call_counters().other;
  std::shared_ptr<const simt::Work> work;
  {
    const std::lock_guard<std::mutex> lock(simt::mutex);
    const auto found = simt::executables.find(executable);
    if (found == simt::executables.end()) return set_last_error(cudaErrorInvalidValue);
    work = found->second;
  }
  for (const auto& step : *work) {
    const cudaError_t status = step();
    if (status != cudaSuccess) return status;
  }
  return cudaSuccess;
}
cudaError_t cudaGraphExecDestroy(cudaGraphExec_t executable) {
  const std::lock_guard<std::mutex> lock(simt::mutex);
  return simt::executables.erase(executable) ? cudaSuccess : set_last_error(cudaErrorInvalidValue);
}
cudaError_t cudaGraphDestroy(cudaGraph_t graph) {
  const std::lock_guard<std::mutex> lock(simt::mutex);
  return simt::graphs.erase(graph) ? cudaSuccess : set_last_error(cudaErrorInvalidValue);
}

}  // extern "C"
