import { test } from "vitest"
import * as torch from "@taeda/core"
import { createCpuJs } from "@taeda/backend-cpu-js"
torch.registerBackend("cpu", { openSync: () => createCpuJs(), open: async () => createCpuJs() })
const T = torch as any
const time = (name: string, f: () => void, n = 10) => {
  for (let i = 0; i < 5; i++) f()
  const ts: number[] = []
  for (let i = 0; i < n; i++) { const t = performance.now(); f(); ts.push(performance.now() - t) }
  ts.sort((a, b) => a - b)
  console.log(name, ts[Math.floor(n / 2)]!.toFixed(3), "ms")
}
test("perf", () => {
  const x = torch.ones([64, 32, 24, 24]).add(torch.arange(24).to("float32")).requiresGrad_()
  time("maxPool2d fwd nograd", () => T.noGrad(() => T.maxPool2d(x, 2)))
  time("maxPool2d fwd", () => T.maxPool2d(x, 2))
  const y = T.maxPool2d(x, 2)
  const g = torch.ones(y.shape)
  time("maxPool2d fwd+bwd", () => T.autograd.grad(T.maxPool2d(x, 2), x, { gradOutputs: g }))
  time("maxPool2d 3x3/2 pad1 fwd+bwd", () => { const z = T.maxPool2d(x, 3, 2, 1); T.autograd.grad(z, x, { gradOutputs: torch.ones(z.shape) }) })
  time("avgPool2d fwd", () => T.avgPool2d(x, 2))
  time("avgPool2d fwd+bwd", () => T.autograd.grad(T.avgPool2d(x, 2), x, { gradOutputs: g }))
  time("adaptiveAvg fwd+bwd", () => { const z = T.adaptiveAvgPool2d(x, 7); T.autograd.grad(z, x, { gradOutputs: torch.ones(z.shape) }) })
  time("x.add(1)", () => x.add(1))
  const w = torch.ones([32, 32, 3, 3], { requiresGrad: true })
  time("conv2d fwd", () => T.conv2d(x, w, null, 1, 1), 5)
  time("conv2d fwd+bwd", () => { const z = T.conv2d(x, w, null, 1, 1); T.autograd.grad(z, [x, w], { gradOutputs: torch.ones(z.shape) }) }, 5)
  const a = torch.ones([2, 2], { requiresGrad: true }), b = torch.ones([2, 2], { requiresGrad: true })
  time("mm 2x2 x1000", () => { for (let i = 0; i < 1000; i++) a.mm(b) })
  time("matmul 2x2 x1000", () => { for (let i = 0; i < 1000; i++) a.matmul(b) })
  time("add 2x2 x1000", () => { for (let i = 0; i < 1000; i++) a.add(b) })
  const bias = torch.ones([2], { requiresGrad: true })
  time("linear 2x2 x1000", () => { for (let i = 0; i < 1000; i++) T.linear(a, b, bias) })
  time("dot x1000", () => { for (let i = 0; i < 1000; i++) bias.dot(bias) })
  const q = torch.ones([8, 8, 128, 64], { requiresGrad: true }), k = torch.ones([8, 8, 128, 64], { requiresGrad: true })
  time("attention qk", () => q.matmul(k.transpose(-1, -2)))
  const A = torch.ones([512, 512]), B = torch.ones([512, 512])
  time("mm 512", () => A.mm(B))
})
