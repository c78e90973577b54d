/* SPDX-License-Identifier: Apache-2.0 */
/* The example of docs/device.md, which must hold the lines from "example" to "end". */
#include <gramzip/device.h>
#include <stdio.h>

/* Device memory of the caller, allocated before. */
struct buffers {
  const void* archive; /* aligned to 128 bytes */
  void* weights;       /* to 16 */
  void* temp;          /* to 256 */
  size_t temp_bytes;
  uint32_t *block_status, *bad_blocks;
};

/* example */
/* Once: the plan of a tensor of an archive that lies on device 0. */
gramzip_status plan_tensor(const void* archive, uint64_t archive_bytes, uint64_t begin, uint64_t bytes,
                           gramzip_stream stream, gramzip_device_plan** plan, size_t* temp_bytes, uint64_t* blocks) {
  const gramzip_device_archive source = {archive, archive_bytes, GRAMZIP_MEMORY_DEVICE, 0};
  const gramzip_device_item tensor = {0, begin, bytes};
  gramzip_status status = gramzip_device_plan_decompress(&source, 1, &tensor, 1, NULL, stream, plan);
  if (status == GRAMZIP_OK) status = gramzip_device_temp_bytes(*plan, temp_bytes);
  if (status == GRAMZIP_OK) status = gramzip_device_block_count(*plan, blocks);
  return status;
}

/* As often as wanted, also between cudaStreamBeginCapture and cudaStreamEndCapture. */
gramzip_status decode_tensor(const gramzip_device_plan* plan, const struct buffers* b, gramzip_stream stream) {
  return gramzip_device_decompress(plan, &b->archive, NULL, &b->weights, b->temp, b->temp_bytes, b->block_status,
                                   b->bad_blocks, stream);
}
/* end */

int main(void) {
  /* Without a device's memory every call says why it does nothing. */
  gramzip_device_plan* plan = NULL;
  size_t temp_bytes = 0;
  uint64_t blocks = 0;
  const struct buffers none = {0};
  if (plan_tensor(NULL, 0, 0, 0, NULL, &plan, &temp_bytes, &blocks) == GRAMZIP_OK || plan != NULL) return 1;
  printf("%s\n", gramzip_last_error());
  if (decode_tensor(plan, &none, NULL) != GRAMZIP_INVALID_ARGUMENT) return 1;
  /* The same bytes by the CPU, which needs no CUDA. */
  const unsigned char weights[8] = {0x80, 0x3f, 0, 0x40, 0x80, 0x3f, 0, 0x40};
  unsigned char archive[4096], back[8];
  size_t size = sizeof archive, back_size = sizeof back;
  if (gramzip_compress_array_bound(sizeof weights, GRAMZIP_DTYPE_BF16, 0) > sizeof archive ||
      gramzip_compress_array(weights, sizeof weights, GRAMZIP_DTYPE_BF16, 0, archive, &size) != GRAMZIP_OK ||
      gramzip_decompress(archive, size, back, &back_size, NULL) != GRAMZIP_OK || back_size != sizeof weights)
    return 1;
  for (size_t i = 0; i < sizeof weights; ++i)
    if (back[i] != weights[i]) return 1;
  return 0;
}
