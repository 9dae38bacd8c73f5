"""
What PyTorch gives for the rows of docs/coming-from-pytorch.md, for tooling/docs/test/code.test.ts, and the names of a tensor,
for the reference. Run it with `python -P`: the folder has a math.py.
"""
import json
import re
from pathlib import Path

import torch
import torch.nn as nn
import torch.nn.functional as F
import torch.optim as optim

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs/coming-from-pytorch.md"


def scope():
    """The page's block `for-rows`, in Python."""
    torch.manual_seed(0)
    return {
        "torch": torch,
        "nn": nn,
        "F": F,
        "optim": optim,
        "x": torch.tensor([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]),
        "y": torch.tensor([[0.5], [1.5]]),
        "w": torch.ones(3, requires_grad=True),
        "labels": torch.tensor([0, 2]),
        "model": nn.Linear(3, 3),
    }


def shown(value):
    """A tensor as its text, what JSON can say as it is, and anything else as its text."""
    if isinstance(value, torch.Tensor):
        return {"tensor": str(value)}
    if isinstance(value, torch.Size):
        return {"value": list(value)}
    if value is None or isinstance(value, (bool, int, float, str, list)):
        return {"value": value}
    return {"text": str(value).removeprefix("torch.")}


def run(spans):
    names = scope()
    for span in spans[:-1]:
        exec(span, names)
    result = shown(eval(spans[-1], names))
    torch.set_grad_enabled(True)
    return result


def rows(text):
    for line in text.splitlines():
        cells = line.split("|")
        if len(cells) > 2 and (spans := re.findall(r"`([^`]+)`", cells[1])):
            yield spans


results = {"; ".join(spans): run(spans) for spans in rows(PAGE.read_text())}
methods = " ".join(name for name in dir(torch.Tensor) if not name.startswith("_"))
target = ROOT / "tooling/docs/test/spellings.golden.json"
target.write_text(json.dumps({"torch": torch.__version__.split("+")[0], "rows": results, "Tensor": methods}, indent=1) + "\n")
