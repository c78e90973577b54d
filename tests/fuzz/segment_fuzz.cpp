// SPDX-License-Identifier: Apache-2.0
// Behind the hashes: the fuzzer writes a segment's meta and data, the hashes are made to fit, so
// the checks of tables, records, lane headers and streams are reached.
#include "host/base/checksum.h"
#include "host/base/error.h"
#include "host/frame/segment_meta.h"
#include "tests/registry/cases.h"
#include "tests/registry/text_stub.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace gramzip;
  if (size < 4) return 0;
  const size_t meta_bytes = std::min<size_t>(load_le<uint16_t>(data), size - 2);
  const std::span<const uint8_t> meta(data + 2, meta_bytes);
  std::vector<uint8_t> rest(data + 2 + meta_bytes, data + size);
  rest.resize(round_up(rest.size(), kBlockAlign));
  try {
    frame::SegmentMeta m = frame::load_segment_meta(meta, rest.size(), "segment");
    if (m.header.decoded_bytes > (4u << 20)) return 0;
    for (uint32_t b = 0; b < m.header.blocks; ++b)
      m.records[b].coded_hash = hash64({rest.data() + m.offsets[b], m.records[b].coded_bytes});
    std::vector<uint8_t> out(m.header.decoded_bytes);
    std::vector<BlockStatus> status(m.header.blocks);
    // Text is decoded with a model of the tests, whatever its name.
    static const ModelPtr model = test::stub_model(test::make_text(20'000, 1));
    const bool text = m.header.codec == Codec::ngram;
    DecodeRequest request{m.view(rest, text ? model.get() : nullptr), 0, m.header.blocks, out,
                          status};
    // A base of every byte, so that exponents of all kinds occur.
    std::vector<uint8_t> base(out.size());
    for (size_t i = 0; i < base.size(); ++i) base[i] = static_cast<uint8_t>(i * 167 + i / 256);
    if (m.header.of_base) request.base = base;
    make_cpu_backend()->decode({&request, 1});
  } catch (const Error& e) {
    if (e.code() == ErrorCode::internal) __builtin_trap();
  }
  return 0;
}
