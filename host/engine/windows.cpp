// SPDX-License-Identifier: Apache-2.0
#include "host/engine/windows.h"

#include <utility>

#include "host/engine/text_policy.h"

namespace gramzip {
namespace {
bool is_text(const Chunk& c) { return c.type == ElementType::text && !c.content.empty(); }
}  // namespace

std::optional<Chunk> Windows::read() {
  if (ahead_) return std::exchange(ahead_, std::nullopt);
  Chunk c;
  c.content = contents_.take();
  if (!splitter_.next(c)) return std::nullopt;
  return c;
}

void Windows::gather(Chunk first) {
  const uint64_t most = text_policy(options_.level).window;
  uint64_t bytes = first.content.size();
  window_.push_back({std::move(first), nullptr, false});
  while (auto c = read()) {
    const bool floats = element_info(c->type).codec == Codec::floats;
    if (floats || bytes + c->content.size() > most) {
      ahead_ = std::move(c);
      break;
    }
    bytes += c->content.size();
    window_.push_back({std::move(*c), nullptr, false});
  }
  window_.back().window_end = true;
  std::vector<std::span<const uint8_t>> text;
  for (const Part& p : window_)
    if (is_text(p.chunk)) text.push_back(p.chunk.content);
  const auto model = choice_.choose(text, !ahead_);
  for (Part& p : window_) p.model = model;
}

bool Windows::next(Part& part) {
  if (window_.empty()) {
    auto first = read();
    if (!first) return false;
    if (!is_text(*first)) {
      part = {std::move(*first), nullptr, true};
      return true;
    }
    gather(std::move(*first));
  }
  part = std::move(window_.front());
  window_.pop_front();
  return true;
}
}  // namespace gramzip
