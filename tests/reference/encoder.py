# SPDX-License-Identifier: Apache-2.0
"""A minimal encoder of the gramzip archive format, for the tests of the decoder.

It follows the rules for writers in docs/format.md. It shares no code with the decoder but XXH3.
"""
from collections import Counter, namedtuple
from struct import pack

from xxh3 import xxh3_64, xxh3_128

Element = namedtuple("Element", "codec width symbol_bits block_log2")
ELEMENTS = [
    Element(1, 8, 8, 16), Element(1, 8, 8, 18),     # bytes, text
    Element(2, 16, 8, 17), Element(2, 16, 8, 17),   # BF16, F16
    Element(2, 32, 8, 17), Element(2, 64, 11, 17),  # F32, F64
    Element(2, 8, 7, 17), Element(2, 8, 7, 17),     # F8_E4M3, F8_E5M2
    Element(7, 16, 8, 17), Element(7, 32, 8, 17),   # I16, I32
    Element(7, 64, 8, 17),                          # I64
]
BYTES, TEXT, BF16, F16, F32, F64, F8_E4M3, F8_E5M2, I16, I32, I64 = range(11)
PLANES = 7
BYTE_OF_A_PLANE = Element(PLANES, 8, 8, None)
RAW, CODED, CONSTANT, REPEAT = range(4)


def padded(data, unit):
    return data + bytes(-len(data) % unit)


# ---- code tables ----

def package_merge(counts, limit):
    """{symbol: code length} from {symbol: count}."""
    if len(counts) < 2:
        return {symbol: 0 for symbol in counts}
    singles = [(count, (symbol,)) for count, symbol in sorted((c, s) for s, c in counts.items())]
    items = singles
    for _ in range(limit - 1):
        packages = [(a[0] + b[0], a[1] + b[1]) for a, b in zip(items[::2], items[1::2])]
        items = sorted(singles + packages, key=lambda item: item[0])  # stable: symbols first
    chosen = items[:2 * len(counts) - 2]
    return dict(Counter(symbol for _, symbols in chosen for symbol in symbols))


def table_bytes(lengths):
    if not lengths:
        return bytes(4)
    first, last = min(lengths), max(lengths)
    nibbles = [lengths.get(symbol, 0) for symbol in range(first, last + 1)]
    if len(nibbles) % 2:
        nibbles.append(0)
    packed = bytes(low | high << 4 for low, high in zip(nibbles[::2], nibbles[1::2]))
    return padded(pack("<HH", first, last - first + 1) + packed, 4)


def code_strings(lengths):
    """{symbol: its code as text of 0 and 1, first bit first}"""
    codes, code, last = {}, -1, 0
    for length, symbol in sorted((n, s) for s, n in lengths.items()):
        code = (code + 1) << length - last
        last = length
        codes[symbol] = f"{code:0{length}b}" if length else ""
    return codes


# ---- blocks ----

def bit_string(fields, width):
    """Fields of one width as the bytes of a bit string."""
    text = "".join(f"{field:0{width}b}" for field in reversed(fields)) if width else ""
    return int(text or "0", 2).to_bytes((len(text) + 7) // 8, "little")


def split(data, element):
    """(symbols, raw values) of the elements of data."""
    size = element.width // 8
    values = [int.from_bytes(data[i:i + size], "little") for i in range(0, len(data), size)]
    if element.codec in (1, PLANES):
        return values, []
    low = element.width - element.symbol_bits - 1
    symbols = [value >> low & (1 << element.symbol_bits) - 1 for value in values]
    return symbols, [value >> element.width - 1 << low | value & (1 << low) - 1 for value in values]


def split_exact(data, element, exact):
    """The same with exact values, which have no raw value."""
    symbols, raws = split(data, element)
    size = element.width // 8
    for j in range(len(symbols) if exact else 0):
        value = int.from_bytes(data[j * size:(j + 1) * size], "little")
        if value in exact:
            symbols[j], raws[j] = (1 << element.symbol_bits) + exact.index(value), None
    return symbols, raws


def lane_of(j, n, codec):
    return j // 8 % 32 if codec != 1 else j // (-(-n // 512) * 16)


def coded_block(data, element, ids, codes):
    """A coded block; ids are the table numbers of its runs."""
    symbols, raws = split(data, element)
    n = len(symbols)
    texts = [[] for _ in range(32)]
    for j, symbol in enumerate(symbols):
        texts[lane_of(j, n, element.codec)].append(codes[ids[j // 256]][symbol])
    return (padded(bit_string(raws, element.width - element.symbol_bits), 32)
            + padded(bit_string(ids, (len(codes) - 1).bit_length()), 32)
            + packed_lanes(["".join(text) for text in texts]))


def exact_block(data, element, ids, codes, exact):
    """A coded block of exact floats."""
    symbols, raws = split_exact(data, element, exact)
    texts = [[] for _ in range(32)]
    for j, (symbol, raw) in enumerate(zip(symbols, raws)):
        text = codes[ids[j // 256]][symbol]
        if raw is not None:
            text += f"{raw:0{element.width - element.symbol_bits}b}"[::-1]
        texts[lane_of(j, len(symbols), 4)].append(text)
    return (padded(bit_string(ids, (len(codes) - 1).bit_length()), 32)
            + packed_lanes(["".join(text) for text in texts]))


def packed_lanes(texts):
    """Lane header, rows and tails of 32 lanes, each as text of 0 and 1."""
    lanes = list(map(lane_words, texts))
    rows = min(map(len, lanes))
    extras = [len(lane) - rows for lane in lanes]
    bits = max(extras).bit_length()
    planes = [sum((extra >> k & 1) << l for l, extra in enumerate(extras)) for k in range(bits)]
    head = pack("<I", rows | bits << 24) + pack(f"<{bits}I", *planes)
    body = [lane[r] for r in range(rows) for lane in lanes] + [w for lane in lanes for w in lane[rows:]]
    return padded(head, 32) + pack(f"<{len(body)}I", *body)


def lane_words(text):
    return [int(text[i:i + 32][::-1], 2) for i in range(0, len(text), 32)]


def in_planes(block, size, period):
    """A block of elements of so many bytes in the order of its planes."""
    elements = [block[at:at + size] for at in range(0, len(block), size)]
    return b"".join(b"".join(elements[plane::period]) for plane in range(period))


def segment_section(content, element_type=BYTES, block_log2=None, tables=1, table_of=None, period=0,
                    symbol_bits=None, exact=()):
    """(meta, data) of a segment. table_of(block, run) gives the table number of a run. period: of
    planes of bytes, or of floats. `exact` are the values of codec 4."""
    element = ELEMENTS[element_type]
    if symbol_bits:
        element = element._replace(symbol_bits=symbol_bits)
    codec = 4 if exact else element.codec
    block_log2 = block_log2 or element.block_log2
    size = element.width // 8
    ordered = lambda block: block
    if element.codec == 2 and period:
        ordered = lambda block: in_planes(block, size, period)
    elif period or element.codec == PLANES:
        element, period = BYTE_OF_A_PLANE, period or size
        ordered = lambda block: in_planes(block, 1, period)
    table_of = table_of or (lambda block, run: 0)
    blocks = [content[i:i + (1 << block_log2)] for i in range(0, len(content), 1 << block_log2)]
    modes = []  # of each block (mode, payload); None where the payload is to be coded or raw
    for number, block in enumerate(blocks):
        if block == block[:size] * (len(block) // size):
            modes.append((CONSTANT, block[:size]))
        elif block in blocks[:number]:
            modes.append((REPEAT, pack("<I", blocks.index(block))))
        else:
            modes.append(None)

    counts = [Counter() for _ in range(tables)]
    ids = [[table_of(number, run) for run in range(-(-len(block) // (element.width // 8) // 256))]
           for number, block in enumerate(blocks)]
    for number, block in enumerate(blocks):
        if modes[number] is None:
            for j, symbol in enumerate(split_exact(ordered(block), element, exact)[0]):
                counts[ids[number][j // 256]][symbol] += 1
    longest = 11 if element.codec == 1 else 12
    lengths = [package_merge(count, longest) for count in counts]
    codes = [code_strings(table) for table in lengths]
    for number, block in enumerate(blocks):
        if modes[number] is None:
            coded = (exact_block(block, element, ids[number], codes, exact) if exact
                     else coded_block(ordered(block), element, ids[number], codes))
            modes[number] = (CODED, coded) if len(coded) < len(block) else (RAW, block)

    if all(mode != CODED for mode, _ in modes):
        tables, lengths = 0, []
    values = b"".join(value.to_bytes(size, "little") for value in exact)
    packed = padded(values, 4) + b"".join(map(table_bytes, lengths))
    header = pack("<8BIIQQ16xHB13x", 4 if exact else element.codec, 0, element_type, block_log2, element.symbol_bits,
                  longest, tables, 8 if tables > 1 else 0, len(blocks), len(packed), len(content), 0, period, len(exact))
    records = b"".join(pack("<B3xIQQ", mode, len(coded), xxh3_64(coded), xxh3_64(block))
                       for (mode, coded), block in zip(modes, blocks))
    return (header + padded(packed, 8) + records, b"".join(padded(coded, 32) for _, coded in modes))


# ---- the archive ----

def hash_128(data):
    return xxh3_128(data).to_bytes(16, "little")


def sealed(data):
    return data + pack("<Q", xxh3_64(data))


def section(kind, ordinal, content_offset, meta, data=b""):
    head = sealed(pack("<4sB3xQQQQQQ", b"GZS\x01", kind, ordinal, len(meta), len(data),
                       content_offset, xxh3_64(meta), 0))
    return padded(padded(head + meta, 32) + data, 128)


def member_record(start, mode, kind, name):
    return padded(pack("<QIBBH", start, mode, kind, 0, len(name)) + name, 8)


def reference_meta(content, at, of_base=False, element_type=BYTES):
    """The meta of a segment of codec 6."""
    return pack("<BBB13xQQ16s3xB12x", 6, 0, element_type, len(content), at, hash_128(content), of_base)


def encode(members, segments=None, content=None):
    """An archive. members: (name, mode, kind, content); segments: (size, options of
    segment_section), or None for one segment of text. `content` belies the members."""
    content = b"".join(member[3] for member in members) if content is None else content
    if segments is None:
        segments = [(len(content), {"element_type": TEXT})] if content else []
    parts = []
    at = 0
    for size, options in segments:
        parts.append((2, size, *segment_section(content[at:at + size], **options)))
        at += size
    return assemble(members, parts, content)


def assemble(members, parts, content, features=0, window=0, base=None):
    """An archive of a members section, if there are members, and parts (type, bytes of content
    carried, meta, data)."""
    starts = [sum(len(member[3]) for member in members[:i]) for i in range(len(members))]
    if members:
        records = b"".join(member_record(start, mode, kind, name.encode())
                           for start, (name, mode, kind, _) in zip(starts, members))
        parts = [(1, 0, records, b"")] + parts
    of_base = b"" if base is None else hash_128(base) + pack("<Q", len(base))
    archive = sealed(pack("<8sHHIQ8x24s64x", b"\x89GRZ\r\n\x1a\n", 1, 0, features, window, of_base))
    entries = b""
    offset = 0
    for ordinal, (kind, carried, meta, data) in enumerate(parts):
        packed = section(kind, ordinal, offset, meta, data)
        entries += pack("<QQQQ", len(archive), len(packed), offset, carried) + packed[56:64]
        entries += pack("<B7x", kind)
        archive += packed
        offset += carried
    assert offset == len(content)
    index = pack("<QQ", len(parts), len(members)) + entries + b"".join(
        pack("<QQ", start, len(member[3])) + hash_128(member[3])
        for start, member in zip(starts, members))
    index_at = len(archive)
    archive += section(3, len(parts), len(content), index)
    return archive + sealed(pack("<8sQQQ", b"GRZEND\r\n", index_at, len(archive) + 128, len(content))
                            + hash_128(content) + hash_128(index) + bytes(56))
