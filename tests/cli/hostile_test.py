# SPDX-License-Identifier: Apache-2.0
"""Checkpoints that lie: one line of error or the bytes of the file, in a second and 64 MiB (docs/tensor-files.md).

GRAMZIP_SHOW=1 prints what each command took."""
import json
import struct
import zlib

from grz import checkpoint, main, noise
from hostile import MIB, Hostile, central_header, end_record, end_record64, local_header, zip_of
from tensor_files import Storage, Tensor, npy, pt

HUGE = 100_000_000  # the longest header that safetensors allows


def u64(*numbers):
    return struct.pack(f"<{len(numbers)}Q", *numbers)


class Safetensors(Hostile):
    def headed(self, *pieces, size=None):
        """A file of that header; returns its name."""
        n = sum(len(p[0]) * p[1] if isinstance(p, tuple) else len(p) for p in pieces)
        self.make("a.safetensors", u64(n if size is None else size), *pieces)
        return "a.safetensors"

    def test_headers_of_100_mb(self):
        entry = b'"t%07d":{"dtype":"F32","shape":[0],"data_offsets":[0,0]},'
        tensors = b"".join(entry % i for i in range(HUGE // len(entry % 0)))
        for says, pieces in (
                ("a string of more than 8 MiB", [b'{"', (b"a", HUGE - 9), b'":{}}']),
                ("a string of more than 8 MiB", [b'{"', (b"\\u0000", HUGE // 6 - 9), b'":{}}']),
                ("a string of more than 8 MiB", [b'{"w":{"dtype":"', (b"F", HUGE - 99), b'"}}']),
                ("1024 dimensions", [b'{"w":{"dtype":"F32","shape":[1', (b",1", HUGE // 2 - 99), b"]}}"]),
                ("more than two numbers", [b'{"w":{"dtype":"F32","shape":[1],"data_offsets":[0', (b",1", HUGE // 2 - 99), b"]}}"]),
                ("no integer below 2^64", [b'{"w":{"dtype":"F32","shape":[', (b"1", HUGE - 99), b"]}}"]),
                ("an array instead of", [b'{"w":', (b"[", HUGE - 99), (b"]", 20), b"}"]),
                ("an object instead of", [b'{"__metadata__":', (b'{"a":', HUGE // 5 - 99), b"1}"]),
                ("2^18 keys", [b'{"__metadata__":{', b",".join(b'"%d":""' % i for i in range(300_000)), b"}}"]),
                ("16 MiB of them", [b'{"__metadata__":{', b",".join(b'"%0999d":""' % i for i in range(90_000)), b"}}"]),
                ("more than 32 MiB to describe", [b"{", tensors, b'"":{}}']),
                ("key 't0000000' twice", [b"{", tensors[:len(entry % 0) * 100_000], (entry % 0)[:-1], b"}"]),
                ("not valid JSON", [b"{", (b" ", HUGE - 9), b"!}"])):
            with self.subTest(says=says, begins=pieces[0]):
                name = self.headed(*pieces)
                self.refused(name, says)
                if says == "not valid JSON":
                    with open(self.path(name), "rb") as pipe:
                        self.one_error(["--as", "weights", "-T1", "-c"], "more than 16 MiB from a pipe", stdin=pipe)

    def test_sizes_of_headers(self):
        self.refused(self.headed(b"{}", size=HUGE), "cut short")
        self.refused(self.headed(b"{", size=2), "safetensors header: ")
        for size in (HUGE + 2, 1 << 63, (1 << 64) - 1):
            self.one_error(["--as", "weights", self.headed(b"{}", size=size)], "not a file of tensors")
            self.taken("a.safetensors")

    def test_fields(self):
        def header(text, data=b"x" * 16):
            self.make("a.safetensors", u64(len(text)), text.encode(), data)
            return "a.safetensors"

        def tensors(*offsets, shape="[4]"):
            return "{" + ",".join(f'"t{i}":{{"dtype":"U8","shape":{shape},"data_offsets":{list(o)}}}'
                                  for i, o in enumerate(offsets)) + "}"

        for says, text in (
                ("inside the tensor", tensors((0, 4), (3, 7))), ("inside the tensor", tensors((0, 4), (0, 4))),
                ("a hole after", tensors((0, 4), (8, 12))), ("a hole after", tensors((4, 8))),
                ("ends before it begins", tensors((4, 0))), ("5 bytes, but dtype and shape make 4", tensors((0, 5))),
                ("a number above 2^63", tensors((0, 1 << 63 | 1))), ("no integer below 2^64", tensors((0, 1 << 64))),
                ("negative", tensors((-1, 3))), ("no integer", tensors((0, 4), shape="[4.0]")),
                ("2^64 bits", tensors((0, 4), shape=f"[{1 << 63}]")),
                ("2^64 bits", tensors((0, 4), shape=f"[{1 << 32},{1 << 32}]")),
                ("make 0", tensors((0, 4), shape=f"[{1 << 63},{1 << 63},0,{1 << 63}]")),
                ("make 0", tensors((0, 4), shape=f"[0,{1 << 20}]")),
                ("fewer than two", tensors((0,))), ("no shape", '{"w":{"dtype":"U8","data_offsets":[0,4]}}'),
                ("key 'w' twice", '{"w":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},'
                                  '"w":{"dtype":"U8","shape":[1],"data_offsets":[1,2]}}'),
                ("given twice", '{"w":{"dtype":"U8","dtype":"U8","shape":[1],"data_offsets":[0,1]}}')):
            with self.subTest(says=says, text=text):
                self.refused(header(text), says)
        # Cut short behind the header: compressed as the checkpoint that it was to be.
        for end in (20, 1 << 60):
            name = header(tensors((0, end), shape=f"[{end}]"))
            self.taken(name)
            self.one_error(["list", "--tensors", "out.grz"], "but the file has")


class Npy(Hostile):
    def test_shapes_and_headers(self):
        for says, shape in (("above 2^64", (1 << 63, 2)), ("above 2^63", ((1 << 63) + 1,)), ("above 2^64", (1 << 32, 1 << 32)),
                            ("makes 4611686018427387904 bytes, but 24 follow", (1 << 60,)), ("64 dimensions", (1,) * 65),
                            ("no number", (-1,))):
            with self.subTest(says=says):
                self.make("a.npy", npy("<f4", shape, b"x" * 24))
                self.refused("a.npy", says)
        self.make("a.npy", b"\x93NUMPY\2\0\xff\xff\xff\xff{", size=400 * MIB)
        self.refused("a.npy", "longer than 1 MiB")
        deep = b"{'descr': " + b"[" * (MIB - 99)
        self.make("a.npy", b"\x93NUMPY\2\0" + struct.pack("<I", len(deep)) + deep)
        self.refused("a.npy", "npy: header: ")


class Zip(Hostile):
    ARRAY = npy("<f4", (6,), b"x" * 24)

    def array(self, name="a.npy", **fields):
        return name, self.ARRAY, fields

    def spoiled(self, says, *entries, change=lambda directory, at: (directory, at)):
        with self.subTest(says=says):
            self.make("a.npz", zip_of(entries, change))
            self.refused("a.npz", says)

    def test_sizes(self):
        self.spoiled("two sizes", self.array(), self.array("b.npy", size=1 << 31))
        self.spoiled("ZIP64 sizes", self.array(), self.array("b.npy", size=0xffffffff))
        extra = struct.pack("<HH", 1, 8) + u64(1 << 63)
        self.spoiled("two sizes", self.array(), self.array("b.npy", size=0xffffffff, extra=extra))
        self.spoiled("reaches into", self.array(), change=lambda d, at: (d[:20] + struct.pack("<II", 1 << 30, 1 << 30) + d[28:], at))

    def test_entries_over_one_another(self):
        self.spoiled("reaches into", self.array(), self.array("b.npy", at=0))
        self.spoiled("reaches into", self.array(), self.array("b.npy", at=40))
        self.spoiled("reaches into", self.array(), self.array("b.npy", at=1 << 31))
        # Each entry holds all that follow, as the densest bombs do.
        bomb = [(f"{i:02}.npy", self.ARRAY * (30 - i), {"at": 60 * i}) for i in range(30)]
        self.spoiled("reaches into", *bomb)
        self.spoiled("'a.npy': twice", self.array(), self.array())
        self.make("a.npz", b"PK\3\5".join(zip_of([self.array(), self.array("b.npy")]).rsplit(b"PK\3\4", 1)))
        self.refused("a.npz", "none there")

    def test_directories(self):
        self.spoiled("lies behind it", self.array(), change=lambda d, at: (d, at + 1))
        for count in (3, 1 << 18, 1 << 40, (1 << 64) - 1):
            data = zip_of([self.array()])
            at = data.index(b"PK\1\2")
            end = len(data) - 22
            for says, fields in (("end of central directory: ", (count, end - at, at, end)),
                                 ("lies behind it", (1, max(count, 1 << 20), at, end)), ("ZIP64 locator", (1, end - at, at, count + end))):
                with self.subTest(says=says, count=count):
                    if says == "ZIP64 locator" and count > 1 << 63:
                        fields = (1, end - at, at, count)
                    self.make("a.npz", data[:end] + end_record64(*fields) + data[end:])
                    self.refused("a.npz", says)
        # Ends of directories all over the longest comment.
        self.make("a.npz", zip_of([self.array()])[:-22] + end_record(1, 1, 1, b"PK\5\6" * 16_000)[:-1])
        self.refused("a.npz", "no end of central directory")

    def many(self, count):
        first = local_header("a.npy", len(self.ARRAY)) + self.ARRAY
        names = [f"{i:06}" for i in range(count - 1)]
        step = len(local_header("000000", 0))
        bodies = b"".join(local_header(n, 0) for n in names)
        directory = central_header("a.npy", 0, len(self.ARRAY)) + b"".join(
            central_header(n, len(first) + i * step, 0) for i, n in enumerate(names))
        at = len(first) + len(bodies)
        self.make("a.npz", first, bodies, directory, end_record64(count, len(directory), at, at + len(directory)),
                  end_record(count, 0xffffffff, 0xffffffff))

    def test_many_entries(self):
        self.many(270_000)
        self.refused("a.npz", "at most 262144")
        self.many(260_000)
        self.taken("a.npz", ["a"])

    def test_what_is_never_inflated(self):
        deflated = zlib.compress(npy("<f4", (10 * MIB // 4,), bytes(10 * MIB)), 9)[2:-4]
        huge = struct.pack("<HH", 1, 8) + u64(1 << 62)
        inner = zip_of([self.array("inner.npy")] * 1)
        for entries in ([self.array(), ("b.npy", deflated, {"method": 8, "size": 10 * MIB + 128})],
                        [self.array(), ("b.npy", deflated, {"method": 8, "size": 0xffffffff, "extra": huge})],
                        [self.array(), ("b.npy", noise(100), {"method": 99})],
                        [self.array(), ("b.npy", noise(100), {"flags": 1})],
                        [self.array(), ("inner.npz", zip_of([("x.npz", inner, {})]), {})],
                        [self.array(crc=12345)]):  # a lie about the bytes, which come back as they are
            with self.subTest(entry=entries[-1][2]):
                self.make("a.npz", zip_of(entries))
                self.taken("a.npz", ["a"])


class PyTorch(Hostile):
    DATA = noise(400)

    def pickled(self, *pieces):
        """An archive of that data.pkl and one storage."""
        n = sum(len(p[0]) * p[1] if isinstance(p, tuple) else len(p) for p in pieces)
        first, second = local_header("m/data.pkl", n), local_header("m/data/0", len(self.DATA)) + self.DATA
        directory = central_header("m/data.pkl", 0, n) + central_header("m/data/0", len(first) + n, len(self.DATA))
        self.make("a.pt", first, *pieces, second, directory, end_record(2, len(directory), len(first) + n + len(second)))

    def test_pickles(self):
        for pieces in ([(b"(", 40_000_000)], [b"\x80\2", (b"]", 4_000_000)], [b"}", (b"2", 4_000_000)], [(b"K\1\x85", 12_000_000)],
                       [b"K\1", (b"\x85", 40_000_000)], [b"(", (b"K\1", 20_000_000), b"t"], [b"]", (b"q\0h\0", 10_000_000)],
                       [b"".join(b"Nr" + struct.pack("<I", i) for i in range(2_000_000))],
                       [b"".join(b"}r" + struct.pack("<I", i) + b"K\1h\0s" for i in range(1_000_000))],
                       [b"X\xff\xff\xff\xff"], [b"\x8d" + u64(1 << 63)], [b"\x8b\xff\xff\xff\x7f"], [b"\x95" + u64((1 << 64) - 1)],
                       [b"r\xff\xff\xff\xff" * 2], [b"c", (b"a", 4_000_000)], [b"cos\nsystem\nX\4\0\0\0trueR."],
                       [b"S'", (b"\\", 4_000_000)], [(b"]\x94", 2_000_000)], [b"L", (b"9", 4_000_000), b"L\n"]):
            with self.subTest(begins=pieces[0][:20]):
                self.pickled(*pieces)
                self.taken("a.pt", ["0"])

    def test_long_names(self):
        # A path of 30 keys of 64 KiB has 2 MiB, for each of 40 tensors: they go by their storages' keys instead.
        leaf = {f"t{i}": Tensor(Storage("FloatStorage", str(i), 6), (6,)) for i in range(40)}
        for _ in range(30):
            leaf = {"k" * 65535: leaf}
        self.make("a.pt", pt(leaf, {str(i): b"x" * 24 for i in range(40)}))
        self.taken("a.pt", [str(i) for i in range(40)])

    def test_storages_that_lie(self):
        for elements, shape in ((1 << 62, (1 << 62,)), (100, (1 << 31, 1 << 31)), (7, (100,)), (0, (0, 1 << 62))):
            with self.subTest(elements=elements):
                self.make("a.pt", pt({"w": Tensor(Storage("FloatStorage", "0", elements), shape)}, {"0": self.DATA}))
                self.taken("a.pt")


class Gguf(Hostile):
    def made(self, tensors, keys, *pieces, size=None):
        self.make("a.gguf", b"GGUF\3\0\0\0", u64(tensors, keys), *pieces, size=size)
        return "a.gguf"

    def test_counts(self):
        for count in (1 << 63, (1 << 64) - 1, 1 << 32):
            self.refused(self.made(count, 0), "tensor count: more than the file can hold")
            self.refused(self.made(0, count), "key count: more than the file can hold")
        # Zeros are tensors without a name, keys without a name, empty strings.
        self.refused(self.made(4_000_000, 0, size=200 * MIB), "GGUF: ")
        self.refused(self.made(2, 10_000_000, size=140 * MIB), "'' twice")
        self.refused(self.made(1, (1 << 24) + 1, size=300 * MIB), "2^24 items")
        self.refused(self.made(1, 1, u64(1), b"k" + struct.pack("<II", 9, 8), u64(1 << 24), size=300 * MIB), "2^24 items")
        self.refused(self.made(2, 1, u64(1), b"k" + struct.pack("<II", 9, 0), u64(299 << 20), size=300 * MIB), "'' twice")

    def test_strings_and_arrays(self):
        def key(*pieces):
            return self.made(0, 1, u64(1), b"k", *pieces)
        huge = (1 << 63, (1 << 64) - 1, 1 << 40)
        for n in huge:
            self.refused(self.made(0, 1, u64(n), b"k" * 20), "key: longer than")
            self.refused(key(struct.pack("<I", 8), u64(n)), "longer than the file")
            for kind in (0, 8, 10):
                self.refused(key(struct.pack("<II", 9, kind), u64(n), b"x" * 20), "array: longer than the file")
            self.refused(self.made(1, 0, u64(n), b"x" * 24), "name: longer than")
        self.refused(key(struct.pack("<I", 9), (struct.pack("<IQ", 9, 1), 100)), "nested more than 4")
        self.refused(self.made(1, 1, u64(1), b"k" + struct.pack("<II", 9, 9), u64(10_000_000),
                               (struct.pack("<IQ", 0, 0), 10_000_000)), "cut short")

    def test_tensors(self):
        def tensors(*each):
            return self.made(len(each), 0, b"".join(
                u64(1) + b"w" + struct.pack("<I", len(dims)) + u64(*dims) + struct.pack("<IQ", 0, at) for dims, at in each), bytes(99))
        for says, each in (("more than 8 dimensions", ((1,) * 9, 0)), ("above 2^63", ((1 << 64) - 1,)), ("above 2^64", (1 << 63,)),
                           ("above 2^64", (1 << 32, 1 << 32))):
            dims = each[0] if isinstance(each[0], tuple) else each
            self.refused(tensors((dims, 0)), says)
        self.refused(tensors(((1,), (1 << 64) - 32)), "GGUF: tensor 'w': ")
        self.refused(tensors(((1 << 20,), 0)), "offset: ends at")
        self.refused(tensors(((4,), 0), ((4,), 32)), "'w' twice")


class Shards(Hostile):
    def index(self, *pieces, size=None):
        self.make("m.safetensors.index.json", *pieces, size=size)
        return ["compress", "-T1", "m.safetensors.index.json", "-o", "out.grz"]

    def test_indexes_of_100_mb(self):
        entry = b'"t%07d":"%s",'
        one = b"".join(entry % (i, b"m-1.safetensors") for i in range(HUGE // 30))
        many = b"".join(entry % (i, b"m-%07d.safetensors" % i) for i in range(120_000))
        for says, pieces in (("'m-1.safetensors' is not there", [b'{"weight_map":{', one[:-1], b"}}"]),
                             ("more than 100000 files", [b'{"weight_map":{', many[:-1], b"}}"]),
                             ("a string of more than 8 MiB", [b'{"weight_map":{"', (b"a", HUGE), b'":"a"}}']),
                             ("is no name of a file", [b'{"weight_map":{"w":"', (b"a", 8_000_000), b'"}}']),
                             ("nested more than 64", [b'{"a":', (b"[", HUGE)]),
                             ("not valid JSON", [(b" ", HUGE), b"!"]), ("longer than 256 MiB", [b"{"])):
            with self.subTest(says=says):
                self.one_error(self.index(*pieces, size=(256 << 20) + 1 if pieces == [b"{"] else None), says)
        self.assertEqual(self.names(), ["m.safetensors.index.json"])

    def test_names(self):
        self.write("folder/x.safetensors", checkpoint([("w", "U8", [4], b"abcd")]))
        for name in ("../x", "/etc/passwd", "..", ".", "", "a\0b", "folder/x.safetensors", "./x", "x" * 256):
            with self.subTest(name=name):
                self.one_error(self.index(json.dumps({"weight_map": {"w": name}}).encode()), "is no name of a file")
        for name in ("folder", "missing.safetensors"):
            self.one_error(self.index(json.dumps({"weight_map": {"w": name}}).encode()), "is not there")


class Errors(Hostile):
    """compare and --dtype."""

    def test_large_tensors(self):
        for name, dtype, width in (("a.safetensors", "F32", 4), ("b.safetensors", "BF16", 2)):
            head = checkpoint([("w", dtype, [80_000_000], b"")]).replace(b"[0, 0]", b"[0, %d]" % (80_000_000 * width))
            head = struct.pack("<Q", len(head) - 8) + head[8:]
            self.make(name, head, size=len(head) + 80_000_000 * width)
        out, errors, _, peak = self.measured("compare", "-T2", "a.safetensors", "b.safetensors")
        self.assertEqual(errors, [])
        self.assertIn(b"[80000000]", out)
        self.cheap(0, peak)

    def test_headers(self):
        self.write("good.safetensors", checkpoint([("w", "U8", [4], b"abcd")]))
        entry = b'"t%07d":{"dtype":"F32","shape":[0],"data_offsets":[0,0]},'
        tensors = b"".join(entry % i for i in range(HUGE // len(entry % 0)))
        for says, pieces in (("1024 dimensions", [b'{"w":{"dtype":"F32","shape":[1', (b",1", HUGE // 2 - 99), b"]}}"]),
                             ("more than 32 MiB to describe", [b"{", tensors, b'"":{}}'])):
            self.make("bad.safetensors", u64(sum(len(p[0]) * p[1] if isinstance(p, tuple) else len(p) for p in pieces)), *pieces)
            for pair in (("good.safetensors", "bad.safetensors"), ("bad.safetensors", "good.safetensors")):
                self.one_error(["compare", *pair], "bad.safetensors: safetensors header: ")
                self.one_error(["compare", *pair], says)

    def test_header_of_spaces(self):
        head = b'{"w":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}'
        self.make("m.safetensors", u64(HUGE), head, (b" ", HUGE - len(head) - 1), b"}", bytes(4))
        self.run_tool("compress", "-q", "m.safetensors", "-o", "m.grz")
        self.one_error(["decompress", "-T1", "m.grz", "--dtype", "f16", "-o", "out"], "a header of more than 16 MiB; leave --dtype out")
        self.assertEqual(self.names(), ["m.grz", "m.safetensors"])


if __name__ == "__main__":
    main()
