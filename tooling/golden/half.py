"""Prints the checksums in packages/core/test/half.test.ts, from torch 2.13: python tooling/golden/half.py

Numbers come from a 32-bit linear congruential generator that the test repeats; NaNs count as the canonical one.
"""

import struct

import numpy
import torch

COUNT = 100_000


def checksum(words):
    """FNV-1a by words, with the high bits brought down after each."""
    h = 0x811C9DC5
    for w in words:
        h = ((h ^ w) * 0x01000193) & 0xFFFFFFFF
        h ^= h >> 15
    return f"0x{h:08x}"


def decoded(dtype):
    bits = torch.from_numpy(numpy.arange(65536, dtype=numpy.uint16).view(numpy.int16)).view(dtype)
    values = bits.float()
    words = torch.where(values.isnan(), torch.tensor(0x7FC00000, dtype=torch.int32), values.view(torch.int32))
    return checksum(int(w) & 0xFFFFFFFF for w in words)


def doubles(low, span):
    """Doubles with exponents low .. low + span - 1; every other one has 13 or fewer significant bits: ties."""
    state, out = 1, []

    def draw():
        nonlocal state
        state = (state * 1664525 + 1013904223) & 0xFFFFFFFF
        return state >> 8

    for i in range(COUNT):
        sign, exponent, high, low_word = draw() & 1, 1023 + low + draw() % span, draw() & 0xFFFFF, draw() << 8
        if i % 2:
            high, low_word = high & (0xFFF << (8 + i % 5)), 0
        out.append(struct.unpack("<d", struct.pack("<II", low_word, sign << 31 | exponent << 20 | (high & 0xFFFFF)))[0])
    return torch.tensor(out, dtype=torch.float64)


def encoded(dtype, low, span):
    return checksum(int(b) & 0xFFFF for b in doubles(low, span).to(dtype).view(torch.int16))


for name, low, span in [("float16", -27, 45), ("bfloat16", -150, 280)]:
    dtype = getattr(torch, name)
    print(name, "decode", decoded(dtype), "encode", encoded(dtype, low, span))
    for x in [
        1 + 2**-11 + 2**-40,
        1 + 2**-8 + 2**-40,
        2**-25,
        2**-25 * (1 + 2**-20),
        65519.99,
        65520.0,
        -0.0,
        3e38,
        3.4e38,
        2**-134,
        2**-149 * 40000,
    ]:
        print("  ", x, hex(int(torch.tensor([x], dtype=torch.float64).to(dtype).view(torch.int16)) & 0xFFFF))
