// SPDX-License-Identifier: Apache-2.0
#include "tests/registry/text_cases.h"

#include <mutex>
#include <random>

#include "tests/registry/cases.h"

namespace gramzip::test {
namespace {
using Bytes = std::vector<uint8_t>;

class Writer {
 public:
  explicit Writer(uint64_t seed) : g_(seed) {}
  uint64_t below(uint64_t n) { return g_() % n; }
  template <size_t N>
  const char* one_of(const char* const (&list)[N]) {
    return list[std::min(below(N), below(N))];
  }
  std::string number(uint64_t most) { return std::to_string(below(most)); }

 private:
  std::mt19937_64 g_;
};

std::string log_line(Writer& w, uint64_t& clock) {
  static const char* const kHosts[] = {"web-01", "web-02", "db-07", "cache-3"};
  static const char* const kWhat[] = {"GET /index.html 200", "connection closed by peer",
                                      "POST /api/v2/items 201", "cache miss for key",
                                      "slow query on table orders"};
  clock += w.below(3000);
  return "2024-05-17T12:" + std::to_string(10 + clock / 60000 % 50) + ":" +
         std::to_string(10 + clock / 1000 % 50) + " " + w.one_of(kHosts) + " [" + w.number(9000) +
         "] " + w.one_of(kWhat) + " id=" + w.number(1u << 20) + "\n";
}

std::string json_line(Writer& w) {
  static const char* const kNames[] = {"anna", "bela", "carl", "dora", "emil"};
  static const char* const kStates[] = {"active", "closed", "waiting"};
  return "{\"id\": " + w.number(100000) + ", \"user\": {\"name\": \"" + w.one_of(kNames) +
         "\", \"visits\": " + w.number(50) + "}, \"state\": \"" + w.one_of(kStates) +
         "\", \"tags\": [\"a\", \"b\"], \"score\": 0." + w.number(1000) + "}\n";
}

std::string code_line(Writer& w, size_t& depth) {
  static const char* const kNames[] = {"index", "value", "count", "buffer", "result", "offset"};
  if (depth > 1 && w.below(4) == 0) return std::string(2 * --depth, ' ') + "}\n";
  std::string line(2 * depth, ' ');
  switch (w.below(4)) {
    case 0:
      if (depth < 6) ++depth;
      return line + "for (size_t i = 0; i < " + w.one_of(kNames) + ".size(); ++i) {\n";
    case 1:
      return line + "if (" + w.one_of(kNames) + " == nullptr) return " + w.number(9) + ";\n";
    case 2:
      return line + "// The " + w.one_of(kNames) + " of the " + w.one_of(kNames) + ".\n";
    default:
      return line + "const auto " + w.one_of(kNames) + " = " + w.one_of(kNames) + "(" +
             w.one_of(kNames) + ", " + w.number(256) + ");\n";
  }
}

std::string utf8_words(Writer& w) {
  static const char* const kWords[] = {"größe ",  "мир ",      "数据 ",  "日本語", "и ",
                                       "straße ", "ελληνικά ", "naïve ", "😀",      "中文。\n"};
  return w.one_of(kWords);
}
}  // namespace

const char* text_kind_name(int kind) {
  static const char* const kNames[kTextKinds] = {"prose", "logs", "jsonl", "code", "utf8"};
  return kNames[kind];
}

Bytes make_text_of(int kind, size_t bytes, uint64_t seed) {
  if (kind == 0) return make_text(bytes, seed);
  Writer w(seed);
  uint64_t clock = 0;
  size_t depth = 1;
  Bytes out;
  while (out.size() < bytes) {
    const std::string s = kind == 1   ? log_line(w, clock)
                          : kind == 2 ? json_line(w)
                          : kind == 3 ? code_line(w, depth)
                                      : utf8_words(w);
    out.insert(out.end(), s.begin(), s.end());
  }
  out.resize(bytes);
  return out;
}

ModelPtr model_of_kind(int kind) {
  static std::mutex mutex;
  static ModelPtr models[kTextKinds];
  const std::lock_guard lock(mutex);
  if (!models[kind]) {
    const Bytes text = make_text_of(kind, 120'000, 1000);
    const std::span<const uint8_t> piece = text;
    TrainOptions o;
    o.effort = 1;
    o.general = true;
    models[kind] = std::make_shared<const model::TextModel>(train_model({&piece, 1}, o));
  }
  return models[kind];
}

std::vector<TextCase> text_cases() {
  std::vector<TextCase> cases;
  const auto add = [&cases](const std::string& name, Bytes content, uint8_t effort, int kind) {
    cases.push_back({name, std::move(content), effort, model_of_kind(kind)});
  };
  for (int kind = 0; kind < kTextKinds; ++kind)
    for (const uint8_t effort : {uint8_t{1}, uint8_t{6}, uint8_t{9}})
      add(std::string(text_kind_name(kind)) + "/effort-" + std::to_string(effort),
          make_text_of(kind, 300'000, 7), effort, kind);
  for (const size_t n :
       {1u, 2u, 15u, 16u, 17u, 511u, 512u, 513u, 8191u, 8193u, 262143u, 262144u, 262145u, 524289u})
    add("prose/size-" + std::to_string(n), make_text_of(0, n, n), n % 2 != 0 ? 6 : 1, 0);
  add("jsonl-with-a-model-of-prose", make_text_of(2, 100'000, 3), 6, 0);
  add("zeros", Bytes(600'000, 0), 6, 0);
  add("one-byte", Bytes(300'000, 'a'), 9, 0);
  add("noise", make_random(300'000, 4), 6, 0);
  Bytes far = make_text_of(3, 270'000, 5);
  const Bytes begin(far.begin(), far.begin() + 200'000);
  far.insert(far.end(), begin.begin(), begin.end());
  add("code-twice", far, 6, 3);
  Bytes mixed = make_text_of(1, 262'144, 6);
  mixed.insert(mixed.end(), 262'144, ' ');
  mixed.insert(mixed.end(), mixed.begin(), mixed.begin() + 262'144);
  const Bytes noise = make_random(262'144, 8);
  mixed.insert(mixed.end(), noise.begin(), noise.end());
  add("every-mode", mixed, 6, 1);
  return cases;
}
}  // namespace gramzip::test
