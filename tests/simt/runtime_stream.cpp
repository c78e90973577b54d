// SPDX-License-Identifier: Apache-2.0
//
// Streams and events.  All work runs at once, so that waiting never waits; handles are checked.
#include <cuda_runtime.h>

#include <chrono>
#include <mutex>
#include <unordered_map>
#include <unordered_set>

#include "simt/runtime.h"

namespace simt {
namespace {

using Clock = std::chrono::steady_clock;
struct Event {
  bool recorded = false;
  bool timed = true;
  Clock::time_point time;
};

std::mutex mutex;
std::unordered_set<cudaStream_t> streams;
std::unordered_map<cudaEvent_t, Event> events;
uintptr_t next_handle = 0x1000;

// The handles 0, cudaStreamLegacy and cudaStreamPerThread name streams that always exist.
cudaError_t check_stream(cudaStream_t stream) {
  if (reinterpret_cast<uintptr_t>(stream) <= 2) return cudaSuccess;
  const std::lock_guard<std::mutex> lock(mutex);
  return streams.contains(stream) ? cudaSuccess : set_last_error(cudaErrorInvalidResourceHandle);
}

cudaError_t wait_for(cudaStream_t stream) {
  ++call_counters().waits;
  if (!leave_captures()) return set_last_error(cudaErrorStreamCaptureUnsupported);
  return check_stream(stream);
}

cudaError_t create_stream(cudaStream_t* stream) {
  ++call_counters().other;
  const std::lock_guard<std::mutex> lock(mutex);
  *stream = reinterpret_cast<cudaStream_t>(next_handle += 16);
  streams.insert(*stream);
  return cudaSuccess;
}

cudaError_t check_event(cudaEvent_t event) {
  const std::lock_guard<std::mutex> lock(mutex);
  return events.contains(event) ? cudaSuccess : set_last_error(cudaErrorInvalidResourceHandle);
}

cudaError_t create_event(cudaEvent_t* event, bool timed) {
  ++call_counters().other;
  const std::lock_guard<std::mutex> lock(mutex);
  *event = reinterpret_cast<cudaEvent_t>(next_handle += 16);
  events[*event].timed = timed;
  return cudaSuccess;
}

}  // namespace
}  // namespace simt

using simt::set_last_error;

extern "C" {

// Streams.
cudaError_t cudaStreamCreate(cudaStream_t* stream) { return simt::create_stream(stream); }
cudaError_t cudaStreamCreateWithFlags(cudaStream_t* stream, unsigned) {
  return simt::create_stream(stream);
}
cudaError_t cudaStreamCreateWithPriority(cudaStream_t* stream, unsigned, int) {
  return simt::create_stream(stream);
}
cudaError_t cudaStreamDestroy(cudaStream_t stream) {
  const std::lock_guard<std::mutex> lock(simt::mutex);
  return simt::streams.erase(stream) ? cudaSuccess : set_last_error(cudaErrorInvalidResourceHandle);
}
cudaError_t cudaStreamSynchronize(cudaStream_t stream) { return simt::wait_for(stream); }
cudaError_t cudaStreamQuery(cudaStream_t stream) { return simt::wait_for(stream); }
cudaError_t cudaStreamWaitEvent(cudaStream_t stream, cudaEvent_t event, unsigned) {
  const cudaError_t status = simt::check_event(event);
  return status == cudaSuccess ? simt::check_stream(stream) : status;
}
cudaError_t cudaLaunchHostFunc(cudaStream_t stream, cudaHostFn_t function, void* data) {
  ++simt::call_counters().other;
  const cudaError_t status = simt::check_stream(stream);
  if (status == cudaSuccess) function(data);
  return status;
}

// Events.
cudaError_t cudaEventCreate(cudaEvent_t* event) { return simt::create_event(event, true); }
cudaError_t cudaEventCreateWithFlags(cudaEvent_t* event, unsigned flags) {
  return simt::create_event(event, !(flags & cudaEventDisableTiming));
}
cudaError_t cudaEventDestroy(cudaEvent_t event) {
  const std::lock_guard<std::mutex> lock(simt::mutex);
  return simt::events.erase(event) ? cudaSuccess : set_last_error(cudaErrorInvalidResourceHandle);
}
cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t stream) {
  const cudaError_t status = simt::check_stream(stream);
  if (status != cudaSuccess) return status;
  const std::lock_guard<std::mutex> lock(simt::mutex);
  const auto found = simt::events.find(event);
  if (found == simt::events.end()) return set_last_error(cudaErrorInvalidResourceHandle);
  found->second.recorded = true;
  found->second.time = simt::Clock::now();
  return cudaSuccess;
}
cudaError_t cudaEventSynchronize(cudaEvent_t event) {
  ++simt::call_counters().waits;
  return simt::check_event(event);
}
cudaError_t cudaEventQuery(cudaEvent_t event) {
  ++simt::call_counters().waits;
  return simt::check_event(event);
}
cudaError_t cudaEventElapsedTime(float* milliseconds, cudaEvent_t start, cudaEvent_t end) {
  const std::lock_guard<std::mutex> lock(simt::mutex);
  const auto a = simt::events.find(start), b = simt::events.find(end);
  if (a == simt::events.end() || b == simt::events.end() || !a->second.recorded ||
      !b->second.recorded || !a->second.timed || !b->second.timed) {
    return set_last_error(cudaErrorInvalidResourceHandle);
  }
  *milliseconds = std::chrono::duration<float, std::milli>(b->second.time - a->second.time).count();
  return cudaSuccess;
}

}  // extern "C"
