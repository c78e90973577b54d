// SPDX-License-Identifier: Apache-2.0
// gramzip model show: what a model has learnt.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "host/cli/models.h"

namespace gramzip::cli {
namespace {
using model::NgramModel;
using nlohmann::ordered_json;

// One string and what it is worth.
struct Entry {
  uint32_t symbol;
  double per_million;  // symbols of the text it was trained on
  uint32_t bits;       // of its code in the global table, or of its share where it has none
  int64_t saved;       // bits an occurrence, against its bytes in the global table
  uint32_t least, most, classes;  // code lengths in the classes that have a code for it
};

double per_million(uint8_t popularity) {
  return popularity == 0 ? 0 : 1e6 * std::pow(2.0, -static_cast<double>(popularity));
}

std::string name_of(const NgramModel& m, uint32_t symbol) {
  if (symbol < text::kByteSymbols) {
    const char byte = static_cast<char>(symbol);
    return in_quotes({&byte, 1});
  }
  if (symbol < m.strings_end()) return in_quotes(m.strings[symbol - text::kByteSymbols]);
  const uint32_t match = symbol - m.strings_end(), kind = match / text::kLengthBuckets;
  const uint32_t least = text::bucket(match % text::kLengthBuckets).base + text::kMinMatch;
  return kind == 0 ? fmt::format("match of {}+", least)
                   : fmt::format("match of {}+ at distance {} again", least, kind);
}

std::vector<Entry> entries_of(const NgramModel& m) {
  std::vector<Entry> entries;
  for (uint32_t s = text::kByteSymbols; s < m.strings_end(); ++s) {
    const uint8_t p = m.popularity[s];
    Entry e{s, per_million(p), m.global_lengths[s] > 0 ? m.global_lengths[s] : p, 0, 0, 0, 0};
    for (const char c : m.strings[s - text::kByteSymbols])
      e.saved += m.global_lengths[static_cast<unsigned char>(c)];
    e.saved -= e.bits;
    for (const model::ClassCode& code : m.codes) {
      const auto at = std::lower_bound(code.symbols.begin(), code.symbols.end(), s);
      if (at == code.symbols.end() || *at != s) continue;
      const uint32_t l = code.lengths[static_cast<size_t>(at - code.symbols.begin())];
      e.least = e.classes == 0 ? l : std::min(e.least, l);
      e.most = std::max(e.most, l);
      ++e.classes;
    }
    entries.push_back(e);
  }
  std::stable_sort(entries.begin(), entries.end(), [](const Entry& a, const Entry& b) {
    return a.per_million * static_cast<double>(a.saved) >
           b.per_million * static_cast<double>(b.saved);
  });
  return entries;
}

// Symbols of a class, the most popular first.
std::vector<uint32_t> members_of(const NgramModel& m, uint32_t c) {
  std::vector<uint32_t> members;
  for (uint32_t s = 0; s < m.symbols(); ++s)
    if (m.popularity[s] > 0 && m.class_of[s] == c) members.push_back(s);
  std::stable_sort(members.begin(), members.end(),
                   [&m](uint32_t a, uint32_t b) { return m.popularity[a] < m.popularity[b]; });
  return members;
}

void show_text(const std::string& path, const NgramModel& m, size_t top) {
  size_t bytes = 0;
  for (const std::string& s : m.strings) bytes += s.size();
  print(fmt::format("{}: {} strings of {} bytes, {} classes, trained on {} symbols, {}\n",
                    shown(path), m.strings.size(), bytes, m.codes.size(), m.trained_symbols,
                    m.id.hex()));
  print(fmt::format("{:>8} {:>11} {:>5} {:>6} {:>8} {:>8}  {}\n", "symbol", "per million", "bits",
                    "saved", "lengths", "classes", "string"));
  const std::vector<Entry> entries = entries_of(m);
  for (size_t i = 0; i < std::min(top, entries.size()); ++i) {
    const Entry& e = entries[i];
    const std::string lengths = e.classes == 0 ? "-" : fmt::format("{}-{}", e.least, e.most);
    print(fmt::format("{:>8} {:>11.1f} {:>5} {:>6} {:>8} {:>8}  {}\n", e.symbol, e.per_million,
                      e.bits, e.saved, lengths, e.classes, name_of(m, e.symbol)));
  }
  print(fmt::format("\n{:>5} {:>8} {:>6} {:>7}  {}\n", "class", "symbols", "codes", "escape",
                    "symbols it follows, the most popular"));
  for (uint32_t c = 0; c < m.codes.size(); ++c) {
    const std::vector<uint32_t> members = members_of(m, c);
    std::string names;
    for (size_t i = 0; i < std::min<size_t>(8, members.size()); ++i) {
      if (i > 0) names += ' ';
      names += name_of(m, members[i]);
    }
    print(fmt::format("{:>5} {:>8} {:>6} {:>7}  {}\n", c, members.size(), m.codes[c].symbols.size(),
                      m.codes[c].escape, names));
  }
}

ordered_json show_json(const std::string& path, const NgramModel& m, size_t top) {
  ordered_json j = {{"command", "model show"},
                    {"model", path},
                    {"hash", m.id.hex()},
                    {"string_count", m.strings.size()},
                    {"class_count", m.codes.size()},
                    {"trained_symbols", m.trained_symbols},
                    {"strings", ordered_json::array()},
                    {"classes", ordered_json::array()}};
  const std::vector<Entry> entries = entries_of(m);
  for (size_t i = 0; i < std::min(top, entries.size()); ++i) {
    const Entry& e = entries[i];
    const std::string& s = m.strings[e.symbol - text::kByteSymbols];
    std::string hex;
    for (const char c : s) hex += fmt::format("{:02x}", static_cast<unsigned char>(c));
    j["strings"].push_back({{"symbol", e.symbol},
                            {"text", name_of(m, e.symbol)},
                            {"hex", hex},
                            {"per_million", e.per_million},
                            {"bits", e.bits},
                            {"saved_bits", e.saved},
                            {"classes_with_code", e.classes},
                            {"least_class_bits", e.least},
                            {"most_class_bits", e.most}});
  }
  for (uint32_t c = 0; c < m.codes.size(); ++c) {
    const std::vector<uint32_t> members = members_of(m, c);
    ordered_json typical = ordered_json::array();
    for (size_t i = 0; i < std::min<size_t>(8, members.size()); ++i)
      typical.push_back(name_of(m, members[i]));
    j["classes"].push_back({{"symbols", members.size()},
                            {"codes", m.codes[c].symbols.size()},
                            {"escape_bits", m.codes[c].escape},
                            {"typical", typical}});
  }
  return j;
}
}  // namespace

int run_model(Options& o) {
  if (o.files.size() != 2 || o.files[0] != "show")
    throw CliError("model: write gramzip model show MODEL.grm; see gramzip model --help");
  const std::string& path = o.files[1];
  try {
    const ModelPtr m = load_models({path})[0];
    if (o.console.json) {
      print_json(show_json(path, m->model(), o.top), false);
    } else {
      show_text(path, m->model(), o.top);
    }
  } catch (const Error& e) {
    throw CliError(describe("", e));
  }
  return exit_code(o, false);
}
}  // namespace gramzip::cli
