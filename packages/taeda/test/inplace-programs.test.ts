/** Random programs of views and in-place changes, with what PyTorch's derivatives are: see tooling/golden/inplace.py. */
import { readFileSync } from "node:fs"
import * as torch from "taeda"
import { afterAll, beforeAll, describe, expect, test } from "vitest"

type Tensor = torch.Tensor
type Step = [name: string, a: number, b: number, c: number]

const CASES = JSON.parse(readFileSync(new URL("inplace-programs.golden.json", import.meta.url), "utf8")) as [
  Step[],
  number[] | null,
][]

/** Whether `b` broadcasts together with `a`, and to what. */
function broadcast(a: Tensor, b: Tensor): string | null {
  try {
    return String(a.detach().add(b.detach()).shape)
  } catch {
    return null
  }
}

const inPlace = (change: (t: Tensor, o: Tensor) => unknown) => (t: Tensor, o: Tensor) => {
  if (broadcast(t, o) === String(t.shape) && o.ndim <= t.ndim && t.storage !== o.storage) change(t, o)
}

/** What each step does; a tensor that it returns joins the others. */
const STEPS: Readonly<Record<string, (t: Tensor, o: Tensor, c: number) => Tensor | null | void>> = {
  select: (t, _o, c) => (t.ndim ? t.select(c % t.ndim, -1) : null),
  narrow: (t, _o, c) => (t.ndim ? t.narrow(c % t.ndim, t.shape[c % t.ndim]! - 1, 1) : null),
  transpose: (t) => (t.ndim > 1 ? t.transpose(0, 1) : null),
  flatten: (t) => t.reshape(-1),
  clone: (t) => t.clone(),
  unsqueeze: (t) => (t.ndim < 3 ? t.unsqueeze(0) : null),
  diagonal: (t) => (t.ndim > 1 ? t.diagonal() : null),
  detach: (t) => t.detach(),
  ones: (t) => torch.ones(t.shape),
  mul: (t, o) => (broadcast(t, o) === null ? null : t.mul(o)),
  repeat: (t) =>
    t
      .unsqueeze(0)
      .expand([2, ...t.shape])
      .mul(1)
      .sum(0),
  scale_: (t, _o, c) => void t.mul_(0.5 + (c % 3)),
  zero_: (t) => void t.zero_(),
  sin_: (t) => void t.sin_(),
  add_: inPlace((t, o) => t.add_(o)),
  mul_: inPlace((t, o) => t.mul_(o)),
  copy_: inPlace((t, o) => t.copy_(o)),
  withoutGrad: (t) => void torch.noGrad(() => t.mul_(1.5)),
}

const squares = (t: Tensor): Tensor => t.mul(t).sum()

function run(steps: readonly Step[]): number[] {
  const x = torch.arange(6, { dtype: "float64" }).reshape(2, 3).add(0.5).requiresGrad_()
  const w = torch.tensor([1.5, -2, 0.5]).requiresGrad_()
  const tensors = [x.mul(1), w.mul(2), x, w]
  for (const [name, a, b, c] of steps) {
    const made = STEPS[name]!(tensors[a % tensors.length]!, tensors[b % tensors.length]!, c)
    if (made) tensors.push(made)
  }
  const loss = tensors.map((t, i) => squares(t).mul(0.1 * (i + 1))).reduce((sum, t) => sum.add(t))
  const first = torch.autograd.grad(loss, [x, w], { createGraph: true, materializeGrads: true })
  const total = first.map(squares).reduce((sum, t) => sum.add(t))
  const second = torch.autograd.grad(total, [x, w], { materializeGrads: true })
  return [loss, ...first, ...second].flatMap((t) => [...(t.dataSync() as Float64Array)])
}

describe("random programs of views and in-place changes", () => {
  beforeAll(() => torch.setDefaultDtype("float64"))
  afterAll(() => torch.setDefaultDtype("float32"))

  test.each(CASES.map(([steps, values], i) => ({ i, steps, values })))("program $i", ({ steps, values }) => {
    if (values === null) {
      expect(() => run(steps)).toThrow(/in-place|inplace|second time/)
      return
    }
    const got = run(steps)
    expect(got.length).toBe(values.length)
    // The values are written with 12 digits.
    for (const [k, v] of values.entries()) expect(Math.abs(got[k]! - v)).toBeLessThanOrEqual(1e-10 * (1 + Math.abs(v)))
  })
})
