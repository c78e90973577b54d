// SPDX-License-Identifier: Apache-2.0
// Which strings of a dictionary do not pay for their place in the model, by the parse's own use.
#pragma once
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "host/model/trie.h"

namespace gramzip::model {
// Order-0 costs of symbols in 1/1024 bit, from counts: log2((total + n / 5) / (count + 1 / 5)),
// at most 30 bits.
std::vector<uint32_t> order0_costs(std::span<const uint64_t> counts);

// sorted: strings of the symbols from 256 on, whose trie has their symbols as values, those of dead
// strings taken out. counts, costs: of each symbol. Sets dead[i] for each live string that saves
// less against the cheapest other symbols that make it up than `entry_bits`. Returns how many died.
uint32_t prune_strings(std::span<const std::string> sorted, const Trie& trie,
                       std::span<const uint64_t> counts, std::span<const uint32_t> costs,
                       std::vector<uint8_t>& dead);
}  // namespace gramzip::model
