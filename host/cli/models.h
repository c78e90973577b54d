// SPDX-License-Identifier: Apache-2.0
// Model files named by -D, and the text that models are trained and measured on.
#pragma once
#include <string>
#include <vector>

#include "host/cli/options.h"

namespace gramzip::cli {
// The models of -D, in the order given. Throws CliError that names the file.
std::vector<ModelPtr> load_models(const std::vector<std::string>& paths);

// Content of files, in pieces of at most 16 MiB.
struct TextSample {
  std::vector<std::vector<uint8_t>> pieces;
  uint64_t bytes = 0;        // of the pieces
  uint64_t total_bytes = 0;  // of the files
  std::vector<std::span<const uint8_t>> spans() const;
};
// The files whole, or, if they are more than `most` together, runs of 1 MiB spread evenly over
// them. A pipe is taken whole, or up to `most`.
TextSample read_text(const std::vector<std::string>& paths, uint64_t most);

// The length of a well-formed UTF-8 sequence of two bytes or more, no C1 control character, at the
// start of s, which is not empty; 0: none.
size_t utf8_length(std::string_view s);
// Bytes on one line, in quotes: UTF-8 as it is, everything else escaped.
std::string in_quotes(std::string_view bytes);
}  // namespace gramzip::cli
