# SPDX-License-Identifier: Apache-2.0
"""Models whose strings, classes or codes break one rule of section 10 of docs/format.md."""
from collections.abc import Iterator
from copy import deepcopy
from typing import NamedTuple

from model_random import even_lengths, listed, plain_spec
from model_writer import Spec, items, raw, write_model

PARTS = [(97, 98), (98, 97, 99), (256, 257), (257, 97)]  # ab, bac, abbac, baca
TEXT = b"abacabba ccab acb bca"
BASE = plain_spec(PARTS, TEXT)


class Case(NamedTuple):
    name: str
    words: str  # an expression that the reference's error matches
    model: bytes


def changed(**fields) -> Spec:
    """The base with some fields replaced."""
    spec = deepcopy(BASE)
    for name, value in fields.items():
        setattr(spec, name, value)
    return spec


def plus(lengths: list[int], index: int, step: int) -> list[int]:
    return [length + step * (i == index) for i, length in enumerate(lengths)]


# ---- items 1 to 3 ----

def ring(size: int) -> list[tuple[int, ...]]:
    return [(97 + i, 256 + (i + 1) % size) for i in range(size)]


def dictionaries() -> Iterator[Case]:
    a, b = 97, 98
    for name, words, parts in (
            ("string-in-itself", "contains itself", [(a, 256)]),
            ("strings-in-a-ring-of-2", "contains itself", ring(2)),
            ("strings-in-a-ring-of-12", "contains itself", ring(12)),
            ("strings-in-a-ring-of-100", "contains itself", ring(100)),
            ("string-that-holds-a-ring", "contains itself", [(a, 257), (b, 258, 257), (99, 100)]),
            ("string-of-33-parts", "more than 32 bytes", [(a,) + (b,) * 32]),
            ("string-of-35-bytes", "more than 32 bytes", [(a,) * 17, (a, 256, 256)]),
            ("string-doubled-40-times", "more than 32 bytes",
             [(a, a)] + [(256 + i, 256 + i) for i in range(40)]),
            ("strings-nested-32-deep", "more than 32 bytes",
             [(a, b)] + [(b + i, 256 + i) for i in range(31)])):
        yield Case(name, words, write_model(plain_spec(parts, TEXT)))
    yield Case("strings-of-too-many-bytes", "bytes of strings", write_model(many_strings(32758)))


def many_strings(count: int) -> Spec:
    """`count` strings of 32 bytes and one of 16; 2^20 - 320 bytes have room for 32757 of them."""
    spec = Spec([(97,) * 16] + [(256, 256)] * count)
    spec.part_lengths = listed({97: 1, 256: 1}, spec.v)
    spec.popularity = listed({97: 1}, spec.n)
    spec.global_lengths = listed({s: 8 for s in range(256)}, spec.n)
    spec.class_of = [0] * spec.n
    spec.classes = [{97: 1, spec.n: 1}]
    spec.distance_lengths = [listed({1: 1, 2: 1}, 50)] * 4
    return spec


def first_parts() -> Iterator[Case]:
    body = items(BASE)  # two items for the children of each symbol from 0 on
    for name, count in (("children-beyond-n", [("A", 0, 5), ""]),
                        ("children-of-bucket-63", [("A", 0, 63), "1" * 29])):
        yield Case(name, "more than 4 strings", write_model(BASE, body=count + body[2:]))
    one = plain_spec([(97, 98)], TEXT)
    none = [("A", 0, 0), ""] * 256
    yield Case("children-of-a-string-to-come", "symbol 256 has children", write_model(
        one, body=none + [("A", 8, 1), ""] + items(one)[2 * 98:]))


# ---- codes ----

def kraft_sums() -> Iterator[Case]:
    clas, distance = BASE.classes[0], BASE.distance_lengths
    for name, step in (("over", -1), ("under", 1)):
        for what, words, fields in (
                ("parts", "code of parts", {"part_lengths": plus(BASE.part_lengths, 97, step)}),
                ("global", "global table", {"global_lengths": plus(BASE.global_lengths, 97, step)}),
                ("class", "class 0: Kraft", {"classes": [clas | {97: clas[97] + step}]}),
                ("escape", "class 0: Kraft", {"classes": [clas | {BASE.n: clas[BASE.n] + step}]}),
                ("distance", "distance code 2: Kraft", {
                    "distance_lengths": distance[:2] + [plus(distance[2], 20, step)] + distance[3:]})):
            yield Case(f"kraft-{what}-{name}", words, write_model(changed(**fields)))
    for name, lengths in (("one-code", {98: 1}), ("no-code", {})):
        yield Case(f"parts-{name}", "code of parts", write_model(
            changed(part_lengths=listed(lengths, BASE.v))))


def lengths_of_codes() -> Iterator[Case]:
    n = BASE.n
    without = even_lengths(range(n - 1), n - 1)
    yield Case("global-no-code-for-a-byte", "byte 200 has no global code", write_model(
        changed(global_lengths=without[:200] + [0] + without[200:])))
    # One code of 9 bits becomes a chain of codes of 10 to 19 bits.
    chain = even_lengths(range(n - 10), n - 10)[:-1] + [*range(10, 20), 19]
    yield Case("global-length-19", "global code length 19", write_model(changed(global_lengths=chain)))
    deep = dict(zip([n, *range(256, 272)], [*range(1, 17), 16]))
    for name, lengths in (("over", deep | {32: 16}), ("under", {s: k for s, k in deep.items() if s != 271})):
        yield Case(f"kraft-class-16-bits-{name}", "class 0: Kraft", write_model(changed(classes=[lengths])))
    for name, words, lengths in (
            ("length-11", "code 1: code length 11", {b: b for b in range(1, 12)} | {12: 11}),
            ("bucket-0", "code 1: bucket 0", {0: 1, 1: 1}),
            ("one-code", "code 1: Kraft", {5: 1}),
            ("no-code", "code 1: Kraft", {})):
        distance = BASE.distance_lengths[:1] + [listed(lengths, 50)] + BASE.distance_lengths[2:]
        yield Case(f"distance-{name}", words, write_model(changed(distance_lengths=distance)))


# ---- classes ----

def classes() -> Iterator[Case]:
    for wrong in (2, 127):
        yield Case(f"class-{wrong}-of-2", f"is in class {wrong} of 2", write_model(changed(
            classes=BASE.classes * 2, class_of=plus(BASE.class_of, 300, wrong))))
    yield Case("class-without-symbols", "class 1: has no symbol", write_model(
        changed(classes=[BASE.classes[0], {BASE.n: 1}])))
    for value in (21, 31):
        yield Case(f"popularity-{value}", f"the popularity {value}", write_model(
            changed(popularity=plus(BASE.popularity, 33, value))))

    nothing = changed(popularity=[0] * BASE.n)
    body = items(nothing)
    at = body.index(raw(16, 0))
    yield Case("no-popularity-at-all", "no symbol of rank 0", write_model(
        nothing, body=body[:at] + [raw(16, 1), body[at + 1], ("G", 0, 0), ""] + body[at + 2:]))

    body = items(BASE)
    gaps = [i for i, item in enumerate(body) if item[:1] == ("G",)]
    for name, at, m, bits in (("by-one", gaps[-1], 1, "0"), ("by-2-31", gaps[0], 31, "1" * 31),
                              ("by-2-16", gaps[3], 16, "0" * 16)):
        yield Case(f"gap-beyond-the-last-rank-{name}", "no symbol of rank", write_model(
            BASE, body=body[:at] + [("G", body[at][1], m), bits] + body[at + 2:]))


def wide_cases() -> Iterator[Case]:
    """Slow: the reference reads two million codes before it refuses."""
    for count in (31, 128):  # the tables of 31 classes have room, but not with the global one
        yield Case(f"tables-of-{count}-classes-above-2-21-entries", r"more than 2\^21 entries",
                   wide_tables(count))


def wide_tables(count: int) -> bytes:
    """As many strings as a model may have and classes whose codes are all of 16 bits: each has a table
    of 257 x 256 entries, and so has the global table."""
    spec = plain_spec([(97, 97)] * 65140)
    spec.part_lengths = listed({97: 1, 98: 1}, spec.v)
    spec.popularity = [5] * spec.n
    spec.global_lengths = [16] * spec.n
    spec.classes = [dict.fromkeys([*range(spec.n - 1), spec.n], 16)]
    body = items(spec)
    head = raw(16, 65535)
    at = body.index(head)  # behind it all that the class says takes no bits: its tables have one symbol
    spec.classes *= count
    kinds = [("F", 97, 0)] * (count > 1)
    return write_model(spec, body=body[:at] + kinds + [head, raw(4, 15)] * (count - 1) + body[at:])


def all_cases() -> Iterator[Case]:
    for cases in (dictionaries, first_parts, kraft_sums, lengths_of_codes, classes):
        yield from cases()
