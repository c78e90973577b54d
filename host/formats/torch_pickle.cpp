// SPDX-License-Identifier: Apache-2.0
#include "host/formats/torch_pickle.h"

#include "host/formats/pickle_stack.h"
#include "host/formats/torch_storages.h"

namespace gramzip::torch {
namespace {
constexpr uint64_t kMaxOpcodes = 1u << 25;

// The stack machine of a pickle, over values that are places. run() ends at the first opcode that
// it does not know or that finds too little on the stack.
class Scanner {
 public:
  Scanner(RandomSource& file, uint64_t begin, uint64_t end, const Lookup& lookup)
      : file_(file), in_(file, begin, end), lookup_(lookup) {}

  std::vector<Storage> run() {
    for (uint64_t i = 0; i < kMaxOpcodes; ++i) {
      const uint8_t* op = in_.take(1);
      if (op == nullptr || *op == '.' || !step(*op)) break;
    }
    return storages_.finish(file_, names_);
  }

 private:
  bool step(uint8_t op) {
    switch (op) {
      case 0x80:  // PROTO
        return in_.skip(1);
      case 0x95:  // FRAME
        return in_.skip(8);
      case '(':
        return stack_.mark();
      case '0':  // POP
        return stack_.pop(1);
      case '1': {  // POP_MARK
        size_t n = 0;
        return stack_.since_mark(n) && stack_.pop(n);
      }
      case '2':  // DUP: of a tuple the copy is opaque
        return stack_.size() > 0 && stack_.push(plain(stack_.top(0)));
      case 'N':
      case 0x88:
      case 0x89:
        return stack_.push({});
      case 'J':
        return integer<int32_t>();
      case 'K':
        return integer<uint8_t>();
      case 'M':
        return integer<uint16_t>();
      case 0x8a:
        return long_integer();
      case 'G':  // BINFLOAT
        return in_.skip(8) && stack_.push({});
      case 'X':
      case 'T':
        return text<uint32_t>();
      case 0x8c:
      case 'U':
        return text<uint8_t>();
      case 0x8d:
        return text<uint64_t>();
      case 'B':
      case 0x8b:
        return opaque<uint32_t>();
      case 'C':
        return opaque<uint8_t>();
      case 0x8e:
      case 0x96:
        return opaque<uint64_t>();
      case ')':
        return stack_.tuple(0);
      case 0x85:
      case 0x86:
      case 0x87:
        return stack_.tuple(op - 0x84u);
      case 't': {
        size_t n = 0;
        return stack_.since_mark(n) && stack_.tuple(n);
      }
      case '}':
      case ']':
      case 0x8f:
        return stack_.push(names_.add());
      case 'c':
        return global_lines();
      case 0x93:
        return global_from_stack();
      case 'q':
        return put<uint8_t>();
      case 'r':
        return put<uint32_t>();
      case 0x94:
        return stack_.memoize(stack_.memo_size());
      case 'h':
        return get<uint8_t>();
      case 'j':
        return get<uint32_t>();
      case 'Q':
        return persistent_id();
      case 'R':
      case 0x81:  // NEWOBJ
        return call();
      case 'b':
        return build();
      case 's':
        return set_items(2);
      case 'u': {
        size_t n = 0;
        return stack_.since_mark(n) && set_items(n);
      }
      case 'a':
        return append(1);
      case 'e':
      case 0x90: {
        size_t n = 0;
        return stack_.since_mark(n) && append(n);
      }
      default:
        return false;
    }
  }

  template <class T>
  bool integer() {
    T v = 0;
    return in_.number(v) &&
           stack_.push({Kind::integer, 0, static_cast<uint64_t>(static_cast<int64_t>(v))});
  }
  bool long_integer() {
    uint8_t n = 0;
    if (!in_.number(n)) return false;
    const uint8_t* p = in_.take(n);
    if (p == nullptr) return false;
    if (n == 0 || n > 8) return stack_.push({Kind::integer, 0, n == 0 ? 0 : UINT64_MAX});
    uint64_t v = p[n - 1] >= 0x80 ? UINT64_MAX : 0;
    for (size_t i = n; i-- > 0;) v = v << 8 | p[i];
    return stack_.push({Kind::integer, 0, v});
  }
  template <class T>
  bool text() {
    T n = 0;
    if (!in_.number(n)) return false;
    const uint64_t at = in_.at();
    if (!in_.skip(n)) return false;
    return stack_.push(n <= UINT16_MAX ? Value{Kind::string, static_cast<uint32_t>(n), at}
                                       : Value());
  }
  template <class T>
  bool opaque() {
    T n = 0;
    return in_.number(n) && in_.skip(n) && stack_.push({});
  }
  template <class T>
  bool put() {
    T i = 0;
    return in_.number(i) && stack_.memoize(i);
  }
  template <class T>
  bool get() {
    T i = 0;
    return in_.number(i) && i < stack_.memo_size() && stack_.push(stack_.memo(i));
  }

  // Up to 255 bytes of a line; longer ones are no name that means something here.
  bool line(std::string& s) {
    for (const uint8_t* p; (p = in_.take(1)) != nullptr && s.size() < 256;) {
      if (*p == '\n') return true;
      s += static_cast<char>(*p);
    }
    return false;
  }
  bool global_lines() {
    std::string module, name;
    return line(module) && line(name) && stack_.push({Kind::global, find_global(module, name), 0});
  }
  std::string string_of(const Value& v) {
    std::string s(v.kind == Kind::string && v.n < 256 ? v.n : 0, ' ');
    formats::read_exactly(file_, v.at, reinterpret_cast<uint8_t*>(s.data()), s.size());
    return s;
  }
  bool global_from_stack() {
    if (stack_.size() < 2) return false;
    const uint32_t g = find_global(string_of(stack_.top(1)), string_of(stack_.top(0)));
    return stack_.pop(2) && stack_.push({Kind::global, g, 0});
  }

  // ('storage', class, key, device, elements)
  bool persistent_id() {
    if (stack_.size() == 0) return false;
    const std::span<const Value> id = stack_.items(stack_.top(0));
    Value v;
    if (id.size() >= 5 && id[1].kind == Kind::global && id[4].kind == Kind::integer &&
        string_of(id[0]) == "storage") {
      const uint32_t entry = lookup_(string_of(id[2]));
      if (entry != kNoEntry)
        v = {Kind::storage, storages_.of(entry, dtype_of(id[1].n), id[4].at), 0};
    }
    return stack_.pop(1) && stack_.push(v);
  }
  bool call() {
    if (stack_.size() < 2) return false;
    const Value f = stack_.top(1);
    Value result;
    if (f.kind == Kind::global) result = storages_.call(f.n, stack_.items(stack_.top(0)), stack_);
    // An unknown object can hold tensors too.
    return stack_.pop(2) && stack_.push(result.kind == Kind::other ? names_.add() : result);
  }
  // A value becomes part of a container.
  void hold(const Value& container, const Value& key, const Value& v) {
    if (container.kind != Kind::node) return;
    if (v.kind == Kind::node) names_.hold(container.n, key, v.n);
    if (v.kind == Kind::tensor && v.at != 0) storages_.name(v.n, container.n, key);
  }
  bool set_items(size_t n) {
    if (stack_.size() < n + 1) return false;
    for (size_t i = n; i >= 2; i -= 2) hold(stack_.top(n), stack_.top(i - 1), stack_.top(i - 2));
    return stack_.pop(n);
  }
  bool append(size_t n) {
    if (stack_.size() < n + 1) return false;
    const Value list = stack_.top(n);
    for (size_t i = n; i-- > 0 && list.kind == Kind::node;)
      hold(list, {Kind::integer, 0, names_.next_index(list.n)}, stack_.top(i));
    return stack_.pop(n);
  }
  bool build() {
    if (stack_.size() < 2) return false;
    hold(stack_.top(1), {}, stack_.top(0));
    return stack_.pop(1);
  }

  RandomSource& file_;
  formats::ByteWindow in_;
  const Lookup& lookup_;
  Stack stack_;
  Names names_;
  Storages storages_;
};
}  // namespace

std::vector<Storage> read_pickle(RandomSource& file, uint64_t begin, uint64_t end,
                                 const Lookup& lookup) {
  return Scanner(file, begin, end, lookup).run();
}
}  // namespace gramzip::torch
