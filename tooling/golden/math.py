"""Values of mathematical functions, computed with 60 digits and rounded to float64.

python tooling/golden/math.py writes packages/backend-wasm-simd/test/math.golden.json. Needs mpmath.
"""

import json
import pathlib
import random
import struct

import mpmath as mp

mp.mp.dps = 60
REPOSITORY = pathlib.Path(__file__).resolve().parents[2]
TARGET = REPOSITORY / "packages/backend-wasm-simd/test/math.golden.json"
random.seed(7)


def single(x):
    return struct.unpack("f", struct.pack("f", x))[0]


def erfinv(y):
    """mpmath's own stops short of the digits asked for in the tail."""
    x = mp.erfinv(y)
    for _ in range(3):
        x -= ((1 - y) - mp.erfc(x) if y > 0 else mp.erfc(-x) - (1 + y)) * mp.sqrt(mp.pi) / 2 * mp.exp(x * x)
    return x


def lgamma(x):
    return mp.log(abs(mp.gamma(x))) if x < 1e4 else mp.loggamma(x)


def spread(low, high):
    """Numbers of any size between two powers of 2."""
    return lambda: 2.0 ** random.uniform(low, high)


def signed(draw):
    return lambda: draw() * random.choice([-1, 1])


def uniform(low, high):
    return lambda: random.uniform(low, high)


# Functions with the distributions of their arguments, each used as often.
UNARY = {
    "exp": (mp.exp, [uniform(-87, 88), signed(spread(-30, 6)), uniform(-745, 709)]),
    "exp2": (lambda x: mp.mpf(2) ** x, [uniform(-126, 128), signed(spread(-30, 6)), uniform(-1074, 1023)]),
    "expm1": (mp.expm1, [uniform(-10, 10), signed(spread(-60, 6)), uniform(-40, 709)]),
    "log": (mp.log, [uniform(0.5, 2), spread(-149, 127), spread(-1074, 1023)]),
    "log2": (lambda x: mp.log(x) / mp.log(2), [uniform(0.5, 2), spread(-149, 127), spread(-1074, 1023)]),
    "log10": (mp.log10, [uniform(0.5, 2), spread(-149, 127), spread(-1074, 1023)]),
    "log1p": (mp.log1p, [uniform(-1, 2), signed(spread(-60, -1)), spread(-60, 1023)]),
    "sin": (mp.sin, [uniform(-7, 7), signed(spread(-60, 20)), signed(spread(-1000, 1000))]),
    "cos": (mp.cos, [uniform(-7, 7), signed(spread(-60, 20)), signed(spread(-1000, 1000))]),
    "tan": (mp.tan, [uniform(-7, 7), signed(spread(-60, 20)), signed(spread(-1000, 1000))]),
    "asin": (mp.asin, [uniform(-1, 1), signed(spread(-60, 0))]),
    "acos": (mp.acos, [uniform(-1, 1), signed(spread(-60, 0))]),
    "atan": (mp.atan, [uniform(-3, 3), signed(spread(-60, 60))]),
    "sinh": (mp.sinh, [uniform(-3, 3), signed(spread(-60, 6)), uniform(-710, 710)]),
    "cosh": (mp.cosh, [uniform(-3, 3), signed(spread(-60, 6)), uniform(-710, 710)]),
    "tanh": (mp.tanh, [uniform(-3, 3), signed(spread(-60, 5))]),
    "sigmoid": (lambda x: 1 / (1 + mp.exp(-x)), [uniform(-9, 9), signed(spread(-30, 6)), uniform(-700, 40)]),
    "erf": (mp.erf, [uniform(-6, 6), signed(spread(-60, 3))]),
    "erfc": (mp.erfc, [uniform(-6, 9), signed(spread(-60, 3)), uniform(9, 26)]),
    "erfinv": (erfinv, [uniform(-1, 1), signed(spread(-60, 0)), lambda: 1 - 2.0 ** random.uniform(-52, -1)]),
    "lgamma": (lgamma, [uniform(0, 10), uniform(-9, 3), spread(-60, 100)]),
    "digamma": (mp.digamma, [uniform(0, 10), uniform(-9, 3), spread(-60, 100)]),
    "polygamma1": (lambda x: mp.polygamma(1, x), [uniform(0, 10), uniform(-9, 3), spread(-20, 30)]),
    "polygamma2": (lambda x: mp.polygamma(2, x), [uniform(0, 10), uniform(-9, 3), spread(-20, 30)]),
    "polygamma5": (lambda x: mp.polygamma(5, x), [uniform(0, 10), uniform(-9, 3), spread(-10, 20)]),
}
COUNT = 90


def values(f, draws):
    """Every other argument is a float32."""
    xs = [draws[k // 2 % len(draws)]() for k in range(COUNT)]
    xs = [single(x) if k % 2 and abs(x) < 3e38 else x for k, x in enumerate(xs)]
    pairs = [(x, float(f(mp.mpf(x)))) for x in xs if x != 0]
    pairs = [(x, y) for x, y in pairs if mp.isfinite(y)]
    return {"x": [x for x, _ in pairs], "y": [y for _, y in pairs]}


def main():
    rows = {name: values(f, draws) for name, (f, draws) in UNARY.items()}
    body = ",\n".join(f'"{name}":{json.dumps(row, separators=(",", ":"))}' for name, row in rows.items())
    TARGET.write_text("{\n" + body + "\n}\n")


if __name__ == "__main__":
    main()
