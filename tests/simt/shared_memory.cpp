// SPDX-License-Identifier: Apache-2.0
//
// Finds a kernel's static __shared__ variables and fills shared memory with junk.
//
// GPU shared memory starts undefined.  Here each worker would find in it what its previous block
// left, often the very values that a missing barrier would have waited for.
#include <cxxabi.h>
#include <elf.h>
#include <fcntl.h>
#include <link.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <string_view>
#include <unordered_map>

#include "simt/block.h"
#include "simt/image.h"
#include "simt/options.h"
#include "simt/sanitizer.h"

namespace simt {
namespace {

struct Symbols {
  std::unordered_map<uintptr_t, std::string> functions;        // by address
  std::vector<std::pair<std::string, SharedVariable>> locals;  // thread-local, in functions
};

// Reads the symbol table of the executable, which must not be stripped.
Symbols read_symbols() {
  Symbols result;
  const int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
  struct stat info;
  if (fd < 0 || fstat(fd, &info) != 0) throw Error("cannot open the running executable");
  void* map = mmap(nullptr, size_t(info.st_size), PROT_READ, MAP_PRIVATE, fd, 0);
  close(fd);
  if (map == MAP_FAILED) throw Error("cannot map the running executable");

  const auto* base = static_cast<const char*>(map);
  const auto* header = reinterpret_cast<const ElfW(Ehdr)*>(base);
  const auto* sections = reinterpret_cast<const ElfW(Shdr)*>(base + header->e_shoff);
  bool found = false;
  for (int i = 0; i < header->e_shnum; ++i) {
    if (sections[i].sh_type != SHT_SYMTAB) continue;
    found = true;
    const auto* symbols = reinterpret_cast<const ElfW(Sym)*>(base + sections[i].sh_offset);
    const char* names = base + sections[sections[i].sh_link].sh_offset;
    for (size_t k = 0; k < sections[i].sh_size / sizeof *symbols; ++k) {
      const ElfW(Sym)& symbol = symbols[k];
      const char* name = names + symbol.st_name;
      const int type = symbol.st_info & 15;
      if (type == STT_FUNC && symbol.st_value) {
        result.functions[symbol.st_value + executable_image().bias] = name;
      } else if (type == STT_TLS && std::strncmp(name, "_ZZ", 3) == 0) {
        result.locals.push_back({name, {symbol.st_value, symbol.st_size}});
      }
    }
  }
  munmap(map, size_t(info.st_size));
  if (!found) throw Error("the executable has no symbol table; do not strip emulator tests");
  return result;
}

const Symbols& symbols() {
  static const Symbols all = read_symbols();
  return all;
}

std::string_view mangled_name(const void* kernel) {
  const auto found = symbols().functions.find(reinterpret_cast<uintptr_t>(kernel));
  return found == symbols().functions.end() ? std::string_view() : found->second;
}

}  // namespace

std::vector<SharedVariable> shared_variables(const void* kernel) {
  std::vector<SharedVariable> result;
  const std::string_view name = mangled_name(kernel);
  if (!name.starts_with("_Z")) return result;
  // A variable `v` of the function _ZN..., is _ZZN...Ev.
  const std::string prefix = "_ZZ" + std::string(name.substr(2)) + "E";
  for (const auto& [local, variable] : symbols().locals) {
    if (local.starts_with(prefix)) result.push_back(variable);
  }
  return result;
}

std::string kernel_name(const void* kernel) {
  const std::string name(mangled_name(kernel));
  int status = 0;
  char* readable = abi::__cxa_demangle(name.c_str(), nullptr, nullptr, &status);
  if (!readable) return name.empty() ? "kernel" : name;
  // A template's name carries its return type, any name its parameter list.
  std::string result(readable);
  std::free(readable);
  if (result.starts_with("void ")) result.erase(0, 5);
  size_t depth = 0;
  for (size_t i = 0; i < result.size(); ++i) {
    if (result[i] == '<') ++depth;
    if (result[i] == '>') --depth;
    if (result[i] == '(' && depth == 0 && result.compare(i, 11, "(anonymous ") != 0) {
      result.resize(i);
      break;
    }
  }
  return result;
}

void map_shared_memory(Block& block) {
  if (!block.dynamic || block.dynamic_capacity < options().max_shared_bytes) {
    if (block.dynamic) munmap(block.dynamic, block.dynamic_capacity);
    // One page more than the limit, so that an overrun of a full block meets poisoned memory.
    const size_t capacity = (options().max_shared_bytes + 2 * 4096 - 1) / 4096 * 4096;
    void* p = mmap(nullptr, capacity, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (p == MAP_FAILED) throw Error("no memory for dynamic shared memory");
    block.dynamic = static_cast<char*>(p);
    block.dynamic_capacity = capacity;
  }
  if (!block.tls_low) {
    const auto find = [](dl_phdr_info* info, size_t, void* p) {
      auto& b = *static_cast<Block*>(p);
      for (int i = 0; i < info->dlpi_phnum; ++i) {
        if (info->dlpi_phdr[i].p_type != PT_TLS || !info->dlpi_tls_data) continue;
        const auto low = reinterpret_cast<uintptr_t>(info->dlpi_tls_data);
        const auto high = low + info->dlpi_phdr[i].p_memsz;
        const auto probe = reinterpret_cast<uintptr_t>(&threadIdx);
        if (probe < low || probe >= high) continue;
        b.tls_low = low;
        b.tls_high = high;
        return 1;
      }
      return 0;
    };
    dl_iterate_phdr(find, &block);
  }
}

void scramble_shared_memory(Block& block) {
  // Varies with the block and is never zero, the value that a kernel would most likely expect.
  const int junk = int(0xA5 ^ (block.index & 0x5f));
  const size_t used = block.grid->dynamic_bytes;
  SIMT_ASAN_UNPOISON(block.dynamic, block.dynamic_capacity);
  if (used) std::memset(block.dynamic, junk, used);
  SIMT_ASAN_POISON(block.dynamic + used, block.dynamic_capacity - used);
  for (const SharedVariable& v : block.grid->shared) {
    std::memset(reinterpret_cast<void*>(block.tls_low + v.offset), junk, v.bytes);
  }
}

void* dynamic_shared() {
  Block* block = running_block();
  if (!block) fail("dynamic shared memory outside a kernel");
  return block->dynamic;
}

Block::~Block() {
  if (dynamic) munmap(dynamic, dynamic_capacity);
}

}  // namespace simt
