"""Asks PyTorch for the golden values of the conformance rows and writes packages/conformance/src/golden/*.ts.

    python tooling/golden/ops.py

needs torch==2.13.0 and Node 22.18 or newer on the PATH (or installed in the workspace). See README.md.
"""

import os

os.environ["ATEN_CPU_CAPABILITY"] = "default"  # the same instructions, so the same bits, on every machine
os.environ["OMP_NUM_THREADS"] = os.environ["MKL_NUM_THREADS"] = "1"
os.environ["MKL_CBWR"] = "COMPATIBLE"

import base64
import gzip
import json
import math
import re
import shutil
import struct
import subprocess
import sys
import warnings
from pathlib import Path

import torch

ROOT = Path(__file__).resolve().parents[2]
TARGET = ROOT / "packages/conformance/src/golden"
DTYPES = ["bool", "uint8", "int8", "int16", "int32", "int64", "float16", "bfloat16", "float32", "float64"]
LINE = 116


# ---------------------------------------------------------------------------------------------------------------------
# Inputs: the same elements as in src/inputs.ts
# ---------------------------------------------------------------------------------------------------------------------

MASK = 0xFFFFFFFF


def hash32(seed, position):
    h = (seed * 0x9E3779B1 & MASK) ^ ((position + 1) * 0x85EBCA6B & MASK)
    h = (h ^ h >> 16) * 0x85EBCA6B & MASK
    h = (h ^ h >> 13) * 0xC2B2AE35 & MASK
    return h ^ h >> 16


def sequence(spec, length):
    """The first `length` elements of a seeded sequence, as Python floats."""
    first, step, count, seed = spec["first"], spec["step"], spec["count"], spec["seed"]
    slots = [hash32(seed, i) for i in range(length)]
    if spec.get("distinct") and length <= count:
        order = sorted(range(length), key=lambda i: (slots[i], i))
        for rank, i in enumerate(order):
            slots[i] = rank * count // length
    else:
        slots = [h % count for h in slots]
    return [float(first + step * k) for k in slots]


def checksum(storages):
    """FNV-1a over the elements as float64."""
    h = 0x811C9DC5
    for storage in storages:
        for value in storage:
            for byte in b"\xff" * 8 if math.isnan(value) else struct.pack("<d", value):
                h = (h ^ byte) * 0x01000193 & MASK
    return h


def dtype_of(name):
    return getattr(torch, name)


class Big(int):
    """A bigint of JavaScript: it makes int64 where plain numbers make the default float."""


class Call:
    """The arguments of one call, decoded; every tensor is made once and kept in order."""

    def __init__(self, row, case):
        self.row = row
        self.inputs = []
        self.storages = []
        self.explicit_int64 = row["path"] == "Tensor.long"
        self.args = [self.decode(arg) for arg in case["args"]]
        self.options = {}
        for name, arg in case["options"].items():
            self.options[snake(name)] = self.decode(arg)
        self.explicit_int64 |= any(arg is torch.int64 for arg in [*self.args, *self.options.values()])

    def decode(self, arg):
        if isinstance(arg, list):
            return [self.decode(each) for each in arg]
        if isinstance(arg, str):
            return dtype_of(arg) if arg in DTYPES else arg
        if not isinstance(arg, dict):
            return arg
        [(key, value)] = arg.items()
        return {
            "$num": float,
            "$big": self.big,
            "$slice": lambda parts: slice(*parts),
            "$tensor": self.tensor,
        }[key](value)

    def big(self, digits):
        self.explicit_int64 = True
        return Big(digits)

    def tensor(self, spec):
        values = spec.get("values")
        storage = sequence(spec, spec["length"]) if values is None else [float(self.decode(each)) for each in values]
        index = spec["kind"] != "value"
        self.explicit_int64 |= spec["dtype"] == "int64" and not index
        dtype = torch.int64 if index and spec["dtype"] == "int32" else dtype_of(spec["dtype"])
        base = torch.tensor(storage, dtype=torch.float64).to(dtype)
        tensor = torch.empty(0, dtype=dtype)
        tensor.set_(base.untyped_storage(), spec["offset"], spec["shape"], spec["strides"])
        self.inputs.append(tensor.requires_grad_(spec["requiresGrad"]))
        self.storages.append(storage)
        return tensor

    def our_dtype(self, tensor, position):
        """The dtype that taeda gives: PyTorch's, with int64 only where the call asks for it."""
        name = str(tensor.dtype).removeprefix("torch.")
        if name != "int64":
            return name
        return "int32" if position in self.row["indices"] or not self.explicit_int64 else name


# ---------------------------------------------------------------------------------------------------------------------
# Calls
# ---------------------------------------------------------------------------------------------------------------------


def snake(name):
    return re.sub(r"(?<=[a-z0-9])([A-Z])", lambda m: "_" + m[1].lower(), name)


def floats(value):
    """In taeda plain numbers make the default float: `tensor([1, 2])` is float32."""
    if isinstance(value, list):
        return [floats(each) for each in value]
    return float(value) if isinstance(value, int) and not isinstance(value, (bool, Big)) else value


def subscript(index):
    return tuple(Ellipsis if isinstance(each, str) else each for each in index)


def at(x, *index):
    return x[subscript(index)]


def set_at(x, index, value):
    x[subscript(index)] = value
    return x


def tensor(data, dtype=None):
    return torch.tensor(data if dtype else floats(data), dtype=dtype)


def full(size, fill_value, dtype=None):
    return torch.full(size, fill_value if dtype else floats(fill_value), dtype=dtype)


def where(condition, *branches):
    numbers = branches and not any(isinstance(each, torch.Tensor) for each in branches)
    return torch.where(condition, *(floats(list(branches)) if numbers else branches))


ADAPTERS = {"@at": at, "@setAt": set_at, "@tensor": tensor, "@full": full, "@where": where}


def attribute(path):
    target = torch
    for name in path.split("."):
        target = getattr(target, name)
    return target


def function_of(row):
    path = row["torch"] or snake(row["path"])
    if path in ADAPTERS:
        return ADAPTERS[path]
    found = attribute(path)
    return found if callable(found) else found.__get__


def call(row, call):
    args = call.args
    if row["mutates"]:
        args = [args[0].clone(), *args[1:]]
    result = function_of(row)(*args, **call.options)
    return args[0] if row["mutates"] else result


def check_names(row):
    """What a row says about methods and other paths must hold in PyTorch."""
    name = snake(row["path"].rsplit(".", 1)[-1])
    wanted = [("Tensor." + name, row["method"]), ("Tensor." + name + "_", row["inPlace"])]
    wanted += [(snake(alias), True) for alias in row["aliases"]]
    for path, claimed in wanted:
        try:
            attribute(path)
        except AttributeError:
            if claimed and not row["torch"]:
                yield f'{row["path"]}: PyTorch has no torch.{path}'


# ---------------------------------------------------------------------------------------------------------------------
# Golden values
# ---------------------------------------------------------------------------------------------------------------------


def raw(tensor, dtype):
    if torch._is_zerotensor(tensor):
        tensor = torch.zeros(tensor.shape, dtype=tensor.dtype)
    tensor = torch.empty(tensor.numel(), dtype=dtype_of(dtype)).copy_(tensor.detach().reshape(-1))
    if tensor.dtype == torch.int64 and tensor.numel() and int(tensor.abs().max()) > 2**53:
        raise ValueError("an int64 beyond 2**53: the decoder reads numbers")
    return tensor.view(torch.uint8).numpy().tobytes()


def outputs_of(result):
    """Form (as stored) and tensors of a result."""
    if isinstance(result, torch.Tensor):
        return None, [result]
    fields = getattr(type(result), "__match_args__", ())
    if fields:
        return [re.sub(r"_(\w)", lambda m: m[1].upper(), field) for field in fields], list(result)
    return "list", list(result)


def alias_of(output, inputs):
    for position, given in enumerate(inputs):
        place = [list(output.stride()), output.storage_offset()]
        if output is given:
            return [position, *place, 1]
        storage, own = given.untyped_storage(), output.untyped_storage()
        if output._base is given or (storage.nbytes() and storage.data_ptr() == own.data_ptr()):
            return [position, *place, 0]
    return None


def cotangent_for(spec, shape, dtype, position):
    values = sequence({**spec, "seed": spec["seed"] + position}, math.prod(shape))
    return torch.tensor(values, dtype=torch.float64).to(dtype).reshape(shape)


def gradients(outputs, inputs, cotangents, create_graph):
    wanted = [each for each in inputs if each.requires_grad]
    found = iter(torch.autograd.grad(outputs, wanted, cotangents, create_graph=create_graph, allow_unused=True))
    return [next(found) if each.requires_grad else None for each in inputs]


def flags(grads):
    return "".join("0" if grad is None else "1" for grad in grads)


def run_case(row, case, plan):
    """One case: its record for the header, and its part of the body."""
    this = Call(row, case)
    record = {"x": checksum(this.storages)}
    body = []
    result = call(row, this)
    if not isinstance(result, (torch.Tensor, tuple, list)):
        return {**record, "h": result}, body
    form, outputs = outputs_of(result)
    if form is not None:
        record["k"] = form
    record["o"] = []
    for position, output in enumerate(outputs):
        dtype = this.our_dtype(output, position)
        entry = {"d": DTYPES.index(dtype), "n": list(output.shape)}
        if output.grad_fn is not None:
            entry["f"] = type(output.grad_fn).__name__  # as printed: name() adds namespaces to some
        alias = None if row["mutates"] else alias_of(output, this.inputs)
        if alias:
            entry["v"] = alias
        record["o"].append(entry)
        body.append(raw(torch.zeros_like(output) if row["shapeOnly"] else output, dtype))
    driven = [(k, output) for k, output in enumerate(outputs) if output.requires_grad]
    if driven and row["grad"]:
        cotangents = [cotangent_for(plan["cotangent"], out.shape, out.dtype, k) for k, out in driven]
        grads = gradients([out for _, out in driven], this.inputs, cotangents, case["second"])
        record["g"] = flags(grads)
        body += [raw(grad, str(grad.dtype).removeprefix("torch.")) for grad in grads if grad is not None]
        again = [(i, grad) for i, grad in enumerate(grads) if grad is not None and grad.requires_grad]
        if case["second"] and again:
            seconds = [cotangent_for(plan["secondCotangent"], grad.shape, grad.dtype, i) for i, grad in again]
            try:
                more = gradients([grad for _, grad in again], this.inputs, seconds, False)
            except RuntimeError as error:
                if "is not implemented" not in str(error):
                    raise
                more = None  # PyTorch has no second derivative here
            if more is not None:
                record["s"] = flags(more)
            body += [raw(grad, str(grad.dtype).removeprefix("torch.")) for grad in more or [] if grad is not None]
    return record, body


def run_error(row, case):
    """PyTorch must refuse what a row says must be refused."""
    if case["oursAlone"]:
        return None
    try:
        call(row, Call(row, case))
    except Exception:  # any refusal will do: the words of the message are taeda's own
        return None
    return f'{case["id"]}: PyTorch accepts it'


def module(header, body):
    text = json.dumps(header, separators=(",", ":")).encode()
    packed = gzip.compress(struct.pack("<I", len(text)) + text + b"".join(body), 9, mtime=0)
    encoded = base64.b64encode(packed).decode()
    lines = "\n".join(encoded[i : i + LINE] for i in range(0, len(encoded), LINE))
    return (
        "// Written by tooling/golden/ops.py from PyTorch's results; see src/golden.ts for the format.\n"
        f"export const data = `\n{lines}\n`\n"
    )


def read_plan():
    local = ROOT / "node_modules/.bin/node"
    node = str(local) if local.exists() else shutil.which("node")
    return json.loads(subprocess.run([node, ROOT / "tooling/golden/export-rows.ts"], check=True, stdout=subprocess.PIPE).stdout)


def main():
    if torch.__version__.split("+")[0] != "2.13.0":
        sys.exit(f"torch 2.13.0 is the reference, this is {torch.__version__}: pip install torch==2.13.0")
    torch.set_num_threads(1)
    torch.backends.mkldnn.enabled = False  # picks its own instructions
    warnings.simplefilter("ignore")
    only = set(sys.argv[1:])
    plan = read_plan()
    failures, modules = [], {}
    for family, rows in plan["families"].items():
        if only and family not in only:
            continue
        header, body = {}, []
        for row in rows:
            failures += check_names(row)
            failures += filter(None, (run_error(row, case) for case in row["errors"]))
            for case in row["cases"]:
                try:
                    header[case["id"]], part = run_case(row, case, plan)
                    body += part
                except Exception as error:
                    failures.append(f'{case["id"]}: {type(error).__name__}: {str(error).splitlines()[0][:200]}')
        modules[family] = module(header, body)
        print(f"{family}: {len(rows)} rows, {len(header)} cases, {len(modules[family]) / 1024:.0f} KiB")
    if failures:
        sys.exit("\n".join(failures) + f"\n{len(failures)} failures: nothing written")
    TARGET.mkdir(parents=True, exist_ok=True)
    for family, text in modules.items():
        (TARGET / f"{family}.ts").write_text(text)


if __name__ == "__main__":
    main()
