"""Holds PyTorch itself to finite differences on every float64 case of the conformance rows.

    python tooling/golden/audit.py

A case that fails here sits on a kink or a tie: move its inputs, or give the sample `noGradcheck` with the reason.
"""

import sys
import warnings

import torch

sys.dont_write_bytecode = True
import ops


def swap(arg, replacements):
    """`arg` with each tensor in `replacements` (by identity) replaced, lists included."""
    if isinstance(arg, list):
        return [swap(each, replacements) for each in arg]
    return replacements.get(id(arg), arg) if isinstance(arg, torch.Tensor) else arg


def as_function(row, case, wanted):
    """The case as a function of the inputs at the positions `wanted`, giving its differentiable outputs."""

    def function(*tensors):
        this = ops.Call(row, case)
        replacements = {id(this.inputs[i]): tensor for i, tensor in zip(wanted, tensors)}
        this.args = swap(this.args, replacements)
        this.options = {name: swap(arg, replacements) for name, arg in this.options.items()}
        result = ops.call(row, this)
        if not isinstance(result, (torch.Tensor, tuple, list)):
            return ()
        return tuple(output for output in ops.outputs_of(result)[1] if output.requires_grad)

    return function


def audit(row, case):
    """None when nothing is to be checked, else whether gradients (and theirs) agree with finite differences."""
    inputs = ops.Call(row, case).inputs
    wanted = [i for i, each in enumerate(inputs) if each.requires_grad and each.dtype == torch.float64]
    tensors = [inputs[i].detach().clone().requires_grad_() for i in wanted]
    function = as_function(row, case, wanted)
    outputs = function(*tensors) if wanted else ()
    if not outputs or not all(each.numel() and each.isfinite().all() for each in [*tensors, *outputs]):
        return None
    if not torch.autograd.gradcheck(function, tensors, raise_exception=False):
        return False
    try:
        return torch.autograd.gradgradcheck(function, tensors, raise_exception=False)
    except RuntimeError as error:
        if "is not implemented" in str(error):
            return True  # PyTorch has no second derivative here
        raise


def main():
    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    rows = [row for rows in ops.read_plan()["families"].values() for row in rows if row["grad"]]
    cases = [(row, case) for row in rows for case in row["cases"] if case["id"].endswith("/float64") and not case["noGradcheck"]]
    results = {case["id"]: audit(row, case) for row, case in cases}
    failed = [name for name, agrees in results.items() if agrees is False]
    print(f"{sum(agrees is not None for agrees in results.values())} cases checked, {len(failed)} disagree")
    sys.exit("\n".join(failed) or 0)


if __name__ == "__main__":
    main()
