// SPDX-License-Identifier: Apache-2.0
#include "host/formats/zip_tensors.h"

#include <algorithm>
#include <numeric>
#include <unordered_map>

#include "host/formats/byte_window.h"
#include "host/formats/fault.h"
#include "host/formats/npy.h"
#include "host/formats/tensor_list.h"
#include "host/formats/torch_pickle.h"
#include "host/formats/zip_directory.h"

namespace gramzip::zip {
namespace {
class Reader {
 public:
  explicit Reader(RandomSource& file) : file_(file), directory_(file) {}

  std::vector<Tensor> run() {
    find_pickle();
    for (const Entry& e : directory_.entries()) {
      if (!e.plain()) continue;
      const std::string name = directory_.name(e);
      if (name.ends_with(".npy")) {
        add_npy(e, name);
      } else if (!prefix_.empty() && name.starts_with(prefix_) && name.size() > prefix_.size()) {
        add_storage(e, name.substr(prefix_.size()));
      }
    }
    if (list_.size() == 0) return {};
    distinguish();
    list_.check_names("tensor");
    list_.sort_by_place();
    return std::move(list_.items());
  }

 private:
  // The first */data.pkl, and what it says of the storages beside it.
  void find_pickle() {
    const Entry* pickle = nullptr;
    std::string folder;
    for (const Entry& e : directory_.entries()) {
      if (!e.plain() || e.name_bytes > 4096) continue;
      const std::string name = directory_.name(e);
      if (!name.ends_with("/data.pkl")) continue;
      pickle = &e;
      folder = name.substr(0, name.size() - 8);
      break;
    }
    if (pickle == nullptr) return;
    prefix_ = folder + "data/";
    const Entry* order = directory_.find(folder + "byteorder");
    if (order != nullptr && order->plain() && order->size == 3) {
      uint8_t text[3];
      formats::read_exactly(file_, directory_.locate(*order), text, 3);
      big_endian_ = std::memcmp(text, "big", 3) == 0;
    }
    const uint64_t begin = directory_.locate(*pickle);
    const Entry* const first = directory_.entries().data();
    for (torch::Storage& s :
         torch::read_pickle(file_, begin, begin + pickle->size, [&](std::string_view key) {
           const Entry* e = directory_.find(std::string(prefix_).append(key));
           return e == nullptr ? torch::kNoEntry : static_cast<uint32_t>(e - first);
         }))
      storages_.emplace(s.entry, std::move(s));
  }

  void add_npy(const Entry& e, const std::string& name) {
    const uint64_t begin = directory_.locate(e);
    const std::string where = "zip: entry " + formats::in_quotes(name);
    std::optional<Tensor> t = npy::read(file_, begin, begin + e.size, where);
    if (!t) return;
    t->name = name.substr(0, name.size() - 4);
    add(std::move(*t), e);
  }

  void add_storage(const Entry& e, const std::string& key) {
    Tensor t;
    t.name = key;
    t.begin = directory_.locate(e);
    t.end = t.begin + e.size;
    t.shape = {e.size};
    t.dtype = "bytes";
    const auto known = storages_.find(static_cast<uint32_t>(&e - directory_.entries().data()));
    if (known != storages_.end()) describe(t, known->second);
    add(std::move(t), e);
  }
  void describe(Tensor& t, torch::Storage& s) const {
    const uint32_t item = s.dtype == nullptr ? 0 : s.dtype->bits / 8;
    if (!s.name.empty()) t.name = std::move(s.name);
    if (item == 0 || s.elements != (t.end - t.begin) / item || (t.end - t.begin) % item != 0)
      return;
    t.dtype = s.dtype->name;
    t.type = s.dtype->type;
    t.shape = s.has_shape ? std::move(s.shape) : std::vector<uint64_t>{s.elements};
    if (!big_endian_ || item == 1) return;
    t.dtype = "big-endian " + t.dtype;
    t.type = ElementType::bytes;
    t.period = static_cast<uint16_t>(item);
  }
  void add(Tensor t, const Entry& e) {
    list_.add(std::move(t));
    entry_of_.push_back(static_cast<uint32_t>(&e - directory_.entries().data()));
  }

  // Of tensors of one name all but the first take the names of their entries.
  void distinguish() {
    const std::vector<Tensor>& all = list_.items();
    std::vector<uint32_t> order(all.size());
    std::iota(order.begin(), order.end(), 0u);
    std::stable_sort(order.begin(), order.end(),
                     [&](uint32_t a, uint32_t b) { return all[a].name < all[b].name; });
    for (size_t i = order.size(); i-- > 1;)
      if (all[order[i]].name == all[order[i - 1]].name)
        list_.rename(order[i], directory_.name(directory_.entries()[entry_of_[order[i]]]));
  }

  RandomSource& file_;
  Directory directory_;
  formats::TensorList list_{"zip"};
  std::vector<uint32_t> entry_of_;
  std::string prefix_;  // of the names of storages; empty: no PyTorch file
  bool big_endian_ = false;
  std::unordered_map<uint32_t, torch::Storage> storages_;
};
}  // namespace

std::optional<std::vector<Tensor>> read(RandomSource& file) {
  if (!is_zip(file)) return std::nullopt;
  try {
    std::vector<Tensor> tensors = Reader(file).run();
    if (tensors.empty()) return std::nullopt;
    return tensors;
  } catch (const Error& e) {
    if (e.code() != ErrorCode::corrupt || begins_with_tensors(file)) throw;
    return std::nullopt;
  }
}
}  // namespace gramzip::zip
