/* SPDX-License-Identifier: Apache-2.0
 *
 * gramzip, C interface: whole archives between memory and memory, and between streams.
 *
 * Every function returns a gramzip_status; 0 is success. The numbers are stable. After a failure,
 * gramzip_last_error() gives one line for people, of the calling thread. No function prints, aborts or
 * keeps a pointer of the caller beyond the call. All functions may be called from several threads.
 * The archive format is docs/format.md.
 */
#ifndef GRAMZIP_GRAMZIP_H
#define GRAMZIP_GRAMZIP_H

#include <stddef.h>
#include <stdint.h>

#if defined(_WIN32)
#define GRAMZIP_API
#else
#define GRAMZIP_API __attribute__((visibility("default")))
#endif

#ifdef __cplusplus
extern "C" {
#endif

typedef enum gramzip_status {
  GRAMZIP_OK = 0,
  /* the caller's */
  GRAMZIP_INVALID_ARGUMENT = 1,
  GRAMZIP_OUTPUT_TOO_SMALL = 2,
  GRAMZIP_NOT_FOUND = 3,
  /* the data's */
  GRAMZIP_NOT_AN_ARCHIVE = 10,
  GRAMZIP_TRUNCATED = 11,
  GRAMZIP_CORRUPT = 12,
  GRAMZIP_UNSUPPORTED = 13, /* a version, feature, section or codec this build does not know */
  GRAMZIP_LIMIT = 14,
  GRAMZIP_UNSAFE_NAME = 15,
  GRAMZIP_BUFFER_CHANGED = 16, /* gramzip_apply_delta only: the buffer holds neither base nor target */
  /* the machine's */
  GRAMZIP_IO = 20,
  GRAMZIP_NO_MEMORY = 21,
  GRAMZIP_DEVICE = 22,
  GRAMZIP_CANCELLED = 23,
  /* ours: please report */
  GRAMZIP_INTERNAL = 30
} gramzip_status;

/* How content is looked at: by content (a checkpoint, text or bytes), or as told. */
typedef enum gramzip_mode {
  GRAMZIP_MODE_AUTO = 0,
  GRAMZIP_MODE_TEXT = 1,
  GRAMZIP_MODE_WEIGHTS = 2,
  GRAMZIP_MODE_BYTES = 3
} gramzip_mode;

/* Which backend works. The bytes are the same. AUTO: CUDA if a device answers, else the CPU. */
typedef enum gramzip_device { GRAMZIP_DEVICE_AUTO = 0, GRAMZIP_DEVICE_CPU = 1, GRAMZIP_DEVICE_CUDA = 2 } gramzip_device;

/* Where arrays lie: in host memory, or in memory of the CUDA device of options.device_index. */
typedef enum gramzip_memory { GRAMZIP_MEMORY_HOST = 0, GRAMZIP_MEMORY_DEVICE = 1 } gramzip_memory;

/* A model of text, trained once for many texts of a kind. Opaque; may be used by several calls at once. */
typedef struct gramzip_model gramzip_model;

/* Initialise with GRAMZIP_OPTIONS_INIT; zero is the default of every field. */
typedef struct gramzip_options {
  uint32_t struct_size; /* sizeof(gramzip_options), so that later versions can add fields */
  int32_t threads;      /* 0: one a core. Memory: docs/architecture.md */
  gramzip_mode mode;    /* compression only */
  gramzip_device device;
  int32_t device_index; /* of the CUDA device */
  int32_t level;        /* compression of text only: 1 (fast) to 9 (small); 0: 6 */
  uint64_t max_output;  /* bytes of decompressed content allowed; 0: no limit */
  /* Since 0.2. Compression: text is coded with the best of these, the archive names them and does not hold
   * them. Decompression: what such an archive needs, in any order. */
  const gramzip_model* const* models;
  size_t model_count;
  /* Since 0.3. What deltas are coded against, in host memory: compression codes against it and names it by size
   * and hash, decompression needs the same bytes, apart from where it writes. Null: none. gramzip_encode_delta
   * and gramzip_apply_delta, which are given theirs, take no notice of it. */
  const void* base;
  size_t base_size;
  int32_t fast; /* compression of weights: not 0: coded for fast decoding */
  /* gramzip_encode_delta and gramzip_apply_delta: where base, target and buffer lie. The delta is always in host
   * memory. Every other call takes host memory alone and refuses another value. */
  gramzip_memory memory;
} gramzip_options;
#define GRAMZIP_OPTIONS_INIT \
  {(uint32_t)sizeof(gramzip_options), 0, GRAMZIP_MODE_AUTO, GRAMZIP_DEVICE_AUTO, 0, 0, 0, 0, 0, 0, 0, 0, \
   GRAMZIP_MEMORY_HOST}

/* What an array consists of; the numbers are those of docs/format.md, section 6. */
typedef enum gramzip_dtype {
  GRAMZIP_DTYPE_BYTES = 0,
  GRAMZIP_DTYPE_BF16 = 2,
  GRAMZIP_DTYPE_F16 = 3,
  GRAMZIP_DTYPE_F32 = 4,
  GRAMZIP_DTYPE_F64 = 5,
  GRAMZIP_DTYPE_F8_E4M3 = 6,
  GRAMZIP_DTYPE_F8_E5M2 = 7,
  GRAMZIP_DTYPE_I16 = 8,
  GRAMZIP_DTYPE_I32 = 9,
  GRAMZIP_DTYPE_I64 = 10
} gramzip_dtype;

/* "0.5.0". */
GRAMZIP_API const char* gramzip_version(void);
/* "corrupt data", for a status. Never null. */
GRAMZIP_API const char* gramzip_status_text(gramzip_status status);
/* What went wrong in this thread's last failed call, one line. Valid until this thread's next call. */
GRAMZIP_API const char* gramzip_last_error(void);

/* Most bytes that compressing `size` bytes as one member can give: size + size / 1024 + 16 KiB for plain
 * content. A checkpoint of very many tiny tensors of changing types needs up to 320 bytes a tensor more;
 * gramzip_compress then answers GRAMZIP_OUTPUT_TOO_SMALL and nothing is lost. Saturates at SIZE_MAX. */
GRAMZIP_API size_t gramzip_compress_bound(size_t size);

/* Compresses src[0, src_size) as one archive with one nameless member into dst.
 * dst_size: in, the room in dst, bytes; out, the size of the archive.
 * options: may be null. Errors: INVALID_ARGUMENT, OUTPUT_TOO_SMALL, NO_MEMORY, DEVICE. */
GRAMZIP_API gramzip_status gramzip_compress(const void* src, size_t src_size, void* dst, size_t* dst_size,
                                            const gramzip_options* options);

/* The size of the content of an archive in memory, from its index. */
GRAMZIP_API gramzip_status gramzip_content_size(const void* src, size_t src_size, uint64_t* content_size);

/* Decompresses the content of one or more concatenated archives, all members one after another.
 * dst_size: in, the room in dst, bytes; out, the bytes written. Every check of the format is made; after an
 * error dst holds nothing to rely on. Errors: all of the data's, OUTPUT_TOO_SMALL, NO_MEMORY, DEVICE. */
GRAMZIP_API gramzip_status gramzip_decompress(const void* src, size_t src_size, void* dst, size_t* dst_size,
                                              const gramzip_options* options);

/* Content bytes [begin, begin + *dst_size) of an archive in memory, decoding only the blocks that hold
 * them. Errors as gramzip_decompress, and INVALID_ARGUMENT beyond the content. */
GRAMZIP_API gramzip_status gramzip_decompress_range(const void* src, size_t src_size, uint64_t begin, void* dst,
                                                    size_t* dst_size, const gramzip_options* options);

/* Streams. read fills up to `size` bytes and sets *got, less only at the end; write takes all. Each returns
 * 0, or anything else to stop with GRAMZIP_IO. Memory is bounded, see gramzip_options.threads. */
typedef int (*gramzip_read_fn)(void* context, void* buffer, size_t size, size_t* got);
typedef int (*gramzip_write_fn)(void* context, const void* buffer, size_t size);
GRAMZIP_API gramzip_status gramzip_compress_stream(gramzip_read_fn read, void* read_context, gramzip_write_fn write,
                                                   void* write_context, const gramzip_options* options);
GRAMZIP_API gramzip_status gramzip_decompress_stream(gramzip_read_fn read, void* read_context, gramzip_write_fn write,
                                                     void* write_context, const gramzip_options* options);

/* Deltas of one array against another of the same size and type, for instance the weights of one training step
 * against those of the step before.
 *
 * options.memory DEVICE: the arrays lie in device memory, or managed memory, and are copied through host memory
 * in pieces, a segment or 4 MiB. The call first waits for work under way on the device and is done when it
 * returns; meanwhile nothing else may use the memory. options.device says who codes, as ever: the bytes are the
 * same. Errors, and nothing is touched then: DEVICE: no CUDA, or no such device; INVALID_ARGUMENT: an array that
 * is not in that device's memory.
 *
 * encode: an archive with one nameless member, target[0, size), that names base[0, size) by its hash.
 * size: bytes, whole elements. dst, dst_size: as in gramzip_compress; gramzip_compress_bound(size) is enough room.
 * Decompressing the archive with options.base gives target too.
 * Errors: INVALID_ARGUMENT, OUTPUT_TOO_SMALL, NO_MEMORY, DEVICE. */
GRAMZIP_API gramzip_status gramzip_encode_delta(const void* base, const void* target, size_t size, gramzip_dtype dtype,
                                                void* dst, size_t* dst_size, const gramzip_options* options);
/* apply: buffer[0, size) holds base before and target after. The whole delta and the hash of base are checked
 * before a byte is changed, and the hash of target after. After an error the buffer is as it was, unless the
 * status is BUFFER_CHANGED: then it holds neither. That takes a delta that was made to deceive, memory that
 * changes meanwhile, or a device or memory that gives out midway. Errors: all of the data's; INVALID_ARGUMENT:
 * another size, or not the base; UNSUPPORTED also: a delta that cannot be applied in place; NO_MEMORY, DEVICE. */
GRAMZIP_API gramzip_status gramzip_apply_delta(const void* delta, size_t delta_size, void* buffer, size_t size,
                                               const gramzip_options* options);

/* Lossy: quantizes the weights of a checkpoint in memory (safetensors, npy, npz, PyTorch, GGUF) and writes an
 * archive with one nameless member, of the same format with other values. Uniform levels along a trellis, entropy-coded; which
 * tensors stay lossless: docs/cli.md, "Quantize". Other methods and pruning: the tool alone. */
typedef struct gramzip_quantize_options {
  uint32_t struct_size; /* sizeof(gramzip_quantize_options) */
  uint32_t all_tensors; /* 1: only what is no float is kept by rule */
  /* Exactly one is above 0: bits of the archive by weights, SQNR in dB over all weights, the largest error of a
   * weight. */
  double target_bpw, target_sqnr, max_error;
  const char* const* keep; /* names of tensors that stay lossless, with * and ? */
  size_t keep_count;
} gramzip_quantize_options;
#define GRAMZIP_QUANTIZE_OPTIONS_INIT {(uint32_t)sizeof(gramzip_quantize_options), 0, 0, 0, 0, 0, 0}

typedef struct gramzip_quantize_result {
  double bits_per_weight; /* all bytes of the archive x 8 / all weights */
  double sqnr_db;         /* over all weights; infinite if none differs */
  double max_error;
} gramzip_quantize_result;

/* dst, dst_size: as in gramzip_compress. result: may be null. Errors: INVALID_ARGUMENT (gramzip_last_error says
 * which target is possible), OUTPUT_TOO_SMALL, the data's, NO_MEMORY, DEVICE. */
GRAMZIP_API gramzip_status gramzip_quantize(const void* src, size_t src_size, void* dst, size_t* dst_size,
                                            const gramzip_quantize_options* quantize, gramzip_quantize_result* result,
                                            const gramzip_options* options);

/* Models. train: from `size` bytes of text, 1 or more; options: level, threads. load and save: the bytes of a
 * .grm file. Each makes a model that gramzip_model_free ends; null is allowed there. Errors: INVALID_ARGUMENT,
 * NO_MEMORY; load: CORRUPT, TRUNCATED; save: OUTPUT_TOO_SMALL, dst_size as in gramzip_compress. */
#define GRAMZIP_MODEL_FILE_MAX ((size_t)(4u << 20) + 16)
GRAMZIP_API gramzip_status gramzip_model_train(const void* text, size_t size, gramzip_model** model,
                                               const gramzip_options* options);
GRAMZIP_API gramzip_status gramzip_model_load(const void* src, size_t src_size, gramzip_model** model);
GRAMZIP_API gramzip_status gramzip_model_save(const gramzip_model* model, void* dst, size_t* dst_size);
GRAMZIP_API void gramzip_model_free(gramzip_model* model);

#ifdef __cplusplus
}
#endif
#endif /* GRAMZIP_GRAMZIP_H */
