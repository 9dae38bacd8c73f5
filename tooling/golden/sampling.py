"""Writes packages/core/test/random.golden.json from torch 2.13: python tooling/golden/sampling.py > random.golden.json

Each scenario seeds the generator, takes steps, and ends with one more int64 drawn and a checksum of the state before it.
Long results are sampled, see `picks`. On Intel processors PyTorch draws Bernoulli and exponential numbers otherwise
(from MKL): run this on another one.
"""

import json

import torch

TYPES = ["float32", "float64", "float16", "bfloat16", "int32", "int64", "int16", "uint8", "int8", "bool"]
FLOATS = TYPES[:4]
WEIGHTS = [0.1, 0.0, 3.0, 0.5, 2.25, 0.125, 1.0]


def empty(step):
    return torch.empty(step["n"], dtype=getattr(torch, step["dtype"]))


def weights(step, rows):
    return torch.tensor(WEIGHTS, dtype=getattr(torch, step["dtype"])).repeat(rows, 1)


def strided(step):
    return torch.empty(step["n"], 2, dtype=getattr(torch, step["dtype"]))[:, 0]


OPS = {
    "uniform": lambda s: empty(s).uniform_(*s["args"]),
    "normal": lambda s: empty(s).normal_(*s["args"]),
    "normalSingly": lambda s: strided(s).normal_(*s["args"]),
    "logNormal": lambda s: empty(s).log_normal_(*s["args"]),
    "exponential": lambda s: empty(s).exponential_(*s["args"]),
    "cauchy": lambda s: empty(s).cauchy_(*s["args"]),
    "geometric": lambda s: empty(s).geometric_(*s["args"]),
    "bernoulli": lambda s: empty(s).bernoulli_(*s["args"]),
    "bernoulliFrom": lambda s: torch.bernoulli(torch.linspace(0, 1, s["n"], dtype=torch.float64).to(empty(s).dtype)),
    "dropout": lambda s: torch.nn.functional.dropout(torch.ones_like(empty(s)), *s["args"]),
    "random": lambda s: empty(s).random_(),
    "randint": lambda s: empty(s).random_(int(s["args"][0]), None if s["args"][1] is None else int(s["args"][1])),
    "permutation": lambda s: torch.randperm(s["n"], dtype=getattr(torch, s["dtype"])),
    "multinomial": lambda s: torch.multinomial(weights(s, 3), *s["args"]).flatten(),
}


def step(op, dtype="float32", n=10, *args):
    return {"op": op, "dtype": dtype, "n": n, "args": list(args)}


def picks(n):
    return range(n) if n <= 40 else [*range(0, n - 20, 97), *range(n - 20, n)]


def number(x):
    """Decimals that round to the value; integers that a JSON number does not hold as text."""
    if x.is_floating_point():
        return float(x) if x.dtype == torch.float64 else float(str(x.float().numpy()))
    return int(x) if abs(int(x)) < 2**53 else str(int(x))


def checksum(data):
    """FNV-1a with the high bits brought down after each byte."""
    h = 0x811C9DC5
    for byte in data:
        h = ((h ^ byte) * 0x01000193) & 0xFFFFFFFF
        h ^= h >> 15
    return h


def scenario(seed, *steps):
    torch.manual_seed(seed)
    for s in steps:
        out = OPS[s["op"]](s)
        s["values"] = [number(out[i]) for i in picks(len(out))]
    state = checksum(torch.get_rng_state().tolist())
    after = torch.empty((), dtype=torch.int64).random_().item()
    return {"seed": str(seed), "steps": steps, "state": state, "after": str(after)}


def scenarios():
    for dtype in FLOATS:
        for seed, n in enumerate([0, 1, 2, 15, 16, 17, 31, 32, 33, 1000, 5003]):
            yield scenario(seed, step("normal", dtype, n, 0, 1))
        yield scenario(40, step("normal", dtype, 1000, 0.5, 0.02), step("normal", dtype, 7, -3, 0.1))
        yield scenario(41, step("normalSingly", dtype, 35, 0, 1))
        yield scenario(42, step("uniform", dtype, 0, 0, 1), step("uniform", dtype, 5003, 0, 1))
        yield scenario(43, step("uniform", dtype, 1000, -0.1, 0.3), step("uniform", dtype, 3, 2, 2))
        yield scenario(44, step("logNormal", dtype, 9, 0.3, 0.2), step("exponential", dtype, 9, 0.7))
        yield scenario(45, step("cauchy", dtype, 9, 0, 2), step("bernoulliFrom", dtype, 40))
        yield scenario(46, step("dropout", dtype, 40, 0.3))
        for n in (1, 2, 40):
            yield scenario(47, step("multinomial", dtype, 3 * n, n, True))
        for n in (1, 2, 6):
            yield scenario(48, step("multinomial", dtype, 3 * n, n, False))
    for dtype in TYPES:
        yield scenario(50, step("random", dtype, 12), step("randint", dtype, 12, 0, 2))
        yield scenario(51, step("bernoulli", dtype, 40, 0.3))
        if dtype != "bool":
            yield scenario(52, step("geometric", dtype, 20, 0.3), step("randint", dtype, 12, 3, 100))
            yield scenario(53, step("randint", dtype, 12, 7, None))
    for low, high in [(0, 2**28 - 1), (0, 2**28), (-(2**31), 2**31 - 1), (-5, 2**30 + 7)]:
        yield scenario(54, step("randint", "int32", 8, low, high), step("randint", "int64", 8, low, high))
    for low, high in [(0, 2**32), (-(2**40), 2**40), (-(2**62), 2**62), (2**62, 2**62 + 9), (-(2**63), None), (5, None)]:
        yield scenario(55, step("randint", "int64", 8, str(low), high if high is None else str(high)))
    for dtype, low, high in [
        ("float16", 0, 65504),
        ("float16", -65504, 100),
        ("bfloat16", -1001, 10000),
        ("float32", -(2**25) - 1, 2**25 + 3),
        ("float64", str(-(2**60)), str(2**55 + 3)),
    ]:
        yield scenario(56, step("randint", dtype, 8, low, high))
    for n in (0, 1, 2, 10, 1000):
        yield scenario(57, step("permutation", "int64", n), step("permutation", "int32", n))
    for seed in (0, 42, 2**32 + 5, 2**53 + 1, -1, 2**63 - 1):
        yield scenario(
            seed,
            step("normal", "float32", 3, 0, 1),
            step("uniform", "float32", 2, 0, 1),
            step("normal", "float32", 20, 0, 1),
            step("permutation", "int64", 10),
            step("normal", "float64", 2, 0, 1),
            step("randint", "int64", 5, 0, 10),
            step("bernoulli", "float32", 8, 0.5),
            step("normal", "float16", 18, 0, 1),
            step("dropout", "float32", 8, 0.1),
            step("uniform", "float64", 3, 0, 1),
            step("multinomial", "float32", 6, 2, True),
            step("randint", "int32", 4, 0, 2**29),
            step("permutation", "int32", 700),
            step("normal", "float32", 15, 0, 1),
        )


def shuffled(seed, epochs, **options):
    """The orders that a shuffled data loader of ten samples takes."""
    torch.manual_seed(seed)
    loader = torch.utils.data.DataLoader(range(10), shuffle=True, **options)
    return {"seed": seed, "epochs": [[int(x) for x in loader] for _ in range(epochs)]}


if __name__ == "__main__":
    lines = ",\n    ".join(json.dumps(s, separators=(",", ":")) for s in scenarios())
    loaders = json.dumps([shuffled(0, 2), shuffled(7, 3)], separators=(",", ":"))
    print(f'{{\n  "weights": {WEIGHTS},\n  "scenarios": [\n    {lines}\n  ],\n  "loaders": {loaders}\n}}')
