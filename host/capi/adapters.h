// SPDX-License-Identifier: Apache-2.0
// The caller's memory and functions as the engine's sources and sinks: host/capi/capi.cpp alone
// includes this.
#pragma once
#include <cstring>
#include <string>

#include "gramzip/gramzip.h"
#include "host/base/front_to_back.h"
#include "host/base/memory_source.h"
#include "host/engine/engine.h"

namespace gramzip {
// Memory that is changed in place.
class MemoryBuffer final : public RandomBuffer {
 public:
  MemoryBuffer(void* p, size_t n) : p_(static_cast<uint8_t*>(p)), source_(p, n) {}
  uint64_t size() const override { return source_.size(); }
  size_t read_at(uint64_t at, uint8_t* p, size_t n) override { return source_.read_at(at, p, n); }
  void write_at(uint64_t at, std::span<const uint8_t> b) override {
    if (!b.empty()) std::memcpy(p_ + at, b.data(), b.size());
  }

 private:
  uint8_t* p_;
  MemorySource source_;
};

class MemorySink final : public Sink {
 public:
  MemorySink(void* p, size_t room) : p_(static_cast<uint8_t*>(p)), room_(room) {}
  void write(std::span<const uint8_t> b) override {
    if (b.size() > room_ - used_)
      fail(ErrorCode::output_too_small,
           "the output does not fit into " + std::to_string(room_) + " bytes");
    if (!b.empty() && b.data() != p_ + used_) std::memcpy(p_ + used_, b.data(), b.size());
    used_ += b.size();
  }
  std::span<uint8_t> place(uint64_t at, size_t n) {
    if (at > room_ || n > room_ - at) return {};
    return {p_ + at, n};
  }
  size_t used() const { return used_; }

 private:
  uint8_t* p_;
  size_t room_, used_ = 0;
};

class CallbackSource final : public Source {
 public:
  CallbackSource(gramzip_read_fn f, void* context) : read_(f), context_(context) {}
  size_t read(uint8_t* p, size_t n) override {
    size_t got = 0;
    if (read_(context_, p, n, &got) != 0 || got > n)
      fail(ErrorCode::io, "the caller's read function failed");
    return got;
  }

 private:
  gramzip_read_fn read_;
  void* context_;
};

class CallbackSink final : public Sink {
 public:
  CallbackSink(gramzip_write_fn f, void* context) : write_(f), context_(context) {}
  void write(std::span<const uint8_t> b) override {
    if (write_(context_, b.data(), b.size()) != 0)
      fail(ErrorCode::io, "the caller's write function failed");
  }

 private:
  gramzip_write_fn write_;
  void* context_;
};

// Members one after another into one sink.
class JoinedMembers final : public MemberSink {
 public:
  explicit JoinedMembers(Sink& out) : out_(out) {}
  void begin(const Member&) override {}
  void write(std::span<const uint8_t> b) override { out_.write(b); }
  void end(const Member&) override {}

 private:
  Sink& out_;
};

// The same into the caller's memory, where blocks are decoded to.
class MemoryMembers final : public MemberSink {
 public:
  explicit MemoryMembers(MemorySink& out) : out_(out) {}
  void begin(const Member&) override {}
  void write(std::span<const uint8_t> b) override { out_.write(b); }
  std::span<uint8_t> place(uint64_t at, size_t n) override { return out_.place(at, n); }
  void end(const Member&) override {}

 private:
  MemorySink& out_;
};
}  // namespace gramzip
