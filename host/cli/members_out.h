// SPDX-License-Identifier: Apache-2.0
// Where decoded members go: one output, files below a folder, or nowhere.
#pragma once
#include <functional>
#include <set>

#include "host/cli/output.h"
#include "host/engine/engine.h"

namespace gramzip::cli {
// All content, one member after another.
class JoinedMembers final : public MemberSink {
 public:
  // first: called with the first member. second: called with a second; may throw.
  JoinedMembers(Sink& out, std::function<void(const Member&)> first,
                std::function<void(const Member&)> second)
      : out_(out), first_(std::move(first)), second_(std::move(second)) {}
  void begin(const Member& m) override {
    const auto& call = count_++ == 0 ? first_ : second_;
    if (call) call(m);
  }
  void write(std::span<const uint8_t> bytes) override { out_.write(bytes); }
  void end(const Member&) override {}

 private:
  Sink& out_;
  std::function<void(const Member&)> first_, second_;
  uint64_t count_ = 0;
};

// Each member to its stored name below a folder. Folders are made; symbolic links on the way are
// refused; no name occurs twice. A member that is complete stays if a later one fails.
class FolderMembers final : public MemberSink {
 public:
  // folder: as the caller named it. Made if it is not there.
  FolderMembers(const std::string& folder, bool force);
  void begin(const Member& m) override;
  void write(std::span<const uint8_t> bytes) override;
  void end(const Member& m) override;
  void finish();  // syncs the last folder

 private:
  void enter(const std::string& parent, const std::string& shown_name);

  std::string prefix_;
  bool force_;
  Fd root_;
  std::string parent_;  // of `folder_`, below the root
  Fd folder_;
  std::unique_ptr<OutputFile> file_;
  std::set<std::string> names_;
};

class NoMembers final : public MemberSink {
 public:
  void begin(const Member&) override {}
  void write(std::span<const uint8_t>) override {}
  void end(const Member&) override {}
};
}  // namespace gramzip::cli
