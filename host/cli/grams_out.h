// SPDX-License-Identifier: Apache-2.0
// Counts of n-grams as a table, CSV and JSON.
#pragma once
#include <string>
#include <vector>

#include "host/cpu/ngram_count.h"

namespace gramzip::cli {
struct GramsReport {
  NgramSpec spec;
  std::vector<std::string> files;
  uint64_t bytes, total, distinct;
  std::vector<cpu::NgramEntry> entries;
};

// "a.txt: 12.00 MiB, 2215345 words, 56004 distinct"
std::string grams_summary(const GramsReport& r);
// Bytes as a C string has them: \n \r \t \\ \" and \xNN for control characters and bytes that are
// no UTF-8; other characters as they are.
std::string escaped(std::string_view bytes);
void print_grams_table(const GramsReport& r, bool head);
// count,ngram,hex: the n-gram escaped and quoted, and its bytes in hexadecimal.
void print_grams_csv(const GramsReport& r);
// "text" has U+FFFD for what is no UTF-8, "hex" has the bytes.
void print_grams_json(const GramsReport& r);
}  // namespace gramzip::cli
