"""PyTorch's times for the works that are given as JSON, as rows like taeda's own: see works.ts and rows.ts.

The second argument is the device: "cuda" unless it is given, or "cpu", where one thread computes.
"""
import json
import statistics
import sys
import time

try:
    import torch
    from torch import nn
    from torch.nn import functional as F
except ImportError as error:
    print(json.dumps({"kind": "failure", "part": "pytorch", "what": "import torch", "text": str(error)}))
    sys.exit()
DEVICE = sys.argv[2] if len(sys.argv) > 2 else "cuda"
if DEVICE == "cpu":
    torch.set_num_threads(1)
elif not torch.cuda.is_available():
    print(json.dumps({"kind": "failure", "part": "pytorch", "what": "torch.cuda", "text": "it is not available"}))
    sys.exit()

DTYPES = {
    "float32": torch.float32, "tf32": torch.float32, "float16": torch.float16, "bfloat16": torch.bfloat16,
}


def randn(type, *shape):
    return torch.randn(*shape, device=DEVICE).to(DTYPES[type])


def step(type, kind, batch, a, b, c):
    if kind == 0:
        model = nn.Sequential(nn.Linear(a, b), nn.ReLU(), nn.Linear(b, c))
        x, classes = torch.randn(batch, a, device=DEVICE), c
    else:
        model = nn.Sequential(
            nn.Conv2d(1, b, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2),
            nn.Conv2d(b, c, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2),
            nn.Flatten(), nn.Linear(c * (a // 4) ** 2, 10),
        )
        x, classes = torch.randn(batch, 1, a, a, device=DEVICE), 10
    model = model.to(DEVICE)
    y = torch.arange(batch, device=DEVICE) % classes
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)

    def run():
        optimizer.zero_grad()
        F.cross_entropy(model(x), y).backward()
        optimizer.step()

    return run


def unary(f, *shape):
    def make(type, *sizes):
        a = randn(type, *[sizes[0] if s is None else s for s in shape]) if shape else randn(type, *sizes)
        return lambda: f(a)

    return make


def copy(type, n):
    a, b = randn(type, n), randn(type, n)
    return lambda: b.copy_(a)


def add(type, n):
    a, b = randn(type, n), randn(type, n)
    return lambda: a + b


def add_transposed(type, n):
    a, b = randn(type, n, n), randn(type, n, n).t()
    return lambda: a + b


def topk(type, k, *sizes):
    a = randn(type, *sizes)
    return lambda: a.topk(k)


def layernorm(type, n):
    a, weight, bias = randn(type, n, n), randn(type, n), randn(type, n)
    return lambda: F.layer_norm(a, [n], weight, bias)


def matmul(type, m, n, k):
    a, b = randn(type, m, k), randn(type, k, n)
    return lambda: a @ b


def matmul_t(type, m, n, k):
    a, b = randn(type, m, k), randn(type, n, k).t()
    return lambda: a @ b


def conv(type, n, c, h, k, r, stride):
    x, w = randn(type, n, c, h, h), randn(type, k, c, r, r)
    return lambda: F.conv2d(x, w, stride=stride, padding=r // 2)


def conv_grads(type, n, c, h, k, r, stride):
    x, w = randn(type, n, c, h, h).requires_grad_(), randn(type, k, c, r, r).requires_grad_()
    gradient = F.conv2d(x, w, stride=stride, padding=r // 2).detach()
    return lambda: torch.autograd.grad(F.conv2d(x, w, stride=stride, padding=r // 2), [x, w], gradient)


def index_add(type, n, into):
    a, source = torch.zeros(into, device=DEVICE), randn(type, n)
    index = torch.arange(n, device=DEVICE) * 7919 % into
    return lambda: a.index_add(0, index, source)


def bulk(f, count):
    def run():
        for _ in range(count):
            f()

    run.repeat = count
    return run


def launch(type, count, grad=False, in_place=False):
    a, b = torch.zeros(2, 2, device=DEVICE, requires_grad=grad), randn(type, 2, 2)
    return bulk((lambda: a.add_(b)) if in_place else (lambda: a + b), count)


def launch_unary(f):
    def make(type, count):
        a = randn(type, 2, 2)
        return bulk(lambda: f(a), count)

    return make


def launch_product(type, count):
    a, b = randn(type, 2, 2), randn(type, 2, 2)
    return bulk(lambda: a @ b, count)


CHAIN = 10


def launch_chain(type, count):
    a = randn(type, 2, 2)

    def chain():
        x = a
        for _ in range(CHAIN):
            x = x.mul(1.01)

    run = bulk(chain, -(-count // CHAIN))
    run.repeat *= CHAIN
    return run


OPS = {
    "copy": copy, "add": add, "layernorm": layernorm, "matmul": matmul, "matmulT": matmul_t,
    "gelu": unary(F.gelu), "sum": unary(torch.sum),
    "sum0": unary(lambda a: a.sum(0), None, None), "sum1": unary(lambda a: a.sum(1), None, None),
    "softmax": unary(lambda a: a.softmax(-1), None, None),
    "conv": conv, "convGrads": conv_grads,
    "sort": unary(torch.sort), "sortRows": unary(torch.sort),
    "cumsum": unary(lambda a: a.cumsum(0)), "cumsumRows": unary(lambda a: a.cumsum(1)),
    "cumsumColumns": unary(lambda a: a.cumsum(0)), "topk": topk, "sumRows": unary(lambda a: a.sum(1)),
    "softmaxRows": unary(lambda a: a.softmax(-1)), "addTransposed": add_transposed,
    "indexAdd": index_add, "launch": launch, "launchRecorded": lambda type, n: launch(type, n, grad=True),
    "launchInPlace": lambda type, n: launch(type, n, in_place=True),
    "launchNumber": launch_unary(lambda a: a.add(1)), "launchChain": launch_chain,
    "launchSum": launch_unary(torch.sum), "launchSoftmax": launch_unary(lambda a: a.softmax(-1)),
    "launchProduct": launch_product, "step": step,
}
def is_on_host(op):
    return DEVICE == "cpu" or op.startswith("launch") or op == "step"



def synchronize():
    if DEVICE != "cpu":
        torch.cuda.synchronize()


def on_host(run, count):
    start = time.perf_counter()
    for _ in range(count):
        run()
    synchronize()
    return (time.perf_counter() - start) * 1000 / count


def on_device(run, count):
    start, end = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
    start.record()
    for _ in range(count):
        run()
    end.record()
    torch.cuda.synchronize()
    return start.elapsed_time(end) / count


SAMPLES, MS = (31, 1500) if DEVICE == "cpu" else (5, 120)
for work in json.loads(sys.argv[1]):
    tf32 = work["type"] == "tf32"
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = tf32
    row = {"part": work["part"], "work": work["name"], "who": "PyTorch"}
    try:
        run = OPS[work["op"]](work["type"], *work["sizes"])
        run()
        run()
        synchronize()
        once = on_host(run, 1)
        count = max(1, min(200, int(MS / SAMPLES / max(once, 0.002)) + 1))
        sample = on_host if is_on_host(work["op"]) else on_device
        ms = statistics.median(sample(run, count) for _ in range(SAMPLES)) / getattr(run, "repeat", 1)
        print(json.dumps({"kind": "time", **row, "ms": ms, "amount": work["amount"], "unit": work["unit"]}), flush=True)
    except Exception as error:
        text = f"{type(error).__name__}: {error}"[:2000]
        print(json.dumps({"kind": "failure", "part": work["part"], "what": f"{work['name']}, PyTorch", "text": text}), flush=True)
    run = None
    if DEVICE != "cpu":
        torch.cuda.empty_cache()
