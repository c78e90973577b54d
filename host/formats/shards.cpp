// SPDX-License-Identifier: Apache-2.0
#include "host/formats/shards.h"

#include <set>

#include "host/formats/fault.h"
#include "host/formats/json_events.h"

namespace gramzip::formats {
namespace {
constexpr size_t kMaxShards = 100'000, kMaxNameBytes = 255, kMaxDepth = 64;
constexpr uint64_t kMaxBytes = 256u << 20;

[[noreturn]] void bad(const std::string& what) { refuse("shard index", what); }

// Everything but weight_map is passed over, whatever it is.
class Handler final : public JsonHandler {
 public:
  std::set<std::string> names;

  void begin_object() override {
    // At depth 1 a value of the top object begins; that of weight_map must be this.
    if (depth_ == 1 && at_map_) in_map_ = true, at_map_ = false;
    if (depth_ == 2 && in_map_) bad(where() + "an object instead of a file's name");
    open();
    top_is_object_ |= depth_ == 1;
  }
  void end_object() override { close(); }
  void begin_array() override {
    if (at_map_ || in_map_) bad(where() + "an array instead of a file's name");
    open();
  }
  void end_array() override { close(); }
  void key(std::string& name) override {
    if (depth_ == 1 && top_is_object_) {
      at_map_ = name == "weight_map";
      if (at_map_ && seen_) bad("weight_map: given twice");
      seen_ |= at_map_;
    } else if (in_map_) {
      tensor_ = std::move(name);
    }
  }
  void string(std::string& value) override {
    if (!in_map_) return no_map();
    const bool dots = value == "." || value == "..";
    if (value.empty() || value.size() > kMaxNameBytes || dots ||
        value.find_first_of(std::string_view("/\\\0", 3)) != value.npos)
      fail(ErrorCode::unsafe_name, "shard index: " + where() + in_quotes(value) +
                                       " is no name of a file in the same folder");
    names.insert(std::move(value));
    if (names.size() > kMaxShards) bad("weight_map: more than 100000 files");
  }
  void number(uint64_t) override { no_string("a number"); }
  void odd(Odd) override { no_string("a value"); }
  void malformed(uint64_t at, const char* why) override {
    bad(std::string(why) + " at byte " + std::to_string(at));
  }

 private:
  std::string where() const {
    return in_map_ ? "weight_map: tensor " + in_quotes(tensor_) + ": " : "weight_map: ";
  }
  void no_map() const {
    if (at_map_) bad("weight_map: no object");
  }
  void no_string(const char* what) const {
    no_map();
    if (in_map_) bad(where() + what + " instead of a file's name");
  }
  void open() {
    if (++depth_ > kMaxDepth) bad("nested more than 64 deep");
  }
  void close() {
    --depth_;
    if (depth_ == 1) in_map_ = false;
  }
  size_t depth_ = 0;
  bool top_is_object_ = false;
  bool at_map_ = false, in_map_ = false, seen_ = false;  // its key came; within it; it was there
  std::string tensor_;
};
}  // namespace

std::vector<std::string> read_shard_index(RandomSource& file) {
  if (file.size() > kMaxBytes) bad("longer than 256 MiB");
  Handler handler;
  parse_json(file, 0, file.size(), handler);
  return {handler.names.begin(), handler.names.end()};
}
}  // namespace gramzip::formats
