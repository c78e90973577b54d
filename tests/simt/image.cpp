// SPDX-License-Identifier: Apache-2.0
#include "simt/image.h"

#include <link.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>

namespace simt {

const Image& executable_image() {
  static const Image image = [] {
    Image result;
    // The executable is the first object reported.
    const auto read = [](dl_phdr_info* info, size_t, void* p) {
      auto& r = *static_cast<Image*>(p);
      r.bias = info->dlpi_addr;
      r.low = ~uintptr_t(0);
      for (int i = 0; i < info->dlpi_phnum; ++i) {
        const auto& segment = info->dlpi_phdr[i];
        if (segment.p_type != PT_LOAD) continue;
        r.low = std::min<uintptr_t>(r.low, r.bias + segment.p_vaddr);
        r.high = std::max<uintptr_t>(r.high, r.bias + segment.p_vaddr + segment.p_memsz);
      }
      return 1;
    };
    dl_iterate_phdr(read, &result);
    return result;
  }();
  return image;
}

std::string source_line(uintptr_t pc) {
  char unknown[64];
  std::snprintf(unknown, sizeof unknown, "code address 0x%lx",
                static_cast<unsigned long>(pc - executable_image().bias));
  char executable[1024];
  const ssize_t length = readlink("/proc/self/exe", executable, sizeof executable - 1);
  if (length < 0) return unknown;
  executable[length] = 0;
  // One byte back from the return address lies in the call.
  char command[1200];
  std::snprintf(command, sizeof command, "addr2line -Cpfse '%s' 0x%lx 2>/dev/null", executable,
                static_cast<unsigned long>(pc - executable_image().bias - 1));
  FILE* pipe = popen(command, "r");
  if (!pipe) return unknown;
  char line[2048];
  const bool read = std::fgets(line, sizeof line, pipe) != nullptr;
  pclose(pipe);
  if (!read) return unknown;
  std::string result(line);
  while (!result.empty() && result.back() == '\n') result.pop_back();
  return result.empty() || result.starts_with("??") ? unknown : result;
}

}  // namespace simt
