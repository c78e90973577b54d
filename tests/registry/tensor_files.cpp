// SPDX-License-Identifier: Apache-2.0
#include "tests/registry/tensor_files.h"

namespace gramzip::test {
std::string le(uint64_t v, size_t bytes) {
  std::string s;
  for (size_t i = 0; i < bytes; ++i) s += static_cast<char>(i < 8 ? v >> (8 * i) : 0);
  return s;
}

std::string npy_dict(const std::string& descr, const std::string& shape, bool fortran) {
  return "{'descr': " + descr + ", 'fortran_order': " + (fortran ? "True" : "False") +
         ", 'shape': " + shape + ", }";
}

std::string npy_file(const std::string& dict, const std::string& data, int version) {
  const size_t head = version == 1 ? 10 : 12;
  std::string text = dict;
  text.resize((head + text.size() + 64) / 64 * 64 - head - 1, ' ');
  text += '\n';
  return std::string("\x93NUMPY") + static_cast<char>(version) + '\0' +
         le(text.size(), version == 1 ? 2 : 4) + text + data;
}

std::string ZipFile::bytes() const {
  std::string out, directory;
  for (const ZipEntry& e : entries) {
    const uint64_t local = out.size(), n = e.data.size();
    const uint64_t flags = e.flags | (e.descriptor ? 8u : 0u);
    const std::string& name = e.local_name.empty() ? e.name : e.local_name;
    std::string extra;
    if (e.zip64) extra = le(1, 2) + le(16, 2) + le(n, 8) + le(n, 8);
    if (e.align > 0) {
      const size_t at = local + 30 + name.size() + extra.size() + 4;
      const size_t pad = (e.align - at % e.align) % e.align;
      extra += "FB" + le(pad, 2) + std::string(pad, 'Z');
    }
    const uint64_t local_size = e.zip64 ? UINT32_MAX : e.descriptor ? 0 : n;
    out += "PK\3\4" + le(20, 2) + le(flags, 2) + le(e.method, 2) + le(0, 8) + le(local_size, 4) +
           le(local_size, 4) + le(name.size(), 2) + le(extra.size(), 2) + name + extra + e.data;
    if (e.descriptor) out += "PK\7\10" + le(0, 4) + le(n, 4) + le(n, 4);
    directory += "PK\1\2" + le(20, 2) + le(20, 2) + le(flags, 2) + le(e.method, 2) + le(0, 8) +
                 le(n, 4) + le(n, 4) + le(e.name.size(), 2) + le(0, 12) + le(local, 4) + e.name;
  }
  const uint64_t offset = out.size(), count = entries.size();
  std::string end;
  if (end64)
    end = "PK\6\6" + le(44, 8) + le(45, 2) + le(45, 2) + le(0, 8) + le(count, 8) + le(count, 8) +
          le(directory.size(), 8) + le(offset, 8) + "PK\6\7" + le(0, 4) +
          le(offset + directory.size(), 8) + le(1, 4);
  end += "PK\5\6" + le(0, 4) + le(end64 ? 0xffff : count, 2) + le(end64 ? 0xffff : count, 2) +
         le(end64 ? UINT32_MAX : directory.size(), 4) + le(end64 ? UINT32_MAX : offset, 4) +
         le(comment.size(), 2) + comment;
  if (spoil) spoil(directory, end);
  return out + directory + end;
}

namespace {
std::string unicode(const std::string& s) { return "X" + le(s.size(), 4) + s; }
std::string integer(uint32_t v) {
  if (v < 256) return "K" + le(v, 1);
  return v < 65536 ? "M" + le(v, 2) : "J" + le(v, 4);
}
std::string tuple(const std::vector<std::string>& items) {
  std::string s;
  for (const std::string& i : items) s += i;
  if (items.empty()) return ")";
  if (items.size() <= 3) return s + static_cast<char>(0x84 + items.size());
  return "(" + s + "t";
}
}  // namespace

std::string torch_pickle(const std::vector<TorchTensor>& tensors, bool nested) {
  uint32_t memo = 0;
  const auto put = [&memo] { return "r" + le(memo++, 4); };
  std::string p = "\x80\2}" + put();
  if (nested)
    p += "(" + unicode("epoch") + "K\7" + unicode("model") + "ccollections\nOrderedDict\n)R";
  p += "(";
  for (const TorchTensor& t : tensors) {
    std::vector<std::string> shape, stride;
    uint32_t step = 1;
    for (size_t i = t.shape.size(); i-- > 0; step *= t.shape[i])
      stride.insert(stride.begin(), integer(step));
    for (const uint32_t d : t.shape) shape.push_back(integer(d));
    p += unicode(t.name) + put() + "ctorch._utils\n_rebuild_tensor_v2\n" + put() + "((" +
         unicode("storage") + put() + "ctorch\n" + t.storage_class + "\n" + put() + unicode(t.key) +
         put() + unicode("cpu") + put() + integer(t.elements) + "t" + put() + "Q" +
         integer(t.offset) + tuple(shape) + put() + tuple(stride) + put() +
         "\x89"
         "ccollections\nOrderedDict\n)R" +
         put() + "t" + put() + "R" + put();
  }
  return p + "u" + (nested ? "u." : ".");
}

ZipFile torch_file(const std::string& pickle,
                   const std::vector<std::pair<std::string, std::string>>& storages,
                   const std::string& byteorder) {
  ZipFile z;
  z.end64 = true;
  const auto add = [&z](const std::string& name, const std::string& data) {
    ZipEntry e;
    e.name = "archive/" + name;
    e.data = data;
    e.descriptor = true;
    e.align = 64;
    z.entries.push_back(std::move(e));
  };
  add("data.pkl", pickle);
  add("byteorder", byteorder);
  for (const auto& [key, data] : storages) add("data/" + key, data);
  add("version", "3\n");
  add(".data/serialization_id", "0123456789");
  return z;
}

std::string gguf_string(const std::string& s) { return le(s.size(), 8) + s; }

void GgufFile::key(const std::string& name, uint32_t type, const std::string& value) {
  metadata += gguf_string(name) + le(type, 4) + value;
  ++keys;
}

std::string GgufFile::bytes() const {
  std::string s = "GGUF" + le(version, 4) + le(tensors.size(), 8) + le(keys, 8) + metadata;
  for (const GgufTensor& t : tensors) {
    s += gguf_string(t.name) + le(t.dims.size(), 4);
    for (const uint64_t d : t.dims) s += le(d, 8);
    s += le(t.type, 4) + le(t.offset, 8);
  }
  s.resize((s.size() + alignment - 1) / alignment * alignment);
  return s + std::string(data_bytes, 'w');
}

std::vector<std::pair<std::string, std::string>> tensor_file_samples() {
  std::vector<std::pair<std::string, std::string>> out;
  out.emplace_back("a.npy", npy_file(npy_dict("'<f4'", "(3, 2)"), std::string(24, 'f')));
  out.emplace_back(
      "structured.npy",
      npy_file(npy_dict("[('x', '<f4'), ('y', '<i2', (3,))]", "(5,)"), std::string(50, 's'), 2));
  ZipFile npz;
  for (const char* name : {"w.npy", "b.npy"}) {
    ZipEntry e;
    e.name = name;
    e.data = npy_file(npy_dict("'<f2'", "(4,)"), "12345678");
    e.zip64 = true;
    npz.entries.push_back(e);
  }
  out.emplace_back("two.npz", npz.bytes());
  const std::string pickle = torch_pickle({{"layer.weight", "FloatStorage", "0", {2, 3}, 6},
                                           {"layer.bias", "BFloat16Storage", "1", {3}, 3}},
                                          true);
  out.emplace_back("model.pt",
                   torch_file(pickle, {{"0", std::string(24, 'a')}, {"1", "abcdef"}}).bytes());
  GgufFile gguf;
  gguf.key("general.alignment", 4, le(32, 4));
  gguf.key("tokens", 9, le(8, 4) + le(2, 8) + gguf_string("a") + gguf_string("bc"));
  gguf.tensors = {{"f", {4, 2}, 0, 0}, {"q", {64}, 8, 32}};
  gguf.data_bytes = 128;
  out.emplace_back("model.gguf", gguf.bytes());
  const std::string header =
      R"({"a":{"dtype":"BF16","shape":[2,2],"data_offsets":[0,8]},"__metadata__":{"k":"v"}})";
  out.emplace_back("model.safetensors", le(header.size(), 8) + header + "12345678");
  return out;
}
}  // namespace gramzip::test
