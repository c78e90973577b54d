// SPDX-License-Identifier: Apache-2.0
//
// CUB's block and warp collectives, the real ones, on the GPU and in emulation.
//
// Device-wide algorithms (DeviceScan, DeviceRadixSort, ...) are not here: they launch kernels of
// their own, which the emulator cannot run.  Wrap those in a function with a host twin.
#pragma once

#include "simt.h"

#if GRAMZIP_SIMT_GPU
#include <cub/block/block_exchange.cuh>
#include <cub/block/block_load.cuh>
#include <cub/block/block_radix_sort.cuh>
#include <cub/block/block_reduce.cuh>
#include <cub/block/block_run_length_decode.cuh>
#include <cub/block/block_scan.cuh>
#include <cub/block/block_store.cuh>
#include <cub/warp/warp_reduce.cuh>
#include <cub/warp/warp_scan.cuh>
#else
#include "simt/cub_host.h"
#endif
