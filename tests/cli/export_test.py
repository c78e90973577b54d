# SPDX-License-Identifier: Apache-2.0
"""quantize --export: files for llama.cpp and vLLM, read by their published layouts and, where the packages gguf, safetensors and
compressed_tensors can be imported, by those too."""
import json
import math
import os
import random
import struct
import unittest

import grz
import tensor_files

F32, F16, Q4_0, Q8_0, BF16 = 0, 1, 2, 8, 30
BLOCK = {F32: (1, 4), F16: (1, 2), Q4_0: (32, 18), Q8_0: (32, 34), BF16: (1, 2)}
CONFIG = {"architectures": ["LlamaForCausalLM"], "hidden_size": 64, "num_attention_heads": 4, "num_key_value_heads": 2,
          "num_hidden_layers": 1, "intermediate_size": 96, "vocab_size": 40, "max_position_embeddings": 128, "rms_norm_eps": 1e-5,
          "rope_theta": 500000.0, "torch_dtype": "float32"}


def gauss(count, seed=1, scale=0.02):
    rng = random.Random(seed)
    return [struct.unpack("<f", struct.pack("<f", rng.gauss(0, scale)))[0] for _ in range(count)]


def f32(values):
    return struct.pack(f"<{len(values)}f", *values)


def bf16(values):
    return b"".join(struct.pack("<f", v)[2:] for v in values)


def from_bf16(data):
    return [struct.unpack("<f", b"\0\0" + data[i:i + 2])[0] for i in range(0, len(data), 2)]


def llama(convert=f32, dtype="F32"):
    """{name: (shape, values)} and the file."""
    layer = "model.layers.0."
    tensors = {"model.embed_tokens.weight": [40, 64], layer + "self_attn.q_proj.weight": [64, 64],
               layer + "self_attn.k_proj.weight": [32, 64], layer + "mlp.down_proj.weight": [64, 96],
               layer + "input_layernorm.weight": [64], "lm_head.weight": [40, 64]}
    made = {n: (s, gauss(math.prod(s), i)) for i, (n, s) in enumerate(tensors.items())}
    return made, grz.checkpoint([(n, dtype, s, convert(v)) for n, (s, v) in made.items()], {"format": "pt"})


def read_gguf(data):
    """Metadata and {name: (shape, type, bytes)}."""
    at = 4

    def take(form):
        nonlocal at
        value = struct.unpack_from("<" + form, data, at)
        at += struct.calcsize("<" + form)
        return value[0] if len(value) == 1 else value

    def string():
        nonlocal at
        n = take("Q")
        at += n
        return data[at - n:at].decode()

    assert data[:4] == b"GGUF"
    version, tensors, keys = take("IQQ")
    assert version == 3
    metadata = {}
    for _ in range(keys):
        name, kind = string(), take("I")
        metadata[name] = string() if kind == 8 else take({4: "I", 6: "f"}[kind])
    infos = []
    for _ in range(tensors):
        name, dims = string(), take("I")
        shape = [take("Q") for _ in range(dims)][::-1]
        infos.append((name, shape, take("I"), take("Q")))
    at += -at % 32
    out, end = {}, 0
    for name, shape, kind, offset in infos:
        elements, size = BLOCK[kind]
        size = math.prod(shape) // elements * size
        assert offset == end, name
        out[name] = shape, kind, data[at + offset:at + offset + size]
        end = offset + size + -size % 32
        assert not any(data[at + offset + size:at + end]), name
    assert at + end == len(data)
    return metadata, out


def read_safetensors(data):
    size = struct.unpack_from("<Q", data)[0]
    header = json.loads(data[8:8 + size])
    header.pop("__metadata__")
    return {n: (t["shape"], t["dtype"], data[8 + size + t["data_offsets"][0]:8 + size + t["data_offsets"][1]])
            for n, t in header.items()}


def round_f32(x):
    return struct.unpack("<f", struct.pack("<f", x))[0]


def q8_0(values):
    """Blocks of finite values, one rounding to 32 bits at a time as ggml has it."""
    out = b""
    for b in range(0, len(values), 32):
        x = values[b:b + 32]
        d = round_f32(max(map(abs, x)) / 127)
        inverse = round_f32(1 / d) if d else 0
        codes = []
        for v in x:
            a = abs(round_f32(v * inverse))
            codes.append(int(math.copysign(math.floor(a) + (a - math.floor(a) >= .5), v)))
        out += struct.pack("<e32b", d, *codes)
    return out


def q4_0(values):
    out = b""
    for b in range(0, len(values), 32):
        x = values[b:b + 32]
        d = round_f32(max(x, key=abs) / -8)
        inverse = round_f32(1 / d) if d else 0
        codes = [min(15, int(round_f32(round_f32(v * inverse) + 8.5))) for v in x]
        out += struct.pack("<e", d) + bytes(codes[j] | codes[j + 16] << 4 for j in range(16))
    return out


def permuted(values, columns, heads):
    rows = [values[i:i + columns] for i in range(0, len(values), columns)]
    each = len(rows) // heads
    order = [h * each + j * each // 2 + i for h in range(heads) for i in range(each // 2) for j in range(2)]
    return [v for r in order for v in rows[r]]


class Gguf(grz.Case):
    def export(self, kind, *args):
        self.run_tool("quantize", "m/model.safetensors", "--export", kind, "-o", "out.gguf", "-f", *args)
        return read_gguf(self.read("out.gguf"))

    def test_llama(self):
        made, file = llama()
        self.write("m/model.safetensors", file)
        self.write("m/config.json", json.dumps(CONFIG).encode())
        for kind, code, encode in (("gguf:q8_0", Q8_0, q8_0), ("gguf:q4_0", Q4_0, q4_0)):
            metadata, tensors = self.export(kind)
            self.assertEqual(metadata["general.architecture"], "llama")
            self.assertEqual(metadata["general.name"], "m")
            self.assertEqual(metadata["general.file_type"], 7 if code == Q8_0 else 2)
            self.assertEqual(metadata["llama.attention.head_count_kv"], 2)
            self.assertEqual(metadata["llama.rope.dimension_count"], 16)
            self.assertEqual(metadata["llama.rope.freq_base"], 500000)
            self.assertAlmostEqual(metadata["llama.attention.layer_norm_rms_epsilon"], 1e-5)
            want = {"token_embd.weight": ("model.embed_tokens.weight", 0), "output.weight": ("lm_head.weight", 0),
                    "blk.0.attn_q.weight": ("model.layers.0.self_attn.q_proj.weight", 4),
                    "blk.0.attn_k.weight": ("model.layers.0.self_attn.k_proj.weight", 2),
                    "blk.0.ffn_down.weight": ("model.layers.0.mlp.down_proj.weight", 0),
                    "blk.0.attn_norm.weight": ("model.layers.0.input_layernorm.weight", 0)}
            self.assertEqual(set(tensors), set(want))
            for name, (source, heads) in want.items():
                shape, values = made[source]
                if heads:
                    values = permuted(values, shape[1], heads)
                if name == "blk.0.attn_norm.weight":
                    self.assertEqual(tensors[name], (shape, F32, f32(values)))
                elif name == "output.weight":
                    self.assertEqual(tensors[name], (shape, Q8_0, q8_0(values)))
                else:
                    self.assertEqual(tensors[name], (shape, code, encode(values)), name)

    def test_names_that_stay(self):
        made, file = llama(bf16, "BF16")
        self.write("m/model.safetensors", file)
        metadata, tensors = self.export("gguf:q4_0")
        self.assertEqual(metadata["general.architecture"], "gramzip")
        self.assertEqual(set(tensors), set(made))
        self.write("m/config.json", json.dumps(CONFIG).encode())
        self.assertEqual(set(self.export("gguf:q4_0:plain")[1]), set(made))
        # Vectors are widened, what --keep names is not.
        tensors = self.export("gguf:q4_0:plain", "--keep", "*.q_proj.*")[1]
        self.assertEqual(tensors["model.layers.0.input_layernorm.weight"][1], F32)
        shape, values = made["model.layers.0.self_attn.q_proj.weight"]
        self.assertEqual(tensors["model.layers.0.self_attn.q_proj.weight"], (shape, BF16, bf16(values)))

    def test_other_inputs_give_the_same_blocks(self):
        values = gauss(64 * 32)
        want = q8_0(values)
        npy = tensor_files.npy("<f4", [64, 32], f32(values))
        pt = tensor_files.pt({"w": tensor_files.Tensor(tensor_files.Storage("FloatStorage", "0", 2048), (64, 32))}, {"0": f32(values)})
        for name, file, tensor in (("a.npy", npy, "array"), ("a.npz", tensor_files.npz({"w": npy}), "w"), ("a.pt", pt, "w"),
                                   ("a.gguf", tensor_files.gguf([("w", (32, 64), F32, f32(values))]), "w")):
            self.write(name, file)
            self.run_tool("quantize", name, "--export", "gguf:q8_0", "-o", name + ".out")
            metadata, tensors = read_gguf(self.read(name + ".out"))
            self.assertEqual(tensors[tensor], ([64, 32], Q8_0, want), name)
        self.assertEqual(metadata["general.name"], "test")

    def test_shards_and_folders(self):
        made, file = llama()
        self.write("m/model.safetensors", file)
        whole = self.export("gguf:q8_0")[1]
        names = list(made)
        for i, part in enumerate((names[:2], names[2:])):
            self.write(f"s/model-0000{i + 1}-of-00002.safetensors",
                       grz.checkpoint([(n, "F32", made[n][0], f32(made[n][1])) for n in part]))
        self.write("s/model.safetensors.index.json", json.dumps(
            {"weight_map": {n: f"model-0000{1 + (n in names[2:])}-of-00002.safetensors" for n in names}}).encode())
        for given in ("s", "s/model.safetensors.index.json"):
            self.run_tool("quantize", given, "--export", "gguf:q8_0", "-o", "shards.gguf", "-f")
            self.assertEqual(read_gguf(self.read("shards.gguf"))[1], whole)
        self.run_tool("quantize", "s/model-00001-of-00002.safetensors", "m/model.safetensors", "--export", "gguf:q8_0", "-o",
                      "twice.gguf", code=1, says="is there twice")

    def test_report(self):
        self.write("m/model.safetensors", llama()[1])
        run = self.run_tool("quantize", "m", "--export", "gguf:q4_0", "-o", "x.gguf", "--json")
        j = json.loads(run.stdout)
        self.assertEqual(j["bytes"], os.path.getsize(self.path("x.gguf")))
        self.assertEqual(j["quantized"], 5)
        one = {t["name"]: t for t in j["report"]["tensors"]}
        down = one["model.layers.0.mlp.down_proj.weight"]
        self.assertEqual((down["method"], down["bits_per_weight"]), ("Q4_0", 4.5))
        self.assertTrue(18 < down["sqnr_db"] < 25)
        self.assertIn("dimensions", one["model.layers.0.input_layernorm.weight"]["kept_by"])
        self.assertEqual(self.run_tool("quantize", "m", "--export", "gguf:q4_0", "-o", "-", "-q").stdout, self.read("x.gguf"))
        run = self.run_tool("quantize", "m", "--export", "gguf:q4_0", "-o", "y.gguf", "--report", "r.html")
        self.assertIn(b"down_proj", run.stdout)
        self.assertIn(b"<svg", self.read("r.html"))
        self.run_tool("quantize", "m", "--export", "gguf:q4_0", "-o", "z.gguf", "--report", "r.doc", code=1, says="r.doc")
        self.assertNotIn("z.gguf", self.names())
        self.run_tool("quantize", "y.gguf", "--export", "gguf:q4_0", "-o", "w.gguf", "-f", code=1, says="nothing to quantize")
        self.run_tool("quantize", "m/model.safetensors", "--export", "gguf:q4_0", "-o", "m/model.safetensors", "-f", code=1,
                      says="is the output itself")

    def test_package(self):
        try:
            import gguf
            import numpy
        except ImportError:
            self.skipTest("no package gguf")
        made, file = llama()
        self.write("m/model.safetensors", file)
        self.write("m/config.json", json.dumps(CONFIG).encode())
        for kind in ("q8_0", "q4_0"):
            self.export("gguf:" + kind)
            reader = gguf.GGUFReader(self.path("out.gguf"))
            self.assertEqual(reader.fields["general.architecture"].contents(), "llama")
            for t in reader.tensors:
                if t.name == "blk.0.ffn_down.weight":
                    x = numpy.array(made["model.layers.0.mlp.down_proj.weight"][1], numpy.float32).reshape(64, 96)
                    self.assertTrue((t.data == gguf.quants.quantize(x, t.tensor_type)).all())
                    error = numpy.abs(gguf.quants.dequantize(t.data, t.tensor_type) - x).max()
                    self.assertLess(error, 0.02 if kind == "q4_0" else 0.001)


class Compressed(grz.Case):
    def export(self, kind, *args, code=0, **options):
        run = self.run_tool("quantize", "m", "--export", kind, "-o", "out", "-f", *args, code=code, **options)
        if code == 0:
            return read_safetensors(self.read("out/model.safetensors")), json.loads(self.read("out/config.json"))
        return run

    def model(self, convert=f32, dtype="F32"):
        made, file = llama(convert, dtype)
        self.write("m/model.safetensors", file)
        self.write("m/config.json", json.dumps(CONFIG).encode())
        return made

    def unpacked(self, tensors, name, bits, symmetric):
        shape, _, packed = tensors[name + "_packed"]
        rows, columns = struct.unpack("<2q", tensors[name + "_shape"][2])
        lanes, offset = 32 // bits, 1 << (bits - 1)
        self.assertEqual(shape, [rows, -(-columns // lanes)])
        codes = [(w >> bits * i & (1 << bits) - 1) - offset for (w,) in struct.iter_unpack("<I", packed) for i in range(lanes)]
        (_, groups), dtype, scales = tensors[name + "_scale"]
        scales = [s for (s,) in struct.iter_unpack("<f", scales)] if dtype == "F32" else from_bf16(scales)
        zeros = [0] * len(scales)
        if not symmetric:
            words = struct.unpack(f"<{len(tensors[name + '_zero_point'][2]) // 4}I", tensors[name + "_zero_point"][2])
            zeros = [(words[r // lanes * groups + g] >> bits * (r % lanes) & (1 << bits) - 1) - offset
                     for r in range(rows) for g in range(groups)]
        each = columns // groups
        return [(codes[i] - zeros[i // each]) * scales[i // each] for i in range(rows * columns)], scales

    def test_schemes(self):
        made = self.model()
        for kind, bits, each, symmetric in (("int4:g32", 4, 32, True), ("int8:g32", 8, 32, True), ("int4:channel", 4, 0, True),
                                            ("int4:g32:asym", 4, 32, False), ("int8:channel:asym", 8, 0, False)):
            tensors, config = self.export("compressed-tensors:" + kind)
            weights = config["quantization_config"]["config_groups"]["group_0"]["weights"]
            self.assertEqual((weights["num_bits"], weights["group_size"], weights["symmetric"]), (bits, each or None, symmetric))
            self.assertEqual(config["quantization_config"]["ignore"], ["lm_head"])
            self.assertEqual(config["hidden_size"], 64)
            for name in ("model.embed_tokens.weight", "lm_head.weight", "model.layers.0.input_layernorm.weight"):
                self.assertEqual(tensors[name], (made[name][0], "F32", f32(made[name][1])))
            for name in made:
                if "_proj" not in name:
                    continue
                shape, values = made[name]
                restored, scales = self.unpacked(tensors, name, bits, symmetric)
                group = each or shape[1]
                for i, (a, b) in enumerate(zip(values, restored)):
                    # Symmetric: the range has no code for its upper end.
                    limit = 0.5 if not symmetric else 1.0 if abs(a) > (0.5 * 2 ** bits - 1.5) * scales[i // group] else 0.5
                    self.assertLessEqual(abs(a - b), limit * scales[i // group] * 1.01, (kind, name, i))
                if symmetric:
                    for g in range(0, len(values), group):
                        self.assertEqual(scales[g // group], round_f32(max(map(abs, values[g:g + group])) / (2 ** bits - 1) * 2))

    def test_type_of_scales_and_kept(self):
        self.model(bf16, "BF16")
        tensors, config = self.export("compressed-tensors:int4:g32", "--keep", "*.k_proj.weight")
        self.assertEqual(tensors["model.layers.0.self_attn.q_proj.weight_scale"][1], "BF16")
        self.assertEqual(tensors["model.layers.0.self_attn.k_proj.weight"][1], "BF16")
        self.assertIn("model.layers.0.self_attn.k_proj", config["quantization_config"]["ignore"])
        # 96 columns are no multiple of 64.
        tensors, config = self.export("compressed-tensors:int4:g64")
        self.assertIn("model.layers.0.mlp.down_proj.weight", tensors)
        self.assertIn("model.layers.0.mlp.down_proj", config["quantization_config"]["ignore"])

    def test_folder(self):
        self.model()
        self.write("m/tokenizer.json", b"{}")
        self.write("m/notes.txt", b"mine")
        kind = "compressed-tensors:int8:g32"
        self.run_tool("quantize", "m", "--export", kind, "-o", "out")
        self.assertEqual(self.names("out"), ["config.json", "model.safetensors", "tokenizer.json"])
        before = self.read("out/model.safetensors")
        self.run_tool("quantize", "m", "--export", kind, "-o", "out", code=1, says="already exists; -f replaces it")
        self.run_tool("quantize", "m", "--export", "compressed-tensors:int4:g32", "-o", "out", "-f")
        self.assertLess(len(self.read("out/model.safetensors")), len(before))
        self.write("out/model-00001-of-00002.safetensors", b"")
        self.run_tool("quantize", "m", "--export", kind, "-o", "out", "-f", code=1, says="other weights")
        # An error leaves nothing.
        self.run_tool("quantize", "m", "--export", "compressed-tensors:int4", "-o", "none", "--keep", "*", code=1,
                      says="nothing to quantize")
        self.assertFalse(os.path.exists(self.path("none")))
        self.run_tool("quantize", "m", "--export", kind, "-o", "-", code=1, says="a folder")
        # Into the model's own folder: its weights are not lost unless asked.
        self.run_tool("quantize", "m", "--export", kind, "-o", "m", code=1, says="already exists")

    def test_without_config(self):
        self.write("m/model.safetensors", llama()[1])
        config = self.export("compressed-tensors:int4:g32")[1]
        self.assertEqual(list(config), ["quantization_config"])

    def test_package(self):
        try:
            import torch
            from compressed_tensors.compressors.pack_quantized.base import PackedQuantizationCompressor
            from compressed_tensors.quantization import QuantizationConfig
            from safetensors.torch import load_file
        except (ImportError, OSError):
            self.skipTest("no packages torch, safetensors, compressed_tensors")
        made = self.model()
        for kind, bound in (("int4:g32", 0.01), ("int8:channel", 0.001), ("int4:g32:asym", 0.01)):
            config = self.export("compressed-tensors:" + kind)[1]
            scheme = QuantizationConfig.model_validate(config["quantization_config"]).config_groups["group_0"]
            tensors = load_file(self.path("out/model.safetensors"))
            name = "model.layers.0.mlp.down_proj."
            state = {n[len(name):]: t for n, t in tensors.items() if n.startswith(name)}
            x = torch.tensor(made[name + "weight"][1]).reshape(64, 96)
            back = PackedQuantizationCompressor.decompress(state, scheme)["weight"]
            self.assertLess((back - x).abs().max().item(), bound)
            zero = {"weight_zero_point": None}
            if not scheme.weights.symmetric:
                from compressed_tensors.compressors.pack_quantized.helpers import unpack_from_int32
                zero = {"weight_zero_point": unpack_from_int32(state["weight_zero_point"], 4, (64, 3), packed_dim=0)}
            again = PackedQuantizationCompressor.compress(
                {"weight": x, "weight_scale": state["weight_scale"], **{k: v for k, v in zero.items() if v is not None}}, scheme)
            for key in state:
                self.assertTrue(torch.equal(again[key], state[key]), (kind, key))


class Refusals(grz.Case):
    def test_options(self):
        self.write("m.safetensors", llama()[1])
        for kind in ("gguf", "gguf:q5_0", "gguf:q4_0:g32", "compressed-tensors:int4:g7", "compressed-tensors:int3", ":", "exl2"):
            self.run_tool("quantize", "m.safetensors", "--export", kind, "-o", "x", code=1, says="--export '" + kind)
        self.run_tool("quantize", "m.safetensors", "--export", "gguf:q8_0", code=1, says="-o OUT")
        for other in (["--target-bpw", "4"], ["--method", "nf4"], ["--prune", "edge"], ["--asymmetric"]):
            self.run_tool("quantize", "m.safetensors", "--export", "gguf:q8_0", "-o", "x", *other, code=1, says=other[0] + " does not go")
        self.run_tool("quantize", "m.safetensors", "--export", "gguf:q8_0", "-o", "x", "--keep", "a*b", code=1,
                      says="--keep 'a*b': no tensor has such a name")
        self.run_tool("quantize", "--export", "gguf:q8_0", "-o", "x", code=1, says="needs a checkpoint")
        self.run_tool("quantize", "none", "--export", "gguf:q8_0", "-o", "x", code=1, says="none: No such file")
        self.assertEqual(self.names(), ["m.safetensors"])

    def test_files(self):
        self.write("text", b"no checkpoint")
        self.run_tool("quantize", "text", "--export", "gguf:q8_0", "-o", "x", code=1, says="text: no tensors")
        self.write("empty.safetensors", grz.checkpoint([]))
        self.run_tool("quantize", "empty.safetensors", "--export", "gguf:q8_0", "-o", "x", code=1, says="no tensors")
        os.mkdir(self.path("folder"))
        self.run_tool("quantize", "folder", "--export", "gguf:q8_0", "-o", "x", code=1, says="no model.safetensors")
        whole = llama()[1]
        self.write("short.safetensors", whole[:-1])
        self.run_tool("quantize", "short.safetensors", "--export", "gguf:q8_0", "-o", "x", code=1, says="lm_head.weight")
        self.write("m.safetensors", whole)
        self.run_tool("compress", "m.safetensors")
        self.run_tool("quantize", "m.safetensors.grz", "--export", "gguf:q8_0", "-o", "x", code=1, says="decompress it first")
        self.write("config.json", b"{")
        self.run_tool("quantize", "m.safetensors", "--export", "gguf:q8_0", "-o", "x", code=1, says="config.json")
        self.assertNotIn("x", self.names())

    def test_values(self):
        values = gauss(128)
        for bad, word in ((math.nan, "NaN"), (math.inf, "infinite")):
            values[70] = bad
            self.write("m.safetensors", grz.checkpoint([("layer.weight", "F32", [2, 64], f32(values)),
                                                        ("other.weight", "F32", [2, 32], f32(gauss(64)))]))
            for kind in ("gguf:q8_0", "gguf:q4_0", "compressed-tensors:int4:g32"):
                self.run_tool("quantize", "m.safetensors", "--export", kind, "-o", "x", code=1,
                              says="tensor 'layer.weight': element [1, 6] is " + word)
                self.assertEqual(self.names(), ["m.safetensors"])
        self.run_tool("quantize", "m.safetensors", "--export", "gguf:q8_0", "-o", "x", "--keep", "layer.*")
        self.assertEqual(read_gguf(self.read("x"))[1]["layer.weight"], ([2, 64], F32, f32(values)))
        self.run_tool("quantize", "m.safetensors", "--export", "gguf:q8_0", "-o", "x", code=1, says="already exists")


if __name__ == "__main__":
    grz.main()
