"""What PyTorch shows for the lines of the tour (apps/examples/src/chapters.ts), for apps/cli/test/tour.test.ts.

A line is the tour's, in Python. Its result is the printed text, or null where the tour shows nothing.
"""
import json
from pathlib import Path

import torch

CHAPTERS = [
    ["torch.tensor([[1, 2.5], [-3, 4]])", "torch.manual_seed(0)", "torch.rand(2, 2)"],
    ["x = torch.ones(2, 2, requires_grad=True)", "y = x.add(2)", "y.grad_fn.name()", "torch.ones(2, 2).add(2)"],
    ["z = y.mul(y).mul(3)", "out = z.mean()", "out.backward()", "x.grad"],
]


def shown(value):
    return str(value) if isinstance(value, (torch.Tensor, str)) else None


def run(line, scope):
    name, _, expression = line.partition(" = ")
    if not expression:
        return shown(eval(line, scope))
    scope[name] = eval(expression, scope)
    return shown(scope[name])


scope = {"torch": torch}
chapters = [[{"python": line, "result": run(line, scope)} for line in lines] for lines in CHAPTERS]
target = Path(__file__).parents[2] / "apps/cli/test/tour.golden.json"
target.write_text(json.dumps({"torch": torch.__version__.split("+")[0], "chapters": chapters}, indent=1) + "\n")
