/* SPDX-License-Identifier: Apache-2.0
 *
 * gramzip, device interface: from device memory to device memory, on the caller's stream.
 *
 * The contract, of every function that takes a temp (docs/device.md):
 *   - it enqueues kernels and fills of device memory on `stream`, and nothing else: it does not allocate, does not
 *     synchronise, copies nothing to or from the host. It may be captured into a CUDA graph, and the graph run again
 *     with other bytes in the same places;
 *   - size first, then call: the size is asked for on the host. temp: device memory, aligned to
 *     GRAMZIP_DEVICE_TEMP_ALIGN, used until the call's work is done; its contents do not matter;
 *   - pointers to device memory are those of the current device; arrays of pointers are host memory, read before the
 *     call returns. Sizes are bytes;
 *   - what can be said on the host is said by the status: arguments, sizes, alignment, a launch that fails. What the
 *     bytes on the device are worth is said on the device;
 *   - what is enqueued is memory-safe whatever bytes it finds, as long as nothing else writes to them meanwhile.
 *
 * No CUDA header is needed: gramzip_stream is cudaStream_t. In a library built without CUDA every function but
 * gramzip_compress_array gives GRAMZIP_DEVICE. All functions may be called from several threads.
 */
#ifndef GRAMZIP_DEVICE_H
#define GRAMZIP_DEVICE_H

#include "gramzip/gramzip.h"

#ifdef __cplusplus
extern "C" {
#endif

struct CUstream_st;
typedef struct CUstream_st* gramzip_stream; /* cudaStream_t; null: the default stream */

#define GRAMZIP_DEVICE_TEMP_ALIGN 256    /* of temps */
#define GRAMZIP_DEVICE_ARCHIVE_ALIGN 128 /* of archives */
#define GRAMZIP_DEVICE_ARRAY_ALIGN 16    /* of arrays of elements or bytes */

/* How a block fared; the numbers are stable. The output of a block that is not ok is unspecified. */
typedef enum gramzip_block_status {
  GRAMZIP_BLOCK_OK = 0,
  GRAMZIP_BLOCK_BAD_CODED_HASH = 1,
  GRAMZIP_BLOCK_BAD_LAYOUT = 2,
  GRAMZIP_BLOCK_BAD_STREAM = 3,
  GRAMZIP_BLOCK_BAD_DECODED_HASH = 4
} gramzip_block_status;

/* ---- Plans ----
 * What a call needs to know besides pointers: made once, on the host, used any number of times, by several streams at
 * once. A plan holds an image of a few KiB a MiB of content in device memory; making it may allocate that and copies
 * it, on `stream`, so calls on other streams must wait for that stream first. */
typedef struct gramzip_device_plan gramzip_device_plan;

/* The caller's allocator, in stream order. allocate: `size` bytes of device memory, aligned to 256, or null. */
typedef struct gramzip_device_allocator {
  void* (*allocate)(void* context, size_t size, gramzip_stream stream);
  void (*release)(void* context, void* p, size_t size, gramzip_stream stream);
  void* context;
} gramzip_device_allocator;

/* The device memory that the calls of a plan need. */
GRAMZIP_API gramzip_status gramzip_device_temp_bytes(const gramzip_device_plan* plan, size_t* temp_bytes);

/* Of item i of a plan. Decompression: bytes of output, and its blocks in the array of statuses. Compression: the room
 * that an output needs; no blocks. Each pointer may be null. */
GRAMZIP_API gramzip_status gramzip_device_item_info(const gramzip_device_plan* plan, size_t item, uint64_t* output_bytes,
                                                    uint64_t* first_block, uint64_t* block_count);

/* All statuses of a decompression: entries of block_status. 0 for a compression. */
GRAMZIP_API gramzip_status gramzip_device_block_count(const gramzip_device_plan* plan, uint64_t* block_count);

/* Gives the image back in the order of `stream`, behind whose work all calls with the plan must lie. Null is
 * allowed. */
GRAMZIP_API void gramzip_device_plan_free(gramzip_device_plan* plan, gramzip_stream stream);

/* ---- Decompression ----
 * An archive to read headers from: index, section headers, code tables, block records; never the coded blocks.
 * memory HOST: its bytes. memory DEVICE: it lies on device `device_index` already; the headers are copied to the
 * host once, which waits for the device. */
typedef struct gramzip_device_archive {
  const void* data;
  uint64_t size;
  gramzip_memory memory;
  int32_t device_index;
} gramzip_device_archive;

/* Bytes [begin, begin + size) of an archive's content, for instance a tensor. */
typedef struct gramzip_device_item {
  size_t archive;
  uint64_t begin, size;
} gramzip_device_item;

/* items: null: one an archive, all of its content. Every field of the format is checked as gramzip_decompress checks
 * it, but for hashes of whole members and contents: each block's own hashes are compared on the device.
 * allocator: null: cudaMallocAsync and cudaFreeAsync.
 * Errors: all of the data's; UNSUPPORTED also: n-gram text, quantized weights and references, whose segments the
 * host decodes, and deltas against bytes of the base that do not begin at a multiple of 16; INVALID_ARGUMENT, NO_MEMORY, DEVICE. */
GRAMZIP_API gramzip_status gramzip_device_plan_decompress(const gramzip_device_archive* archives, size_t archive_count,
                                                          const gramzip_device_item* items, size_t item_count,
                                                          const gramzip_device_allocator* allocator,
                                                          gramzip_stream stream, gramzip_device_plan** plan);

/* archives[archive_count]: device memory, the whole archives of the plan, aligned to GRAMZIP_DEVICE_ARCHIVE_ALIGN.
 * Their headers are not read again; blocks that are not those of the plan get a status.
 * bases[archive_count]: device memory, aligned to GRAMZIP_DEVICE_ARRAY_ALIGN; all of the base that a delta names, apart
 * from the outputs. Null for an archive that is no delta, or null if none is. A base that is not the one named makes
 * blocks BAD_STREAM or BAD_DECODED_HASH.
 * outputs[item_count]: device memory, aligned to GRAMZIP_DEVICE_ARRAY_ALIGN; may be null where an item is empty.
 * block_status, bad_blocks: device memory, u32; gramzip_block_status of each block, and how many are not ok.
 * Errors: INVALID_ARGUMENT, also for a plan of the other kind, OUTPUT_TOO_SMALL for temp_bytes, DEVICE. */
GRAMZIP_API gramzip_status gramzip_device_decompress(const gramzip_device_plan* plan, const void* const* archives,
                                                     const void* const* bases, void* const* outputs, void* temp, size_t temp_bytes,
                                                     uint32_t* block_status, uint32_t* bad_blocks,
                                                     gramzip_stream stream);

/* ---- Compression ----
 * Lossless, without a decision of the host: bytes and integers by one code of bytes a segment, floats by up to 16
 * tables of exponents a segment, which runs of 256 elements take by the mean of their exponents. The result is a whole
 * archive, or several in a row, which decode as one: one a segment. */
typedef struct gramzip_device_array {
  uint64_t size; /* bytes, whole elements */
  gramzip_dtype dtype;
} gramzip_device_array;

/* segment_bytes: 65536 x 2^k, up to 16 MiB; 0: 4 MiB. A smaller one fills a device sooner. */
GRAMZIP_API gramzip_status gramzip_device_plan_compress(const gramzip_device_array* arrays, size_t count,
                                                        uint32_t segment_bytes,
                                                        const gramzip_device_allocator* allocator,
                                                        gramzip_stream stream, gramzip_device_plan** plan);

/* inputs[count]: device memory, aligned to GRAMZIP_DEVICE_ARRAY_ALIGN; may be null where an array is empty.
 * outputs[count]: device memory, aligned to GRAMZIP_DEVICE_ARCHIVE_ALIGN, with the room that gramzip_device_item_info
 * says. archive_bytes[count]: device memory; the size of each archive.
 * Errors: as gramzip_device_decompress. */
GRAMZIP_API gramzip_status gramzip_device_compress(const gramzip_device_plan* plan, const void* const* inputs,
                                                   void* const* outputs, void* temp, size_t temp_bytes,
                                                   uint64_t* archive_bytes, gramzip_stream stream);

/* The same bytes from and to host memory, by the CPU. dst_size: as in gramzip_compress. */
GRAMZIP_API gramzip_status gramzip_compress_array(const void* src, uint64_t size, gramzip_dtype dtype,
                                                  uint32_t segment_bytes, void* dst, size_t* dst_size);
/* The room that its archive needs: that of gramzip_device_item_info. Saturates at UINT64_MAX. */
GRAMZIP_API uint64_t gramzip_compress_array_bound(uint64_t size, gramzip_dtype dtype, uint32_t segment_bytes);

/* ---- Primitives ----
 * temp: null: only sets *temp_bytes, and no other argument but those that say sizes and kinds is looked at. Else
 * *temp_bytes is what temp has. All other pointers are device memory; arrays of elements and bytes are aligned to
 * GRAMZIP_DEVICE_ARRAY_ALIGN, results to their type. Errors: INVALID_ARGUMENT, OUTPUT_TOO_SMALL, DEVICE. */

/* Counts of symbols. symbol_bytes: 1: counts[256], 2: counts[65536], little-endian. */
GRAMZIP_API gramzip_status gramzip_device_histogram(void* temp, size_t* temp_bytes, const void* symbols, uint64_t count,
                                                    uint32_t symbol_bytes, uint64_t* counts, gramzip_stream stream);

/* Byte n-grams of text[0, size), size below 2^40, n 1 to 32. cells: room for 3 * 2^table_log2 / 4 + 1; result->cells
 * of them are set, in no order. table_log2: 10 to 32; temp is 16 bytes * 2^table_log2 and 32 a 16 KiB of text.
 * 2^table_log2 of twice the distinct n-grams is enough, unless their hashes were made to collide. */
typedef struct gramzip_device_ngram {
  uint64_t id; /* n up to 8: the bytes as an integer, the first the highest; else where the n-gram stands */
  uint64_t count;
} gramzip_device_ngram;
typedef struct gramzip_device_ngram_result {
  uint64_t cells;
  uint32_t overflow; /* not 0: the table was too small, and nothing else holds */
  uint32_t reserved;
  uint64_t all_ones; /* n = 8: occurrences of eight bytes 0xff, which have no cell */
} gramzip_device_ngram_result;
GRAMZIP_API gramzip_status gramzip_device_ngram_count(void* temp, size_t* temp_bytes, const void* text, uint64_t size,
                                                      uint32_t n, uint32_t table_log2, gramzip_device_ngram* cells,
                                                      gramzip_device_ngram_result* result, gramzip_stream stream);

/* Bytes by one canonical code, in blocks of 64 KiB, each checked: a segment of docs/format.md, 2.4, its meta filled up
 * to a multiple of 32, then its data. size: 1 byte to 16 MiB. out: gramzip_device_huffman_bound(size) bytes, aligned to
 * GRAMZIP_DEVICE_ARCHIVE_ALIGN; the bound of another size is 0. */
GRAMZIP_API size_t gramzip_device_huffman_bound(size_t size);
GRAMZIP_API gramzip_status gramzip_device_huffman_encode(void* temp, size_t* temp_bytes, const void* data, size_t size,
                                                         void* out, uint64_t* out_bytes, gramzip_stream stream);
/* coded[0, coded_size): such a segment and anything behind it, aligned as out. Its meta is read and checked on the
 * device; if it is not that of `size` bytes, all blocks are BAD_LAYOUT. out: size bytes. block_status: one a 64 KiB. */
GRAMZIP_API gramzip_status gramzip_device_huffman_decode(void* temp, size_t* temp_bytes, const void* coded,
                                                         size_t coded_size, void* out, size_t size,
                                                         uint32_t* block_status, uint32_t* bad_blocks,
                                                         gramzip_stream stream);

/* Each float becomes the nearest of levels[level_count], 1 to 4095 of them, ascending and finite: the number of
 * midpoints of neighbours that are not above it. NaNs and infinities stay. indexes: null: in place, as the level
 * rounded to dtype; else elements stay and indexes[count] are the levels' numbers, level_count for those that stay. */
GRAMZIP_API gramzip_status gramzip_device_quantize(void* temp, size_t* temp_bytes, gramzip_dtype dtype, void* elements,
                                                   uint64_t count, const float* levels, uint32_t level_count,
                                                   uint16_t* indexes, gramzip_stream stream);

/* Zeroes floats in place. MAGNITUDE: those nearer to 0 than `threshold`. TWO_OF_FOUR: of each four consecutive ones of
 * a row the two of smallest magnitude, of equal ones the later; rows of `columns`, whole ones; threshold is ignored.
 * pruned: for MAGNITUDE how many, those that were 0 among them, and a 0 behind it; else null. */
typedef enum gramzip_device_pruning { GRAMZIP_PRUNE_MAGNITUDE = 0, GRAMZIP_PRUNE_TWO_OF_FOUR = 1 } gramzip_device_pruning;
GRAMZIP_API gramzip_status gramzip_device_prune(void* temp, size_t* temp_bytes, gramzip_dtype dtype, void* elements,
                                                uint64_t count, gramzip_device_pruning pruning, float threshold,
                                                uint64_t columns, uint64_t* pruned, gramzip_stream stream);

#ifdef __cplusplus
}
#endif
#endif /* GRAMZIP_DEVICE_H */
