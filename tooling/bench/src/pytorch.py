"""PyTorch's times for the works of works.ts, one line of JSON each: {"work", "ms"}. Arguments: the works, all by default."""
import json
import statistics
import sys
import time

import torch
from torch import nn
from torch.nn import functional as F

BULK = 2000


def step(model, x):
    y = torch.arange(x.shape[0]) * 7 % 10
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)

    def run():
        optimizer.zero_grad()
        F.cross_entropy(model(x), y).backward()
        optimizer.step()

    return run


def bulk(f, repeat=BULK):
    def run():
        for _ in range(repeat):
            f()

    run.repeat = repeat
    return run


def growth(name):
    op, power = name.split(" 2^")
    n = 2 ** int(power)
    u, v = torch.rand(n), torch.rand(n)
    f = {"add": lambda: u + v, "gelu": lambda: F.gelu(u), "sum": lambda: u.sum()}[op]
    return bulk(f, max(1, 2**18 // n))


def cnn():
    return nn.Sequential(
        nn.Conv2d(1, 16, 5), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(16, 32, 5), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(512, 10),
    )


torch.manual_seed(0)
a, b = torch.rand(2, 2), torch.rand(2, 2)
r = torch.rand(2, 2, requires_grad=True)
x, y = torch.rand(1000, 1000), torch.rand(1000, 1000)
m, n, o = (torch.rand(k, k) for k in (256, 512, 1024))
image, kernel = torch.rand(8, 32, 28, 28), torch.rand(64, 32, 3, 3)

WORKS = {
    "add 2x2": bulk(lambda: a + b),
    "add 2x2 recorded": bulk(lambda: r + b),
    "add 1M": lambda: x + y,
    "gelu 1M": lambda: F.gelu(x),
    "chain 1M": lambda: torch.tanh(x * y + y) * 0.5 + x,
    "chain fused 1M": lambda: torch.tanh(x * y + y) * 0.5 + x,
    "softmax 1000x1000": lambda: torch.softmax(x, -1),
    "sum 1M": lambda: x.sum(),
    "sum dim 0 1M": lambda: x.sum(0),
    "matmul 256": lambda: m @ m,
    "matmul 512": lambda: n @ n,
    "matmul 1024": lambda: o @ o,
    "conv2d 3x3": lambda: F.conv2d(image, kernel),
    "mlp step": step(nn.Sequential(nn.Linear(784, 256), nn.ReLU(), nn.Linear(256, 10)), torch.rand(64, 784)),
    "cnn step": step(cnn(), torch.rand(64, 1, 28, 28)),
}

for work in sys.argv[1:] or WORKS:
    run = WORKS[work] if work in WORKS else growth(work)
    run()
    samples = []
    until = time.perf_counter() + 0.3
    while time.perf_counter() < until or len(samples) < 5:
        start = time.perf_counter()
        run()
        samples.append((time.perf_counter() - start) / getattr(run, "repeat", 1))
    print(json.dumps({"work": work, "ms": statistics.median(samples) * 1000}), flush=True)
