"""Runs the programs of the conformance suite (packages/conformance/src/programs) in PyTorch and writes what they give.

    python tooling/golden/programs.py

needs torch==2.13.0 and Node 22.18 or newer, as ops.py does. Normal numbers are those of PyTorch's AVX2 code, which people
have, and sums are those of one thread. On Intel processors PyTorch draws Bernoulli and exponential numbers otherwise (from MKL): run this on another one.
"""

import ast
import json
import math
import os
import subprocess
import sys

sys.dont_write_bytecode = True
import ops

os.environ["ATEN_CPU_CAPABILITY"] = "avx2"  # before the first op, which reads it

import torch

torch.set_num_threads(1)  # before it computes anything: more threads sum in another order

TARGET = ops.ROOT / "packages/conformance/src/golden/programs.ts"


LISTED = 200  # elements: what is longer is compared by its text


def evaluate(source):
    """Runs all statements; the value is that of the last one."""
    tree = ast.parse(source)
    scope = {"torch": torch, "F": torch.nn.functional}
    last = tree.body.pop()
    exec(compile(tree, source, "exec"), scope)
    return eval(compile(ast.Expression(last.value), source, "eval"), scope)


def number(x):
    return x if math.isfinite(x) else {math.inf: "Infinity", -math.inf: "-Infinity"}.get(x, "NaN")


def outcome(source):
    result = evaluate(source)
    values = [] if result.numel() > LISTED else result.detach().double().flatten().tolist()
    return {"python": source, "text": str(result), "shape": list(result.shape), "values": [number(x) for x in values]}


def main():
    node = ops.ROOT / "node_modules/.bin/node"
    script = ops.ROOT / "tooling/golden/export-programs.ts"
    listed = subprocess.run([node, "--conditions=@taeda/source", script], check=True, stdout=subprocess.PIPE).stdout
    lines = [json.dumps(outcome(source), separators=(",", ":")) for source in json.loads(listed)]
    text = "\n".join(lines).replace("\\", "\\\\").replace("`", "\\`").replace("${", "\\${")
    TARGET.write_text(
        "// Written by tooling/golden/programs.py from PyTorch's results, one program a line.\n"
        f"export const data = `\n{text}\n`\n"
    )
    print(f"{len(lines)} programs")


if __name__ == "__main__":
    main()
