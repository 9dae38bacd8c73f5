"""
Random programs of views and in-place changes with their first and second derivatives, for
packages/taeda/test/inplace-programs.test.ts: `python tooling/golden/inplace.py`.

A program is a list of steps [name, a, b, c]. `a` picks the tensor that the step is about, `b` another one, `c` a number; each
modulo what there is. The test has the same table of steps.
"""

import json
import random
import warnings
from pathlib import Path

import torch

warnings.simplefilter("ignore")
torch.set_num_threads(1)
torch.set_default_dtype(torch.float64)

COUNT = 150


def broadcasts(a, b):
    try:
        return torch.broadcast_shapes(a.shape, b.shape)
    except RuntimeError:
        return None


def changed(_):
    """No new tensor."""


def in_place(change):
    """With an operand that fits and lies in other memory; PyTorch refuses most overlaps."""

    def step(t, o, _):
        if broadcasts(t, o) == t.shape and t.untyped_storage().data_ptr() != o.untyped_storage().data_ptr():
            change(t, o)

    return step


def without_grad(t, _o, _c):
    with torch.no_grad():
        t.mul_(1.5)


STEPS = {
    "select": lambda t, o, c: t.select(c % t.ndim, -1) if t.ndim else None,
    "narrow": lambda t, o, c: t.narrow(c % t.ndim, t.shape[c % t.ndim] - 1, 1) if t.ndim else None,
    "transpose": lambda t, o, c: t.transpose(0, 1) if t.ndim > 1 else None,
    "flatten": lambda t, o, c: t.reshape(-1),
    "clone": lambda t, o, c: t.clone(),
    "unsqueeze": lambda t, o, c: t.unsqueeze(0) if t.ndim < 3 else None,
    "diagonal": lambda t, o, c: t.diagonal() if t.ndim > 1 else None,
    "detach": lambda t, o, c: t.detach(),
    "ones": lambda t, o, c: torch.ones(t.shape),
    "mul": lambda t, o, c: t * o if broadcasts(t, o) is not None else None,
    "repeat": lambda t, o, c: (t.unsqueeze(0).expand(2, *t.shape) * 1).sum(0),
    "scale_": lambda t, o, c: changed(t.mul_(0.5 + c % 3)),
    "zero_": lambda t, o, c: changed(t.zero_()),
    "sin_": lambda t, o, c: changed(t.sin_()),
    "add_": in_place(lambda t, o: t.add_(o)),
    "mul_": in_place(lambda t, o: t.mul_(o)),
    "copy_": in_place(lambda t, o: t.copy_(o)),
    "withoutGrad": without_grad,
}


def run(steps):
    x = torch.arange(6.0).reshape(2, 3).add(0.5).requires_grad_()
    w = torch.tensor([1.5, -2.0, 0.5]).requires_grad_()
    tensors = [x * 1, w * 2, x, w]
    for name, a, b, c in steps:
        t, o = tensors[a % len(tensors)], tensors[b % len(tensors)]
        made = STEPS[name](t, o, c)
        if made is not None:
            tensors.append(made)
    loss = sum((t * t * (0.1 * (i + 1))).sum() for i, t in enumerate(tensors))
    first = torch.autograd.grad(loss, [x, w], create_graph=True, materialize_grads=True)
    second = torch.autograd.grad(sum((g * g).sum() for g in first), [x, w], materialize_grads=True)
    return [loss.item(), *(v for g in (*first, *second) for v in g.flatten().tolist())]


def program(seed):
    draw = random.Random(seed)
    return [[draw.choice(list(STEPS)), *(draw.randrange(60) for _ in range(3))] for _ in range(draw.randint(4, 14))]


def outcome(steps):
    """The values, or null where PyTorch refuses the program."""
    try:
        values = run(steps)
    except RuntimeError:
        return None
    return [float(f"{v:.12g}") for v in values]


cases = []
seed = refused = 0
while len(cases) < COUNT:
    seed += 1
    steps = program(seed)
    result = outcome(steps)
    if result is None:
        refused += 1
        if refused > COUNT / 3:
            continue
    if result is None or all(abs(v) < 1e9 for v in result):
        cases.append([steps, result])

target = Path(__file__).parents[2] / "packages/taeda/test/inplace-programs.golden.json"
target.write_text("[\n" + ",\n".join(json.dumps(c, separators=(",", ":")) for c in cases) + "\n]\n")
print(len(cases), "programs to", target.name)
