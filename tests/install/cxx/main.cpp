// SPDX-License-Identifier: Apache-2.0
#include <gramzip/gramzip.hpp>
#include <iostream>

int main() {
  const std::vector<uint8_t> content(100'000, 7);
  const auto archive = gramzip::compress(content);
  std::cout << content.size() << " -> " << archive.size() << '\n';
  return gramzip::decompress(archive) == content ? 0 : 1;
}
