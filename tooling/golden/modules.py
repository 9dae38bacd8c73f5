"""Asks PyTorch for the golden values of nn, optim and data and writes packages/{nn,optim,data}/test/torch.golden.json.

    python tooling/golden/modules.py

needs torch==2.13.0. The tests name each case by the Python expression it was made from.
"""

import os

os.environ["ATEN_CPU_CAPABILITY"] = "avx2"  # the normal numbers that PyTorch gives on today's machines
os.environ["OMP_NUM_THREADS"] = os.environ["MKL_NUM_THREADS"] = "1"

import json
from pathlib import Path

import torch
from torch import nn, optim
from torch.utils.data import DataLoader, RandomSampler, SubsetRandomSampler, TensorDataset, WeightedRandomSampler, random_split

ROOT = Path(__file__).resolve().parents[2]


def text_of(value, depth):
    """JSON with a line for each case."""
    if depth == 0 or not isinstance(value, dict):
        return json.dumps(value, ensure_ascii=False, allow_nan=False)
    lines = [f"{json.dumps(key)}: {text_of(each, depth - 1)}" for key, each in value.items()]
    return "{\n" + ",\n".join(lines) + "\n}"


def write(package, values, depth=2):
    path = ROOT / "packages" / package / "test/torch.golden.json"
    path.write_text(text_of(values, depth) + "\n")


def rounded(t):
    """At most 48 values of a tensor, with as many digits as float32 has."""
    return [float(f"{v:.9g}") for v in t.detach().double().reshape(-1)[:48].tolist()]


def described(t):
    return {"shape": list(t.shape), "values": rounded(t)}


# ---------------------------------------------------------------------------------------------------------------------
# nn
# ---------------------------------------------------------------------------------------------------------------------

# A module, and the shapes of what it is called with (drawn by torch.rand after manual_seed(1)), or None.
MODULES = {
    "Linear(4, 3)": [(2, 4)],
    "Linear(3, 2, bias=False)": [(3,)],
    "Bilinear(2, 3, 4)": [(5, 2), (5, 3)],
    "Identity(3)": [(2,)],
    "Flatten()": [(2, 3, 4)],
    "Flatten(0, 1)": [(2, 3, 4)],
    "Unflatten(1, (2, 3))": [(2, 6)],
    "Conv1d(2, 3, 3)": [(1, 2, 6)],
    "Conv2d(1, 8, 3)": [(1, 1, 5, 5)],
    "Conv2d(4, 8, (3, 5), stride=2, padding=1, dilation=2, groups=2, bias=False)": [(1, 4, 9, 12)],
    "Conv2d(2, 3, 3, padding='same')": [(1, 2, 4, 4)],
    "Conv2d(2, 3, (2, 3), padding='same', padding_mode='reflect')": [(1, 2, 4, 4)],
    "Conv2d(1, 2, 3, 1, 1, padding_mode='circular')": [(1, 1, 4, 4)],
    "Conv2d(1, 2, 3, padding=(1, 2), padding_mode='replicate')": [(1, 1, 3, 4)],
    "Conv3d(1, 2, 2)": [(1, 1, 3, 3, 3)],
    "ConvTranspose1d(2, 3, 3)": [(1, 2, 4)],
    "ConvTranspose2d(2, 4, 3, 2, 1, 1, groups=2)": [(1, 2, 3, 3)],
    "MaxPool1d(2)": [(1, 2, 6)],
    "MaxPool2d(2)": [(1, 2, 4, 4)],
    "MaxPool2d((2, 3), stride=1, padding=1, ceil_mode=True)": [(1, 1, 4, 5)],
    "AvgPool1d(2)": [(1, 2, 6)],
    "AvgPool2d((2, 2), 1)": [(1, 1, 4, 4)],
    "AdaptiveAvgPool1d(2)": [(1, 2, 5)],
    "AdaptiveAvgPool2d((1, None))": [(1, 2, 4, 3)],
    "AdaptiveMaxPool2d(2)": [(1, 1, 5, 5)],
    "Dropout()": None,
    "Dropout(0.1, True)": None,
    "Dropout1d()": None,
    "Dropout2d(0.2)": None,
    "Dropout3d()": None,
    "Embedding(10, 3)": None,
    "Embedding(10, 3, padding_idx=-1, max_norm=2)": None,
    "BatchNorm1d(3)": [(4, 3)],
    "BatchNorm2d(3, affine=False, momentum=None)": [(2, 3, 2, 2)],
    "BatchNorm3d(2, bias=False)": [(2, 2, 1, 2, 2)],
    "LayerNorm(5)": [(2, 5)],
    "LayerNorm((2, 3), elementwise_affine=False)": [(2, 2, 3)],
    "LayerNorm(5, bias=False)": [(2, 5)],
    "RMSNorm(4)": [(2, 4)],
    "GroupNorm(2, 4)": [(2, 4, 3)],
    "InstanceNorm1d(3)": [(2, 3, 4)],
    "InstanceNorm2d(3, affine=True)": [(3, 2, 2)],
    "LocalResponseNorm(2)": [(1, 4, 2)],
    "ReLU()": [(2, 3)],
    "ReLU(True)": [(2, 3)],
    "ReLU6()": [(2, 3)],
    "LeakyReLU()": [(2, 3)],
    "LeakyReLU(0.2, True)": [(2, 3)],
    "RReLU()": [(2, 3)],
    "ELU()": [(2, 3)],
    "ELU(0.5, True)": [(2, 3)],
    "SELU()": [(2, 3)],
    "CELU()": [(2, 3)],
    "GELU()": [(2, 3)],
    "GELU('tanh')": [(2, 3)],
    "SiLU(True)": [(2, 3)],
    "Mish()": [(2, 3)],
    "Sigmoid()": [(2, 3)],
    "Tanh()": [(2, 3)],
    "Softplus()": [(2, 3)],
    "Softsign()": [(2, 3)],
    "Hardtanh()": [(2, 3)],
    "Hardtanh(-2, 2, inplace=True)": [(2, 3)],
    "Hardsigmoid(True)": [(2, 3)],
    "Hardswish()": [(2, 3)],
    "Tanhshrink()": [(2, 3)],
    "Softshrink()": [(2, 3)],
    "Hardshrink()": [(2, 3)],
    "LogSigmoid()": [(2, 3)],
    "Threshold(0.1, 20)": [(2, 3)],
    "PReLU(3)": [(2, 3)],
    "GLU()": [(2, 4)],
    "Softmax()": [(2, 3)],
    "Softmax(dim=0)": [(2, 3)],
    "LogSoftmax(dim=-1)": [(2, 3)],
    "Softmin(dim=1)": [(2, 3)],
    "Softmax2d()": [(1, 2, 2, 2)],
    "ZeroPad2d(1)": [(1, 2, 2)],
    "ZeroPad2d((1, 2, 3, 4))": [(1, 2, 2)],
    "ConstantPad1d(2, 3.5)": [(1, 2)],
    "ConstantPad2d(1, 0)": [(1, 2, 2)],
    "ReflectionPad1d(2)": [(1, 4)],
    "ReflectionPad2d(1)": [(1, 2, 3)],
    "ReplicationPad1d(1)": [(1, 3)],
    "ReplicationPad2d(2)": [(1, 2, 2)],
    "CircularPad2d(1)": [(1, 2, 2)],
    "Upsample(scale_factor=2)": [(1, 1, 2, 2)],
    "Upsample(size=(4, 4), mode='bilinear', align_corners=True)": [(1, 1, 2, 3)],
    "UpsamplingNearest2d(scale_factor=2)": [(1, 1, 2, 2)],
    "UpsamplingBilinear2d((3, 3))": [(1, 1, 2, 2)],
    "PixelShuffle(2)": [(1, 4, 2, 1)],
    "PixelUnshuffle(2)": [(1, 1, 2, 4)],
    "ChannelShuffle(2)": [(1, 4, 2)],
    "Unfold(2)": [(1, 2, 3, 3)],
    "Fold((3, 3), 2)": [(1, 4, 4)],
    "CosineSimilarity(1)": [(2, 3), (2, 3)],
    "PairwiseDistance()": [(2, 3), (2, 3)],
    "CrossEntropyLoss()": [(2, 3), (2, 3)],
    "CrossEntropyLoss(weight=torch.tensor([1., 2., 3.]), label_smoothing=0.1)": [(2, 3), (2, 3)],
    "MSELoss()": [(2, 3), (2, 3)],
    "MSELoss(reduction='none')": [(2, 3), (2, 3)],
    "L1Loss(reduction='sum')": [(2, 3), (2, 3)],
    "SmoothL1Loss(beta=0.5)": [(2, 3), (2, 3)],
    "HuberLoss(delta=0.25)": [(2, 3), (2, 3)],
    "NLLLoss()": None,
    "BCELoss()": [(2, 3), (2, 3)],
    "BCEWithLogitsLoss(pos_weight=torch.tensor([1., 2., 3.]))": [(2, 3), (2, 3)],
    "KLDivLoss(reduction='batchmean')": [(2, 3), (2, 3)],
    "HingeEmbeddingLoss()": None,
    "MarginRankingLoss(0.5)": [(3,), (3,), (3,)],
    "CosineEmbeddingLoss()": None,
    "TripletMarginLoss(margin=0.5, p=1)": [(2, 3), (2, 3), (2, 3)],
    "PoissonNLLLoss(full=True)": [(2, 3), (2, 3)],
    "GaussianNLLLoss()": [(2, 3), (2, 3), (2, 3)],
    "SoftMarginLoss()": [(2, 3), (2, 3)],
    "MultiLabelSoftMarginLoss()": [(2, 3), (2, 3)],
    "Sequential()": None,
    "Sequential(nn.Linear(4, 3), nn.ReLU(), nn.Linear(3, 2))": [(2, 4)],
    "Sequential({'a': nn.ReLU(), 'b': nn.Sequential(nn.Tanh())})": [(2,)],
    "ModuleList([nn.ReLU(), nn.ReLU(), nn.Linear(1, 1)])": None,
    "ModuleList([nn.Sequential(nn.ReLU(), nn.Tanh()) for _ in range(3)])": None,
    "ModuleList()": None,
    "ModuleDict({'a': nn.ReLU(), 'keys_': nn.Linear(1, 2)})": None,
    "ModuleDict()": None,
    "ParameterList([torch.ones(2, 3), nn.Parameter(torch.ones(4))])": None,
    "ParameterList([torch.ones(2)])": None,
    "ParameterDict({'a': torch.ones(2, 3), 'b': torch.ones(1)})": None,
    "ParameterDict()": None,
}

INITS = {
    "uniform_(x, -1, 2)": (3, 4),
    "normal_(x, 1, 0.5)": (3, 4),
    "constant_(x, 0.3)": (2, 2),
    "ones_(x)": (2, 2),
    "zeros_(x)": (2, 2),
    "eye_(x)": (2, 3),
    "dirac_(x)": (3, 2, 3, 3),
    "dirac_(x, 2)": (4, 2, 3),
    "xavier_uniform_(x, gain=2)": (3, 4),
    "xavier_normal_(x)": (3, 4),
    "kaiming_uniform_(x, mode='fan_out', nonlinearity='relu')": (3, 4),
    "kaiming_normal_(x, a=0.5)": (3, 2, 2, 2),
    "trunc_normal_(x, std=0.5, a=-0.4, b=0.5)": (5, 8),
    "trunc_normal_(x, mean=1, std=2, a=4, b=5)": (5, 8),
}
GAINS = ["linear", "conv2d", "sigmoid", "tanh", "relu", "leaky_relu", "selu"]


def sequential(expression):
    """Sequential takes an OrderedDict where we take any mapping."""
    from collections import OrderedDict

    return expression.replace("Sequential({", "Sequential(OrderedDict({").replace("})", "}))") if "Sequential({" in expression else expression


def module_cases():
    from collections import OrderedDict  # for the expressions

    for expression, shapes in MODULES.items():
        torch.manual_seed(0)
        module = eval("nn." + sequential(expression), {"nn": nn, "torch": torch, "OrderedDict": OrderedDict})
        case = {"repr": repr(module), "state": {k: described(v) for k, v in module.state_dict().items()}}
        if shapes:
            torch.manual_seed(1)
            inputs = [torch.rand(s) for s in shapes]
            out = module.eval()(*inputs)
            case["inputs"] = [list(s) for s in shapes]
            case["output"] = described(out)
        yield expression, case


def init_cases():
    for expression, shape in INITS.items():
        torch.manual_seed(3)
        x = torch.empty(shape)
        eval("nn.init." + expression, {"nn": nn, "x": x})
        yield expression, {"shape": list(shape), "values": rounded(x)}


def batch_norm(momentum):
    """Statistics and results over three batches in training, then one in evaluation."""
    torch.manual_seed(5)
    module = nn.BatchNorm1d(3, momentum=momentum)
    outputs = [module(torch.randn(4, 3) * (k + 1) + k) for k in range(3)]
    module.eval()
    outputs.append(module(torch.randn(4, 3)))
    return {
        "outputs": [rounded(o) for o in outputs],
        "running_mean": rounded(module.running_mean),
        "running_var": rounded(module.running_var),
        "num_batches_tracked": module.num_batches_tracked.item(),
    }


def clipping():
    torch.manual_seed(7)
    model = nn.Sequential(nn.Linear(3, 4), nn.Linear(4, 2))
    model(torch.ones(2, 3)).square().sum().backward()
    before = [p.grad.clone() for p in model.parameters()]
    result = {}
    for norm_type in (1.0, 2.0, float("inf")):
        for p, g in zip(model.parameters(), before):
            p.grad = g.clone()
        total = nn.utils.clip_grad_norm_(model.parameters(), 0.5, norm_type=norm_type)
        result[str(norm_type)] = {"total": float(total), "grads": [rounded(p.grad) for p in model.parameters()]}
    for p, g in zip(model.parameters(), before):
        p.grad = g.clone()
    nn.utils.clip_grad_value_(model.parameters(), 0.1)
    result["value"] = [rounded(p.grad) for p in model.parameters()]
    return result


# ---------------------------------------------------------------------------------------------------------------------
# optim
# ---------------------------------------------------------------------------------------------------------------------

OPTIMIZERS = [
    "SGD(p, lr=0.1)",
    "SGD(p, lr=0.1, weight_decay=0.01)",
    "SGD(p, lr=0.05, momentum=0.9)",
    "SGD(p, lr=0.05, momentum=0.9, dampening=0.5, weight_decay=0.01)",
    "SGD(p, lr=0.05, momentum=0.9, nesterov=True)",
    "SGD(p, lr=0.01, momentum=0.5, maximize=True, weight_decay=0.1)",
    "Adam(p)",
    "Adam(p, lr=0.01, betas=(0.8, 0.95), eps=1e-6)",
    "Adam(p, lr=0.01, weight_decay=0.1)",
    "Adam(p, lr=0.01, amsgrad=True)",
    "Adam(p, lr=0.01, maximize=True)",
    "AdamW(p, lr=0.01)",
    "AdamW(p, lr=0.01, weight_decay=0.1, amsgrad=True)",
    "RMSprop(p)",
    "RMSprop(p, lr=0.01, alpha=0.9, weight_decay=0.01, momentum=0.9)",
    "RMSprop(p, lr=0.01, centered=True)",
    "RMSprop(p, lr=0.01, centered=True, momentum=0.5)",
    "Adagrad(p, lr=0.1)",
    "Adagrad(p, lr=0.1, lr_decay=0.1, weight_decay=0.01, initial_accumulator_value=0.1)",
]

SCHEDULERS = [
    "StepLR(o, 3)",
    "StepLR(o, step_size=2, gamma=0.5)",
    "MultiStepLR(o, milestones=[2, 5, 5], gamma=0.5)",
    "ExponentialLR(o, 0.9)",
    "ConstantLR(o, factor=0.5, total_iters=4)",
    "LinearLR(o)",
    "LinearLR(o, start_factor=0.5, end_factor=0.1, total_iters=8)",
    "PolynomialLR(o, total_iters=6, power=2.0)",
    "CosineAnnealingLR(o, T_max=5)",
    "CosineAnnealingLR(o, T_max=4, eta_min=0.01)",
    "LambdaLR(o, lambda e: 0.95 ** e)",
    "MultiplicativeLR(o, lambda e: 0.95)",
    "OneCycleLR(o, max_lr=0.5, total_steps=12)",
    "OneCycleLR(o, max_lr=0.5, epochs=3, steps_per_epoch=4, anneal_strategy='linear', three_phase=True)",
]
PLATEAUS = ["ReduceLROnPlateau(o, patience=1)", "ReduceLROnPlateau(o, 'max', factor=0.5, patience=0, cooldown=1, threshold_mode='abs')"]
METRICS = [1.0, 0.9, 0.95, 0.96, 0.97, 0.5, 0.6, 0.7, 0.7, 0.7, 0.4, 0.4]


def small_model():
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(4, 5), nn.Tanh(), nn.Linear(5, 3))
    x = torch.randn(8, 4)
    y = torch.arange(8) % 3
    return model, x, y


def trajectory(expression):
    model, x, y = small_model()
    optimizer = eval("optim." + expression, {"optim": optim, "p": model.parameters()})
    losses = []
    for _ in range(20):
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(model(x), y)
        loss.backward()
        optimizer.step()
        losses.append(loss)
    state = optimizer.state_dict()
    return {
        "losses": rounded(torch.stack(losses)),
        "parameters": [rounded(p) for p in model.parameters()],
        "state": sorted(k for k in (state["state"].get(0) or {}) if (state["state"][0][k] is not None)),
        "repr": repr(optimizer) if expression in ("SGD(p, lr=0.1)", "Adam(p)") else None,
    }


def schedule(expression, metrics=None):
    p = [torch.zeros(1, requires_grad=True)]
    q = [torch.zeros(1, requires_grad=True)]
    o = optim.SGD([{"params": p}, {"params": q, "lr": 0.2}], lr=0.1, momentum=0.9)
    scheduler = eval("optim.lr_scheduler." + expression, {"optim": optim, "o": o})
    rates = [[g["lr"] for g in o.param_groups] + [o.param_groups[0]["momentum"]]]
    for k in range(12):
        o.step()
        if metrics:
            scheduler.step(metrics[k])
        elif "OneCycle" in expression and k == 11:
            break
        else:
            scheduler.step()
        rates.append([g["lr"] for g in o.param_groups] + [o.param_groups[0]["momentum"]])
    return rates


# ---------------------------------------------------------------------------------------------------------------------
# data
# ---------------------------------------------------------------------------------------------------------------------


def orders(make, epochs=2):
    """What comes out of a loader over range(10) in some epochs after manual_seed(0), and the next number drawn."""
    torch.manual_seed(0)
    loader = make()
    out = [[b.tolist() for b in loader] for _ in range(epochs)]
    return {"epochs": out, "next": int(torch.empty((), dtype=torch.int64).random_(1000))}


def data_cases():
    ten = list(range(10))

    def seeded(seed):
        g = torch.Generator()
        return g.manual_seed(seed)

    def with_generator():
        return DataLoader(ten, batch_size=4, shuffle=True, generator=seeded(5))

    shared = seeded(7)
    cases = {
        "in order": orders(lambda: DataLoader(ten, batch_size=4)),
        "drop_last": orders(lambda: DataLoader(ten, batch_size=4, drop_last=True)),
        "shuffle": orders(lambda: DataLoader(ten, batch_size=4, shuffle=True)),
        "shuffle, drop_last": orders(lambda: DataLoader(ten, batch_size=4, shuffle=True, drop_last=True)),
        "shuffle, generator": orders(with_generator, 3),
        "replacement": orders(lambda: DataLoader(ten, batch_size=40, sampler=RandomSampler(ten, replacement=True, num_samples=70))),
        "more samples": orders(lambda: DataLoader(ten, batch_size=25, sampler=RandomSampler(ten, num_samples=25))),
        "weighted": orders(lambda: DataLoader(ten, batch_size=8, sampler=WeightedRandomSampler([i + 1.0 for i in ten], 8))),
        "subset": orders(lambda: DataLoader(ten, batch_size=3, sampler=SubsetRandomSampler([1, 4, 7]))),
        "shuffle, 100": orders(lambda: DataLoader(range(100), batch_size=100, shuffle=True), 1),
    }
    torch.manual_seed(0)
    x = torch.randn(7, 2)
    loader = DataLoader(TensorDataset(x, torch.arange(7)), batch_size=3, shuffle=True)
    cases["tensors"] = [[rounded(a), b.tolist()] for a, b in loader]
    torch.manual_seed(0)
    cases["split"] = [list(s.indices) for s in random_split(ten, [3, 7])]
    cases["split, shares"] = [list(s.indices) for s in random_split(ten, [0.25, 0.25, 0.5], generator=shared)]
    return cases


def main():
    write(
        "nn",
        {
            "modules": dict(module_cases()),
            "init": dict(init_cases()),
            "gains": {name: nn.init.calculate_gain(name) for name in GAINS},
            "batchNorm": {"0.1": batch_norm(0.1), "null": batch_norm(None)},
            "clipping": clipping(),
        },
    )
    write(
        "optim",
        {
            "optimizers": {e: trajectory(e) for e in OPTIMIZERS},
            "schedulers": {e: schedule(e) for e in SCHEDULERS},
            "plateaus": {e: schedule(e, METRICS) for e in PLATEAUS},
            "metrics": METRICS,
        },
    )
    write("data", data_cases(), 1)


if __name__ == "__main__":
    main()
