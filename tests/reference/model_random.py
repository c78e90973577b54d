# SPDX-License-Identifier: Apache-2.0
"""Random models that keep all rules, for forged archives."""
import random
from collections.abc import Iterable

from model_writer import Spec

MAX_STRING = 32


def random_lengths(rng: random.Random, symbols: Iterable[int], limit: int, deep: bool) -> dict[int, int]:
    """{symbol: length} of a complete code; deep ones have codes of the length `limit`."""
    symbols = list(symbols)
    leaves = [0]
    while len(leaves) < len(symbols):
        open_leaves = [i for i, depth in enumerate(leaves) if depth < limit]
        if deep and rng.random() < 0.7:
            chosen = max(open_leaves, key=lambda i: leaves[i])
        else:
            chosen = min(rng.sample(open_leaves, min(4, len(open_leaves))), key=lambda i: leaves[i])
        leaves[chosen] += 1
        leaves.append(leaves[chosen])
    rng.shuffle(leaves)
    return dict(zip(symbols, leaves))


def random_parts(rng: random.Random, n: int) -> list[tuple[int, ...]]:
    """Strings of parts, numbered by their first parts; parts may have higher numbers."""
    children: list[int] = []  # the first part of each string
    letters = rng.sample(range(256), min(256, rng.randint(1, 60)))
    fertile = sorted(letters) if rng.random() < 0.8 else [rng.randrange(256)]
    share = rng.uniform(0.3, 0.9)
    for symbol in fertile:
        children += [symbol] * min(n - len(children), max(1, int(n * share / len(fertile))))
    symbol = 256
    while len(children) < n:
        last = symbol == 255 + len(children)  # no string behind it has a first part yet
        children += [symbol] * min(n - len(children), max(last, rng.choice((0, 0, 1, 2, 3, 9))))
        symbol += 1
    below = [0] * n  # the longest chain of first parts that starts with a string
    for number in reversed(range(n)):
        if children[number] > 255:
            first = children[number] - 256
            below[first] = max(below[first], below[number] + 1)
    if n and max(below) > 20:
        return random_parts(rng, n)

    sizes = {letter: 1 for letter in letters} | {first: 1 for first in children if first < 256}
    parts: list[tuple[int, ...]] = [()] * n
    waiting = list(range(n))
    while waiting:
        number = rng.choice([i for i in waiting[:20] if children[i] in sizes])
        waiting.remove(number)
        string, size = [children[number]], sizes[children[number]]
        room = MAX_STRING - below[number]
        for _ in range(rng.choice((1, 1, 1, 2, 3, 31))):
            part = rng.choice([s for s in sizes if sizes[s] == 1]
                              if rng.random() < 0.5 else list(sizes))
            if size + sizes[part] <= room:
                string.append(part)
                size += sizes[part]
        if len(string) == 1:  # a chain of first parts always has room for one byte
            string.append(rng.choice([s for s in sizes if sizes[s] == 1]))
            size += 1
        parts[number] = tuple(string)
        sizes[256 + number] = size
    return parts


def listed(lengths: dict[int, int], size: int) -> list[int]:
    return [lengths.get(symbol, 0) for symbol in range(size)]


def random_spec(rng: random.Random, strings: int, classes: int, deep: bool) -> Spec:
    """A random valid model."""
    spec = Spec(random_parts(rng, strings))
    if strings:
        used = {part for parts in spec.parts for part in parts[1:]}
        used |= set(rng.sample(range(spec.v), 2 + rng.randrange(20)))
        spec.part_lengths = listed(random_lengths(rng, sorted(used), 15, deep), spec.v)
    rare = rng.choice((0.0, 0.2, 0.7))
    spec.popularity = [0 if rng.random() < rare else rng.randint(1, 20) for _ in range(spec.n)]
    spec.popularity[rng.randrange(spec.n)] = 1
    others = [s for s in range(256, spec.n) if rng.random() < rng.choice((0.5, 1))]
    spec.global_lengths = listed(random_lengths(rng, [*range(256), *others], 18, deep), spec.n)
    spec.class_of = [rng.randrange(classes) if spec.popularity[s] else 0 for s in range(spec.n)]
    ranks = spec.ranks()
    for _ in range(classes):
        size = rng.randint(1, len(ranks)) if rng.random() < 0.9 else 1
        chosen = rng.sample(ranks, size)
        spec.classes.append(random_lengths(rng, chosen + [spec.n], 16, deep))
    for _ in range(4):
        buckets = rng.sample(range(1, 50), rng.randint(2, 49))
        spec.distance_lengths.append(listed(random_lengths(rng, buckets, 10, deep), 50))
    return spec


def plain_spec(parts: list[tuple[int, ...]], text: bytes = b"") -> Spec:
    """A small model for hand-made tests: one class that codes the bytes of the text, the strings and
    all matches; popularity 5 for those, 0 for other bytes."""
    spec = Spec(parts)
    used = dict.fromkeys([*sorted(set(text)), *range(256, spec.n)])
    spec.part_lengths = even_lengths(range(spec.v), spec.v) if parts else []
    spec.popularity = [5 if s in used else 0 for s in range(spec.n)]
    spec.global_lengths = even_lengths(range(spec.n), spec.n)
    spec.class_of = [0] * spec.n
    lengths = even_lengths([*used, spec.n], spec.n + 1)
    spec.classes = [{s: lengths[s] for s in [*used, spec.n]}]
    spec.distance_lengths = [even_lengths(range(1, 50), 50) for _ in range(4)]
    return spec


def even_lengths(symbols: Iterable[int], size: int) -> list[int]:
    """A complete code with lengths that differ by at most one, the lower symbols having the shorter."""
    symbols = list(symbols)
    short = (len(symbols) - 1).bit_length() - 1
    longer = 2 * (len(symbols) - (1 << short))
    lengths = {s: short + (i >= len(symbols) - longer) for i, s in enumerate(symbols)}
    return listed(lengths, size)

