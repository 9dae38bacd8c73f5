import { test } from "vitest"
import * as torch from "@taeda/core"
import { createCpuJs } from "@taeda/backend-cpu-js"
import { compileLoops } from "../../backend-cpu-js/src/compile.ts"
import { emitKernel } from "../../backend-cpu-js/src/emit.ts"
const B = createCpuJs()
const compile = B.compile
B.compile = (k: any) => { if (k.kind === "map") console.log(emitKernel(k)); return compile(k) }
torch.registerBackend("cpu", { openSync: () => B, open: async () => B })
const T = torch as any
test("x", () => {
  const a = torch.tensor([1, 5], { requiresGrad: true }), b = torch.tensor([2, 2], { requiresGrad: true }), c = torch.tensor([3, 1], { requiresGrad: true })
  const cl = (e: any) => torch.Expr && (T.whereExpr ?? null, e)
  const op = new torch.Pointwise("q", (x, y, z, m) => { const e = x.sub(y.min(z)).add(m); return e.max(0) })
  const r = op.call(a, b, c, 10)
  console.log(String(r), T.autograd.grad(r.sum(), [a, b, c]).map(String))
  const l = T.tripletMarginLoss(a.view(2,1), b.view(2,1), c.view(2,1), { swap: true, margin: 20, reduction: "none" })
  console.log(String(l), T.autograd.grad(l.sum(), [a, b, c]).map(String))
})
