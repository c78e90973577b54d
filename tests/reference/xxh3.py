# SPDX-License-Identifier: Apache-2.0
"""XXH3-64 and XXH3-128 of xxHash 0.8, seed 0, default secret, from the xxHash specification.

xxh3_64(data) and xxh3_128(data) return integers. The 128-bit value is (high << 64) | low,
so that its 32 hexadecimal digits are those that the tool xxh128sum prints.
"""
from operator import mul
from struct import unpack, unpack_from

M32 = (1 << 32) - 1
M64 = (1 << 64) - 1

P32_1, P32_2, P32_3 = 0x9E3779B1, 0x85EBCA77, 0xC2B2AE3D
P64_1, P64_2, P64_3 = 0x9E3779B185EBCA87, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9
P64_4, P64_5 = 0x85EBCA77C2B2AE63, 0x27D4EB2F165667C5
MX1, MX2 = 0x165667919E3779F9, 0x9FB21C651E98DF25

SECRET = bytes.fromhex(
    "b8fe6c3923a44bbe7c01812cf721ad1cded46de9839097db7240a4a4b7b3671f"
    "cb79e64eccc0e578825ad07dccff7221b8084674f743248ee03590e6813a264c"
    "3c2852bb91c300cb88d0658b1b532ea371644897a20df94e3819ef46a9deacd8"
    "a8fa763fe39c343ff9dcbbc7c70b4f1d8a51e04bcdb45931c89f7ec9d9787364"
    "eac5ac8334d3ebc3c581a0fffa1363eb170ddd51b7f0da49d316552629d4689e"
    "2b16be587d47a1fc8ff8b8d17ad031ce45cb3a8f95160428afd7fbcabb4b407e"
)
STRIPE = 64
BLOCK = 1024  # 16 stripes; stripe s is keyed with the secret from byte 8 * s
BLOCK_KEY = int.from_bytes(b"".join(SECRET[8 * s:8 * s + 64] for s in range(16)), "little")


def u32(data, at):
    return unpack_from("<I", data, at)[0]


def u64(data, at):
    return unpack_from("<Q", data, at)[0]


def secret64(at):
    return u64(SECRET, at)


def swap32(value):
    return int.from_bytes(value.to_bytes(4, "little"), "big")


def swap64(value):
    return int.from_bytes(value.to_bytes(8, "little"), "big")


def rotl64(value, n):
    return ((value << n) | (value >> (64 - n))) & M64


def fold(a, b):
    """The two halves of the 128-bit product, xored."""
    product = a * b
    return (product ^ (product >> 64)) & M64


def avalanche(h):
    h ^= h >> 37
    h = h * MX1 & M64
    return h ^ (h >> 32)


def avalanche_xxh64(h):
    h ^= h >> 33
    h = h * P64_2 & M64
    h ^= h >> 29
    h = h * P64_3 & M64
    return h ^ (h >> 32)


def combine_1_to_3(data):
    n = len(data)
    return data[0] << 16 | data[n >> 1] << 24 | data[n - 1] | n << 8


def mix16(data, at, key):
    """16 bytes of data with 16 bytes of the secret."""
    return fold(u64(data, at) ^ secret64(key), u64(data, at + 8) ^ secret64(key + 8))


# ---- inputs of at most 16 bytes ----

def short64(data):
    n = len(data)
    if n == 0:
        return avalanche_xxh64(secret64(56) ^ secret64(64))
    if n <= 3:
        return avalanche_xxh64(combine_1_to_3(data) ^ u32(SECRET, 0) ^ u32(SECRET, 4))
    if n <= 8:
        h = (u32(data, n - 4) | u32(data, 0) << 32) ^ secret64(8) ^ secret64(16)
        h ^= rotl64(h, 49) ^ rotl64(h, 24)
        h = h * MX2 & M64
        h ^= (h >> 35) + n
        h = h * MX2 & M64
        return h ^ (h >> 28)
    low = u64(data, 0) ^ secret64(24) ^ secret64(32)
    high = u64(data, n - 8) ^ secret64(40) ^ secret64(48)
    return avalanche((n + swap64(low) + high + fold(low, high)) & M64)


def short128(data):
    """(low, high)"""
    n = len(data)
    if n == 0:
        return (avalanche_xxh64(secret64(64) ^ secret64(72)),
                avalanche_xxh64(secret64(80) ^ secret64(88)))
    if n <= 3:
        c = combine_1_to_3(data)
        s = swap32(c)
        r = (s << 13 | s >> 19) & M32
        return (avalanche_xxh64(c ^ u32(SECRET, 0) ^ u32(SECRET, 4)),
                avalanche_xxh64(r ^ u32(SECRET, 8) ^ u32(SECRET, 12)))
    if n <= 8:
        keyed = (u32(data, 0) | u32(data, n - 4) << 32) ^ secret64(16) ^ secret64(24)
        product = keyed * (P64_1 + (n << 2))
        low, high = product & M64, product >> 64
        high = (high + (low << 1)) & M64
        low ^= high >> 3
        low ^= low >> 35
        low = low * MX2 & M64
        return low ^ (low >> 28), avalanche(high)
    first, last = u64(data, 0), u64(data, n - 8)
    product = (first ^ last ^ secret64(32) ^ secret64(40)) * P64_1
    low, high = (product & M64) + ((n - 1) << 54) & M64, product >> 64
    last ^= secret64(48) ^ secret64(56)
    high = (high + last + (last & M32) * (P32_2 - 1)) & M64
    product = (low ^ swap64(high)) * P64_2
    return avalanche(product & M64), avalanche(((product >> 64) + high * P64_2) & M64)


# ---- inputs of 17 to 240 bytes ----

def middle64(data):
    n = len(data)
    acc = n * P64_1
    if n <= 128:
        for i in range((n - 1) // 32 + 1):
            acc += mix16(data, 16 * i, 32 * i) + mix16(data, n - 16 * (i + 1), 32 * i + 16)
        return avalanche(acc & M64)
    for i in range(8):
        acc += mix16(data, 16 * i, 16 * i)
    acc = avalanche(acc & M64)
    for i in range(8, n // 16):
        acc += mix16(data, 16 * i, 16 * (i - 8) + 3)
    return avalanche((acc + mix16(data, n - 16, 119)) & M64)


def mix32(acc, data, a, b, key):
    """Two pieces of 16 bytes, at a and at b, into the pair acc."""
    low, high = acc
    low = (low + mix16(data, a, key) & M64) ^ (u64(data, b) + u64(data, b + 8) & M64)
    high = (high + mix16(data, b, key + 16) & M64) ^ (u64(data, a) + u64(data, a + 8) & M64)
    return low, high


def middle128(data):
    """(low, high)"""
    n = len(data)
    acc = (n * P64_1 & M64, 0)
    if n <= 128:
        for i in reversed(range((n - 1) // 32 + 1)):
            acc = mix32(acc, data, 16 * i, n - 16 * (i + 1), 32 * i)
    else:
        for i in range(4):
            acc = mix32(acc, data, 32 * i, 32 * i + 16, 32 * i)
        acc = avalanche(acc[0]), avalanche(acc[1])
        for i in range(4, n // 32):
            acc = mix32(acc, data, 32 * i, 32 * i + 16, 32 * (i - 4) + 3)
        acc = mix32(acc, data, n - 16, n - 32, 103)
    low, high = acc
    return (avalanche(low + high & M64),
            -avalanche(low * P64_1 + high * P64_4 + n * P64_2 & M64) & M64)


# ---- longer inputs: eight accumulators over stripes of 64 bytes ----

def accumulate(acc, data, key):
    """Adds whole stripes to acc. `key` is as long as data, as one integer."""
    keyed = (int.from_bytes(data, "little") ^ key).to_bytes(len(data), "little")
    words = unpack(f"<{len(data) // 8}Q", data)
    halves = unpack(f"<{len(data) // 4}I", keyed)
    products = list(map(mul, halves[0::2], halves[1::2]))
    for i in range(8):
        acc[i] = acc[i] + sum(words[i ^ 1::8]) + sum(products[i::8]) & M64


def scramble(acc):
    for i in range(8):
        acc[i] = (acc[i] ^ (acc[i] >> 47) ^ secret64(128 + 8 * i)) * P32_1 & M64


def accumulators(data):
    acc = [P32_3, P64_1, P64_2, P64_3, P64_4, P32_2, P64_5, P32_1]
    blocks = (len(data) - 1) // BLOCK
    for b in range(blocks):
        accumulate(acc, data[BLOCK * b:BLOCK * (b + 1)], BLOCK_KEY)
        scramble(acc)
    rest = data[BLOCK * blocks:]
    size = (len(rest) - 1) // STRIPE * STRIPE
    accumulate(acc, rest[:size], BLOCK_KEY & ((1 << 8 * size) - 1))
    accumulate(acc, data[-STRIPE:], int.from_bytes(SECRET[121:185], "little"))
    return acc


def merge(acc, key, start):
    for i in range(4):
        start += fold(acc[2 * i] ^ secret64(key + 16 * i), acc[2 * i + 1] ^ secret64(key + 16 * i + 8))
    return avalanche(start & M64)


def xxh3_64(data):
    n = len(data)
    if n <= 16:
        return short64(data)
    if n <= 240:
        return middle64(data)
    return merge(accumulators(data), 11, n * P64_1)


def xxh3_128(data):
    n = len(data)
    if n <= 16:
        low, high = short128(data)
    elif n <= 240:
        low, high = middle128(data)
    else:
        acc = accumulators(data)
        low = merge(acc, 11, n * P64_1)
        high = merge(acc, 117, ~(n * P64_2) & M64)
    return high << 64 | low
