"""Writes packages/core/test/printing.golden.json: tensors as PyTorch prints them, and numbers as Python does.

Run from the repository root with a Python that has torch 2.13: python tooling/golden/printing.py

Where PyTorch's default integer is int64, this library's is int32: an int32 case prints a torch.int64 tensor, and an
int64 case is a torch.int32 tensor (the two names are equally long), or PyTorch's own pieces if the values are too big.
"""

import json
import math
import random
import struct
from pathlib import Path

import torch
from torch import _tensor_str as printer

OUT = Path("packages/core/test/printing.golden.json")
FLOATS = ["float32", "float64", "float16", "bfloat16"]
# ops that keep the values
GRADS = {"view": lambda t: t.view(t.shape), "clone": lambda t: t.clone(), "mul": lambda t: t * 1}
rng = random.Random(20240613)
cases = []


def encode(value):
    """A value for JSON: the numbers JSON lacks, and integers that a double does not hold, as strings."""
    if isinstance(value, bool):
        return value
    if isinstance(value, int):
        return value if abs(value) < 2**53 else str(value)
    if math.isnan(value):
        return "nan"
    if math.isinf(value):
        return "inf" if value > 0 else "-inf"
    if value == 0 and math.copysign(1, value) < 0:
        return "-0"
    return value


def numel(sizes):
    return math.prod(sizes)


def pattern_values(p, n):
    """((i*mul + add) mod modulus + shift) / divisor: big tensors in a few bytes."""
    values = [((i * p["mul"] + p["add"]) % p["modulus"] + p["shift"]) for i in range(n)]
    return values if p["divisor"] == 1 else [v / p["divisor"] for v in values]


def int64_text(tensor):
    """The text of an int64 tensor where int32 is the default integer."""
    values = tensor.reshape(-1).tolist()
    if all(-(2**31) <= v < 2**31 for v in values):
        return str(tensor.to(torch.int32)).replace("dtype=torch.int32", "dtype=torch.int64")
    size = [] if printer.PRINT_OPTS.edgeitems else [f"size={tuple(tensor.shape)}"]
    return printer._add_suffixes("tensor(" + printer._tensor_str(tensor, 7), [*size, "dtype=torch.int64"], 7, False)


def text_of(dtype, tensor):
    if dtype == "int64" and tensor.numel():
        return int64_text(tensor)
    text = str(tensor)
    if dtype == "int32":  # built as int64; only an empty one names its dtype
        text = text.replace("dtype=torch.int64", "dtype=torch.int32")
    return text


def add(dtype, sizes, values, options=None, grad=None, default=None, limit=4000):
    """Adds a case. values: a list, or a pattern; grad: None, "leaf", "parameter", "frozen" or one of GRADS."""
    options = options or {}
    default = default or "float32"
    torch.set_default_dtype(getattr(torch, default))
    kwargs = {"sci_mode" if k == "sciMode" else k: v for k, v in options.items()}
    torch.set_printoptions(profile=kwargs.pop("profile", "default"), **kwargs)
    plain = pattern_values(values, numel(sizes)) if isinstance(values, dict) else values
    built = torch.int64 if dtype == "int32" else getattr(torch, dtype)
    tensor = torch.tensor(plain, dtype=built).reshape(sizes)
    case = {"dtype": dtype, "sizes": list(sizes)}
    if isinstance(values, dict):
        case["pattern"] = values
    else:  # the elements as stored, widened
        case["values"] = [encode(v) for v in tensor.reshape(-1).tolist()]
    if options:
        case["options"] = options
    if default != "float32":
        case["default"] = default
    if grad == "leaf":
        tensor.requires_grad_()
        case["requiresGrad"] = True
    elif grad == "parameter":
        tensor = torch.nn.Parameter(tensor)
        case["requiresGrad"] = case["parameter"] = True
    elif grad == "frozen":
        tensor = torch.nn.Parameter(tensor, requires_grad=False)
        case["parameter"] = True
    elif grad:
        tensor.requires_grad_()
        tensor = GRADS[grad](tensor)
        case["gradFn"] = tensor.grad_fn.name()
        case["requiresGrad"] = True
    case["text"] = text_of(dtype, tensor)
    if len(case["text"]) > limit:  # keeps the file small
        return
    if len(sizes) == 0 and "parameter" not in case:  # a parameter's template text is its whole text
        case["template"] = f"{tensor}"
    cases.append(case)


def pattern(mul, add, modulus, shift, divisor=1):
    return {"mul": mul, "add": add, "modulus": modulus, "shift": shift, "divisor": divisor}


INF, NAN = math.inf, math.nan

# 0-d, of every dtype
for dtype in FLOATS:
    for v in [
        0.0,
        -0.0,
        1.0,
        -1.0,
        0.1,
        3.14159265,
        1e-5,
        -1e-4,
        1e-3,
        12345.678,
        65504.0,
        1e8,
        1.5e8,
        1e16,
        1e22,
        INF,
        -INF,
        NAN,
    ]:
        add(dtype, [], [v])
for dtype, bits in [("int8", 8), ("int16", 16), ("int32", 32), ("int64", 64)]:
    for v in [0, 7, -1, -(2 ** (bits - 1)), 2 ** (bits - 1) - 1]:
        add(dtype, [], [v])
add("uint8", [], [255])
add("bool", [], [True])
add("bool", [], [False])
for grad in ["leaf", "parameter", "frozen", "clone", "mul", "view"]:
    for dtype in FLOATS:
        add(dtype, [], [2.5], grad=grad)

# empties
for sizes in [
    [0],
    [2, 0],
    [0, 3],
    [0, 0],
    [1, 0, 4],
    [3, 2, 0, 5, 6],
    [0, 12345, 1, 2, 3, 4, 5, 6, 7, 8, 9, 1, 11, 12, 13, 14, 1, 1, 1, 1],
]:
    for dtype in ["float32", "float64", "float16", "int32", "int64", "uint8", "bool"]:
        add(dtype, sizes, [])
add("float32", [0, 3], [], grad="leaf")
add("float32", [0, 3], [], grad="mul")
add("float64", [0, 3], [], grad="mul")
add("float32", [0], [], grad="parameter")
add("float32", [0], [], default="float64")
add("float64", [0], [], default="float64")

# ties, signs, the choice of the format
SETS = [
    [0.0],
    [-0.0],
    [0.0, -0.0, 0.0],
    [1.0, 2.0, 3.0],
    [1.0, -2.0, 0.0],
    [0.03125, 0.09375, 0.15625],
    [0.5, 1.5, 2.5],
    [-0.03125, 1.0],
    [1e-4, 1.0],
    [9.9999e-5, 0.01],
    [1000.0, 1.0],
    [1001.0, 1.0],
    [1000.5, 1.0],
    [1001.5, 1.0],
    [1e8, 1e8],
    [100000001.0, 1e8],
    [2e8, 1.5e8],
    [1e8 + 0.5, 1e8],
    [NAN],
    [INF],
    [-INF],
    [NAN, INF, -INF],
    [NAN, 1.0],
    [INF, 1.0, -2.0],
    [-INF, 10.5, NAN],
    [-INF, 123456.0],
    [NAN, 0.0, -0.0],
    [1e-10, 1.0],
    [1e-10, -INF, NAN, 0.0],
    [1e30, 1.0],
    [-1e30, 1e-30],
    [0.00001],
    [-0.00001, 0.01],
    [99999.99999],
    [0.99995, 0.00015],
    [1e-5, 0.0, NAN],
    [123456789.0, -1.0],
    [16777216.0, 16777217.0],
    [1e-3, 0.99999],
    [999.99999, 1.0],
    [2.5e-5, 3.5e-5],
    [1.00005, 2.00015],
]
for values in SETS:
    for dtype in FLOATS:
        add(dtype, [len(values)], values)
    for precision in [0, 1, 2, 8]:
        add("float64", [len(values)], values, {"precision": precision})
    add("float32", [len(values)], values, {"sciMode": True})
    add("float32", [len(values)], values, {"sciMode": False})
    add("float64", [len(values)], values, {"sciMode": True, "precision": 0})
    add("float64", [len(values)], values, {"sciMode": False, "precision": 3})
    add("float64", [len(values)], values, {"sciMode": True, "precision": 20})
    add("float64", [len(values)], values, {"sciMode": False, "precision": 20})
add("float64", [3], [1e22, 1.5, -1e21], {"sciMode": False})
add("float64", [3], [1e300, -1e21, 0.0], {"sciMode": False})
add("float64", [3], [5e-324, 1.7976931348623157e308, 2.2250738585072014e-308])
add("float64", [4], [25.0, 35.0, 45.0, 250.0], {"sciMode": True, "precision": 0})
add("float64", [4], [125.0, 12350.0, 12450.0, 1.25e15], {"sciMode": True, "precision": 1})

# integers and bool
add("int32", [5], [0, -1, 22, -333, 4444])
add("int64", [5], [0, -1, 22, -333, 4444])
add("int64", [2, 2], [2**63 - 1, -(2**63), 0, 1])
add("int64", [3], [2**53 + 1, -(2**53) - 1, 2**40])
add("int8", [2, 3], [-128, 127, 0, 1, -1, 5])
add("int16", [2, 2], [-32768, 32767, 0, 1])
add("uint8", [2, 2], [255, 0, 1, 20])
add("bool", [2, 2], [True, False, False, True])
add("bool", [2], [True, True])
add("bool", [1, 1, 1], [False])
add("int32", [40], list(range(40)))
add("int32", [100], pattern(7919, 13, 2001, -1000))
add("int64", [60], list(range(-30, 30)))
add("uint8", [256], pattern(1, 0, 256, 0))
add("bool", [30], [i % 3 == 0 for i in range(30)])

# layout: ranks, wraps, summaries
half = pattern(7919, 13, 1009, -500, 8)
whole = pattern(7919, 13, 1009, -500)
SHAPES = [
    [1],
    [10],
    [20],
    [33],
    [1000],
    [1001],
    [2000],
    [7, 200],
    [1, 1],
    [2, 3],
    [3, 1],
    [1, 30],
    [30, 1],
    [2, 2, 2],
    [1, 2, 3, 4],
    [2, 1, 2, 1, 2],
    [1, 1, 1, 1, 1],
    [3, 4, 5],
    [7, 6],
    [6, 7],
    [32, 32],
    [1001, 1],
    [1, 1001],
    [10, 10, 11],
    [7, 7, 7, 7],
    [6, 7, 6, 7],
    [4, 4, 4, 4, 4],
    [8, 2, 8, 2, 8],
    [1, 2, 1, 600],
    [600, 1, 2],
    [2, 3, 4, 5, 6, 7],
]
for sizes in SHAPES:
    for dtype in ["float32", "float64", "int32", "int64"]:
        if numel(sizes) > 900 or dtype in ("float32", "int32") or numel(sizes) < 10:
            add(dtype, sizes, half if dtype.startswith("f") else whole, limit=18100 if dtype == "float32" else 4000)
    if numel(sizes) > 200:
        for options in [
            {"profile": "short"},
            {"edgeitems": 1},
            {"edgeitems": 0},
            {"edgeitems": 5, "linewidth": 40},
            {"threshold": 10, "edgeitems": 2, "linewidth": 1000},
        ]:
            add("float32", sizes, half, options)
add("float32", [1001], half, {"profile": "full"}, limit=12000)
add("float32", [4, 300], whole, {"profile": "full", "linewidth": 120}, limit=10000)
add("float32", [4, 3], half, {"edgeitems": 0})
add("float32", [4], half, {"edgeitems": 0, "threshold": 0})
add("float32", [], [1.0], {"edgeitems": 0, "threshold": 0})
add("float64", [], [1.0], {"threshold": 0})
add("float32", [0, 2], [], {"edgeitems": 0, "threshold": 0})
add("float16", [4, 3], half, {"edgeitems": 0}, grad="leaf")
add("bool", [1200], [i % 2 == 0 for i in range(1200)])
add("uint8", [40, 40], pattern(1, 0, 200, 0))
# the format of a summary comes from its edges alone
add("float32", [1001], [1.0] * 500 + [1e-9] + [2.0] * 500)
add("float32", [1001], [1e-9] + [1.0] * 1000)
add("int32", [1001], [1] * 500 + [-123456] + [2] * 500)
add("float32", [13, 100], [1.0 if i % 100 < 3 else 1234567.5 for i in range(1300)])

# suffixes that wrap
for n in range(1, 24):
    add("float64", [n], [i / 4 for i in range(n)])
    add("float32", [n], [i / 4 for i in range(n)], grad="mul")
    add("float64", [n], [float(i) for i in range(n)], grad="leaf")
    add("int64", [n], list(range(n)))
for n in range(1, 10):
    add("bfloat16", [2, n], [i / 4 for i in range(2 * n)], grad="view")
    add("float32", [n, n], [i / 4 for i in range(n * n)], grad="parameter")
for linewidth in [0, 1, 8, 9, 10, 20, 30, 31, 32, 33, 40, 60, 200]:
    add("float64", [2, 3], [i / 3 for i in range(6)], {"linewidth": linewidth}, grad="mul")
    add("int32", [12], list(range(12)), {"linewidth": linewidth})
    add("int64", [12], list(range(12)), {"linewidth": linewidth})
    add("float32", [4], [1e-9, 1.0, 1e9, -1.0], {"linewidth": linewidth}, grad="parameter")

# the default dtype
for default in FLOATS:
    for dtype in FLOATS + ["int32", "int64", "bool"]:
        add(dtype, [2], [0, 1], default=default)

# random: by size, spread and kind
for i in range(250):
    dtype = rng.choice(FLOATS + ["float32", "float32", "int32", "int64", "int8", "uint8", "bool"])
    sizes = [rng.randint(1, 4) for _ in range(rng.randint(0, 4))] if rng.random() < 0.7 else [rng.randint(1, 40)]
    n = numel(sizes)
    if dtype == "bool":
        values = [rng.random() < 0.5 for _ in range(n)]
    elif dtype in FLOATS:
        spread = rng.choice([0, 0, 1, 2, 3, 6])
        shift = rng.choice([-5, -2, 0, 0, 0, 3])
        values = [rng.gauss(0, 1) * 10 ** (shift + rng.uniform(-spread, spread)) for _ in range(n)]
        if rng.random() < 0.2:
            values = [float(round(v)) for v in values]
        if rng.random() < 0.2:
            values = [rng.choice([0.0, -0.0, NAN, INF, -INF, v, v]) for v in values]
        if rng.random() < 0.2:
            values = [round(v * 64) / 64 for v in values if v == v and abs(v) < INF]
            values += [0.0] * (n - len(values))
    else:
        bits = {"int8": 7, "uint8": 8, "int32": 31, "int64": 63}[dtype]
        high = 2 ** rng.randint(1, bits) - 1
        values = [rng.randint(0 if dtype == "uint8" else -high, high) for _ in range(n)]
    options = {}
    if rng.random() < 0.4:
        options["precision"] = rng.randint(0, 20)
    if rng.random() < 0.3:
        options["linewidth"] = rng.randint(1, 140)
    if rng.random() < 0.3:
        options["threshold"] = rng.randint(0, 20)
    if rng.random() < 0.3:
        options["edgeitems"] = rng.randint(0, 4)
    if rng.random() < 0.2:
        options["sciMode"] = rng.random() < 0.5
    grad = rng.choice([None, None, "leaf", "mul", "clone", "parameter"]) if dtype in FLOATS else None
    add(dtype, sizes, values, options, grad)

# numbers alone: [value, precision, %f, %e]
numbers = []


def number(x, precision):
    numbers.append([encode(x), precision, f"%.{precision}f" % x, f"%.{precision}e" % x])


for x in [
    0.0,
    -0.0,
    0.5,
    1.5,
    2.5,
    -2.5,
    9.5,
    99.5,
    995.0,
    9.995,
    0.125,
    0.375,
    1e21,
    1.5e21,
    1e22,
    123456789012345680000.0,
    5e-324,
    1e-7,
    1.7976931348623157e308,
    25.0,
    35.0,
    2.0**70,
    5.0**22,
    15e20,
    9.9999999999,
]:
    for precision in [0, 1, 2, 3, 4, 7, 12, 20]:
        if abs(x) < 1e100 or precision < 3:
            number(x, precision)
for _ in range(300):
    bits = rng.getrandbits(64)
    x = struct.unpack("<d", struct.pack("<Q", bits))[0]
    if math.isfinite(x) and abs(x) < 1e40:
        number(x, rng.randint(0, 20))
    number(rng.randint(-4000, 4000) / 2 ** rng.randint(0, 12), rng.randint(0, 8))
    number(float(rng.randint(-9999, 9999) * 5 * 10 ** rng.randint(0, 18)), rng.randint(0, 4))

reprs = [
    [encode(x), repr(x)]
    for x in [
        0.0,
        -0.0,
        1.0,
        -1.0,
        0.1,
        1e16,
        9999999999999998.0,
        123456789012345680.0,
        1e15,
        1e-4,
        9.999e-5,
        1e-5,
        1.5e-7,
        1e21,
        1e22,
        1.25e100,
        5e-324,
        NAN,
        INF,
        -INF,
        0.30000001192092896,
    ]
]
for _ in range(150):
    x = rng.gauss(0, 1) * 10 ** rng.uniform(-8, 20)
    x = rng.choice([x, float(round(x)), struct.unpack("<f", struct.pack("<f", x))[0]])
    reprs.append([encode(x), repr(x)])


def lines(rows):
    return ",\n".join("    " + json.dumps(row, separators=(",", ":")) for row in rows)


OUT.write_text(
    '{\n  "cases": [\n%s\n  ],\n  "numbers": [\n%s\n  ],\n  "reprs": [\n%s\n  ]\n}\n'
    % (lines(cases), lines(numbers), lines(reprs))
)
print(len(cases), "cases,", len(numbers), "numbers,", len(reprs), "reprs,", OUT.stat().st_size, "bytes")
