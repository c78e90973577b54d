// SPDX-License-Identifier: Apache-2.0
//
// The emulated device, its kernels' limits, and errors.
#include <cuda_runtime.h>

#include <algorithm>
#include <cstdio>
#include <utility>

#include "simt/options.h"
#include "simt/runtime.h"

namespace simt {
namespace {

// Shaped like an H100, with few multiprocessors: grids sized by the device stay small.
constexpr int kMultiprocessors = 4;
constexpr int kMajor = 9;
constexpr int kMinor = 0;
constexpr int kThreadsPerMultiprocessor = 2048;
constexpr int kBlocksPerMultiprocessor = 32;
constexpr int kSharedPerBlock = 48 * 1024;
constexpr int kSharedPerMultiprocessor = 228 * 1024;
constexpr int kSharedReservedPerBlock = 1024;

thread_local cudaError_t last_error = cudaSuccess;

const char* error_name(cudaError_t error) {
  switch (error) {
    case cudaSuccess:
      return "cudaSuccess";
    case cudaErrorInvalidValue:
      return "cudaErrorInvalidValue";
    case cudaErrorMemoryAllocation:
      return "cudaErrorMemoryAllocation";
    case cudaErrorInvalidConfiguration:
      return "cudaErrorInvalidConfiguration";
    case cudaErrorInvalidDevice:
      return "cudaErrorInvalidDevice";
    case cudaErrorInvalidResourceHandle:
      return "cudaErrorInvalidResourceHandle";
    case cudaErrorIllegalAddress:
      return "cudaErrorIllegalAddress";
    case cudaErrorLaunchFailure:
      return "cudaErrorLaunchFailure";
    case cudaErrorNoDevice:
      return "cudaErrorNoDevice";
    case cudaErrorNotReady:
      return "cudaErrorNotReady";
    case cudaErrorStreamCaptureUnsupported:
      return "cudaErrorStreamCaptureUnsupported";
    case cudaErrorStreamCaptureInvalidated:
      return "cudaErrorStreamCaptureInvalidated";
    default:
      return "unrecognized error code";
  }
}

}  // namespace

cudaError_t set_last_error(cudaError_t error) {
  if (error != cudaSuccess) last_error = error;
  return error;
}

}  // namespace simt

using simt::set_last_error;

extern "C" {

// Errors.
cudaError_t cudaGetLastError() { return std::exchange(simt::last_error, cudaSuccess); }
cudaError_t cudaPeekAtLastError() { return simt::last_error; }
const char* cudaGetErrorName(cudaError_t error) { return simt::error_name(error); }
const char* cudaGetErrorString(cudaError_t error) { return simt::error_name(error); }

// Devices.
cudaError_t cudaGetDeviceCount(int* count) {
  *count = 1;
  return cudaSuccess;
}
cudaError_t cudaGetDevice(int* device) {
  *device = 0;
  return cudaSuccess;
}
cudaError_t cudaSetDevice(int device) {
  return device == 0 ? cudaSuccess : set_last_error(cudaErrorInvalidDevice);
}
cudaError_t cudaDeviceSynchronize() {
  ++simt::call_counters().waits;
  return simt::leave_captures() ? cudaSuccess : set_last_error(cudaErrorStreamCaptureUnsupported);
}
cudaError_t cudaDriverGetVersion(int* version) {
  *version = CUDART_VERSION;
  return cudaSuccess;
}
cudaError_t cudaRuntimeGetVersion(int* version) {
  *version = CUDART_VERSION;
  return cudaSuccess;
}

cudaError_t cudaGetDeviceProperties(cudaDeviceProp* result, int device) {
  ++simt::call_counters().other;
  if (device != 0) return set_last_error(cudaErrorInvalidDevice);
  *result = {};
  std::snprintf(result->name, sizeof result->name, "SIMT emulator");
  result->totalGlobalMem = simt::options().device_memory_bytes;
  result->sharedMemPerBlock = simt::kSharedPerBlock;
  result->sharedMemPerBlockOptin = simt::options().max_shared_bytes;
  result->sharedMemPerMultiprocessor = simt::kSharedPerMultiprocessor;
  result->reservedSharedMemPerBlock = simt::kSharedReservedPerBlock;
  result->regsPerBlock = result->regsPerMultiprocessor = 65536;
  result->warpSize = 32;
  result->maxThreadsPerBlock = 1024;
  result->maxThreadsDim[0] = result->maxThreadsDim[1] = 1024;
  result->maxThreadsDim[2] = 64;
  result->maxGridSize[0] = 0x7fffffff;
  result->maxGridSize[1] = result->maxGridSize[2] = 65535;
  result->totalConstMem = 65536;
  result->major = simt::kMajor;
  result->minor = simt::kMinor;
  result->multiProcessorCount = simt::kMultiprocessors;
  result->maxThreadsPerMultiProcessor = simt::kThreadsPerMultiprocessor;
  result->maxBlocksPerMultiProcessor = simt::kBlocksPerMultiprocessor;
  result->l2CacheSize = 1 << 20;
  result->memoryBusWidth = 64;
  result->asyncEngineCount = 1;
  result->concurrentKernels = 1;
  result->unifiedAddressing = 1;
  result->managedMemory = 1;
  result->memoryPoolsSupported = 1;
  return cudaSuccess;
}

cudaError_t cudaDeviceGetAttribute(int* value, cudaDeviceAttr attribute, int device) {
  cudaDeviceProp p;
  const cudaError_t status = cudaGetDeviceProperties(&p, device);
  if (status != cudaSuccess) return status;
  switch (attribute) {
    case cudaDevAttrMultiProcessorCount:
      *value = p.multiProcessorCount;
      break;
    case cudaDevAttrComputeCapabilityMajor:
      *value = p.major;
      break;
    case cudaDevAttrComputeCapabilityMinor:
      *value = p.minor;
      break;
    case cudaDevAttrWarpSize:
      *value = p.warpSize;
      break;
    case cudaDevAttrMaxThreadsPerBlock:
      *value = p.maxThreadsPerBlock;
      break;
    case cudaDevAttrMaxThreadsPerMultiProcessor:
      *value = p.maxThreadsPerMultiProcessor;
      break;
    case cudaDevAttrMaxBlocksPerMultiprocessor:
      *value = p.maxBlocksPerMultiProcessor;
      break;
    case cudaDevAttrMaxGridDimX:
      *value = p.maxGridSize[0];
      break;
    case cudaDevAttrMaxGridDimY:
    case cudaDevAttrMaxGridDimZ:
      *value = p.maxGridSize[1];
      break;
    case cudaDevAttrMaxSharedMemoryPerBlock:
      *value = int(p.sharedMemPerBlock);
      break;
    case cudaDevAttrMaxSharedMemoryPerBlockOptin:
      *value = int(p.sharedMemPerBlockOptin);
      break;
    case cudaDevAttrMaxSharedMemoryPerMultiprocessor:
      *value = int(p.sharedMemPerMultiprocessor);
      break;
    case cudaDevAttrReservedSharedMemoryPerBlock:
      *value = int(p.reservedSharedMemPerBlock);
      break;
    case cudaDevAttrMaxRegistersPerBlock:
    case cudaDevAttrMaxRegistersPerMultiprocessor:
      *value = p.regsPerBlock;
      break;
    case cudaDevAttrL2CacheSize:
      *value = p.l2CacheSize;
      break;
    case cudaDevAttrGlobalMemoryBusWidth:
      *value = p.memoryBusWidth;
      break;
    case cudaDevAttrMemoryClockRate:
    case cudaDevAttrClockRate:
      *value = 1000000;  // kHz
      break;
    case cudaDevAttrUnifiedAddressing:
    case cudaDevAttrManagedMemory:
    case cudaDevAttrMemoryPoolsSupported:
    case cudaDevAttrConcurrentKernels:
    case cudaDevAttrAsyncEngineCount:
      *value = 1;
      break;
    default:
      *value = 0;  // features the emulator does not have
  }
  return cudaSuccess;
}

// Kernels.  Registers are not modelled: occupancy follows from threads and shared memory.
cudaError_t cudaFuncSetAttribute(const void*, cudaFuncAttribute attribute, int value) {
  if (attribute == cudaFuncAttributeMaxDynamicSharedMemorySize &&
      (value < 0 || size_t(value) > simt::options().max_shared_bytes)) {
    return set_last_error(cudaErrorInvalidValue);
  }
  return cudaSuccess;
}
cudaError_t cudaFuncGetAttributes(cudaFuncAttributes* result, const void*) {
  *result = {};
  result->maxThreadsPerBlock = 1024;
  result->numRegs = 32;
  result->ptxVersion = result->binaryVersion = simt::kMajor * 10 + simt::kMinor;
  result->maxDynamicSharedSizeBytes = int(simt::options().max_shared_bytes);
  return cudaSuccess;
}
cudaError_t cudaOccupancyMaxActiveBlocksPerMultiprocessorWithFlags(int* blocks, const void*,
                                                                   int threads,
                                                                   size_t dynamic_bytes, unsigned) {
  if (threads < 1 || threads > 1024) return set_last_error(cudaErrorInvalidValue);
  const int rounded = (threads + 31) / 32 * 32;
  const int by_threads = simt::kThreadsPerMultiprocessor / rounded;
  const int by_shared =
      int(size_t(simt::kSharedPerMultiprocessor) / (dynamic_bytes + simt::kSharedReservedPerBlock));
  *blocks = std::min({by_threads, by_shared, simt::kBlocksPerMultiprocessor});
  return cudaSuccess;
}
cudaError_t cudaOccupancyMaxActiveBlocksPerMultiprocessor(int* blocks, const void* kernel,
                                                          int threads, size_t dynamic_bytes) {
  return cudaOccupancyMaxActiveBlocksPerMultiprocessorWithFlags(blocks, kernel, threads,
                                                                dynamic_bytes, 0);
}

}  // extern "C"
