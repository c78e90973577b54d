/* SPDX-License-Identifier: Apache-2.0 */
#include <gramzip/gramzip.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int main(void) {
  const char text[] = "the cat sat on the mat, the cat sat on the mat, the cat sat on the mat";
  size_t room = gramzip_compress_bound(sizeof text);
  unsigned char* archive = malloc(room);
  char back[sizeof text];
  size_t size = room, back_size = sizeof back;
  if (gramzip_compress(text, sizeof text, archive, &size, NULL) != GRAMZIP_OK ||
      gramzip_decompress(archive, size, back, &back_size, NULL) != GRAMZIP_OK ||
      back_size != sizeof text || memcmp(text, back, sizeof text) != 0) {
    fprintf(stderr, "%s\n", gramzip_last_error());
    return 1;
  }
  free(archive);
  printf("gramzip %s\n", gramzip_version());
  return 0;
}
