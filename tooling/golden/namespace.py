"""The names of what can be called in PyTorch's namespaces, for packages/taeda/test/namespace.test.ts."""
import json
from pathlib import Path

import torch

NAMESPACES = {
    "torch": torch,
    "linalg": torch.linalg,
    "special": torch.special,
    "nn": torch.nn,
    "nn.functional": torch.nn.functional,
    "nn.init": torch.nn.init,
    "optim": torch.optim,
    "optim.lr_scheduler": torch.optim.lr_scheduler,
    "autograd": torch.autograd,
    "utils.data": torch.utils.data,
}


def names(module):
    return " ".join(sorted(n for n in dir(module) if not n.startswith("_") and callable(getattr(module, n))))


target = Path(__file__).parents[2] / "packages/taeda/test/namespace.golden.json"
target.write_text(json.dumps({name: names(module) for name, module in NAMESPACES.items()}, indent=1) + "\n")
