# SPDX-License-Identifier: Apache-2.0
"""Models whose header, streams or end of the body break one rule of section 10 of docs/format.md."""
from collections.abc import Iterator
from struct import pack, unpack_from

from forge_model import BASE, Case
from model_writer import CONTEXTS, items, write_model


def written(data: bytes, *edits: tuple[int, bytes]) -> bytes:
    """The data with (place, bytes) written over it."""
    out = bytearray(data)
    for at, piece in edits:
        out[at:at + len(piece)] = piece
    return bytes(out)


# ---- header and body ----

def headers() -> Iterator[Case]:
    model = write_model(BASE)
    stream_bytes, body_bits = (unpack_from("<I", model, at)[0] for at in (12, 24))
    for name, words, at, data in (
            ("magic", "magic of the model", 3, b"\2"),
            ("65141-strings", "65141 strings", 4, pack("<I", 65141)),
            ("2-32-strings", "4294967295 strings", 4, pack("<I", (1 << 32) - 1)),
            ("no-class", "0 classes", 8, b"\0"),
            ("129-classes", "129 classes", 8, b"\x81"),
            ("zero-at-10", "zero field of the model", 10, b"\1"),
            ("zero-at-28", "zero field of the model", 28, b"\1"),
            ("zero-at-63", "zero field of the model", 63, b"\x80"),
            ("body-bits-8-more", "size of the model", 24, pack("<I", body_bits + 8)),
            ("body-bits-2-32", "size of the model", 24, pack("<I", (1 << 32) - 1)),
            ("stream-bytes-4-more", "size of the model", 12, pack("<I", stream_bytes + 4)),
            ("stream-bytes-2-32", "size of the model", 12, pack("<I", (1 << 32) - 4))):
        yield Case(f"model-{name}", words, written(model, (at, data)))
    for name, step, words in (("4-less", -4, "truncated"), ("1-more", 1, "streams end at"),
                              ("4-more", 4, "streams end at")):
        sizes = (12, pack("<I", stream_bytes + step)), (24, pack("<I", body_bits - 8 * step))
        yield Case(f"streams-{name}-body-as-much-less", words, written(model, *sizes))
    yield Case("model-byte-behind", "size of the model", model + b"\0")
    yield Case("model-truncated", "size of the model", model[:-1])
    yield Case("model-63-bytes", "truncated", model[:63])
    yield Case("model-header-only", "size of the model", model[:64])
    yield Case("model-empty", "truncated", b"")
    big = pack("<I", 8 * ((4 << 20) + 1 - 64 - stream_bytes))
    yield Case("model-above-4-mib", "a model of 4194305 bytes",
               (written(model, (24, big)) + bytes(4 << 20))[:(4 << 20) + 1])


def bodies() -> Iterator[Case]:
    for name, bits in (("1-bit", "0"), ("1-set-bit", "1"), ("8-bits", "0" * 8), ("40-bits", "0" * 40)):
        yield Case(f"body-{name}-left", "bits of the body are left", write_model(BASE, behind=bits))
    body = items(BASE)
    for cut in (1, 150, 700):
        yield Case(f"body-{cut}-items-short", "the body ends too early",
                   write_model(BASE, body=body[:-cut]))
    model = write_model(BASE)
    assert unpack_from("<I", model, 24)[0] % 8
    yield Case("body-unused-bit-set", "unused bits", model[:-1] + bytes([model[-1] | 0x80]))


# ---- streams ----

def streams(model: bytes) -> dict[str, tuple[int, int]]:
    """{name: (start, end)} of the streams of a model whose streams have one group each."""
    spans, at = {}, 64
    for name in CONTEXTS:
        count, = unpack_from("<H", model, at + 6)
        end = at + 4 + (4 + (count + 1) // 2 + 3) // 4 * 4
        spans[name] = at, end
        at = end
    return spans


def with_stream(model: bytes, name: str, stream: bytes) -> bytes:
    """The model with another stream in the place of one."""
    start, end = streams(model)[name]
    size = unpack_from("<I", model, 12)[0] + len(stream) - (end - start)
    return written(model[:start] + stream + model[end:], (12, pack("<I", size)))


def stream_faults() -> Iterator[Case]:
    model = write_model(BASE)
    for name, contexts in CONTEXTS.items():
        start, end = streams(model)[name]
        table = model[start + 4:end]
        for what, words, stream in (
                ("no-group", "0 groups", b"\0" + model[start + 1:end]),
                ("17-groups", "17 groups", b"\x11" + model[start + 1:end]),
                ("zero-at-1", "zero field", written(model[start:end], (1, b"\1"))),
                ("zero-at-3", "zero field", written(model[start:end], (3, b"\1"))),
                ("beyond-the-alphabet", "beyond the alphabet", written(model[start:end], (5, b"\xff"))),
                ("group-2-of-2", "the map names group 2", grouped(contexts, table, first=2)),
                ("empty-table", "codes nothing", grouped(contexts, table, every=1)),
                ("too-few-tables", f"stream {name}|table|truncated|groups|streams end",
                 b"\2\0\0\0" + bytes(-(-contexts // 8) * 4) + table)):
            if (name, what) == ("F", "empty-table"):
                continue  # one class: the stream is not used, so this is no fault
            yield Case(f"stream-{name}-{what}", words, with_stream(model, name, stream))
    start, end = streams(model)["B"]
    padding = grouped(4, model[start + 4:end])
    for at in (6, 7):
        yield Case(f"stream-B-map-padding-at-{at}", "padding behind the map",
                   with_stream(model, "B", written(padding, (at, b"\x10"))))
    for what, words, table in (
            ("kraft-over", "Kraft sum", b"\0\0\3\0\x11\1\0\0"),
            ("kraft-under", "Kraft sum", b"\0\0\3\0\x22\2\0\0"),
            ("13-bits", "a code is too long", b"\0\0\x0e\0\x21\x43\x65\x87\xa9\xcb\xdd\0"),
            ("last-nibble", "odd last nibble", b"\0\0\3\0\x21\x12\0\0"),
            ("padding", "padding", b"\0\0\3\0\x21\2\1\0"),
            ("first-is-0", "first or last length is zero", b"\0\0\3\0\x10\2\0\0"),
            ("only-symbol-with-a-length", "an only symbol", b"\0\0\1\0\1\0\0\0"),
            ("empty-with-first", "first of an empty table", b"\1\0\0\0")):
        yield Case(f"stream-I-{what}", words, with_stream(model, "I", b"\1\0\0\0" + table))


def grouped(contexts: int, table: bytes, first: int = 0, every: int = 0) -> bytes:
    """A stream of two groups, the second of which codes nothing; the group of the first context
    and of every one."""
    nibbles = [every or first] + [every] * (contexts - 1)
    packed = bytes(low | high << 4 for low, high in zip(nibbles[::2], nibbles[1::2]))
    return b"\2\0\0\0" + packed + bytes(-len(packed) % 4) + table + bytes(4)


def all_cases() -> Iterator[Case]:
    for cases in (headers, bodies, stream_faults):
        yield from cases()
