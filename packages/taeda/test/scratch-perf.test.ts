import { test } from "vitest"
import * as torch from "@taeda/core"
import { createCpuJs } from "@taeda/backend-cpu-js"
torch.registerBackend("cpu", { openSync: () => createCpuJs(), open: async () => createCpuJs() })
test("perf", () => {
  const a = torch.ones(2, 2, { requiresGrad: true }), b = torch.ones(2, 2)
  const time = (name: string, f: () => void, n = 300000) => {
    for (let i = 0; i < 20000; i++) f()
    let best = 1e9
    for (let r = 0; r < 5; r++) { const t = performance.now(); for (let i = 0; i < n; i++) f(); best = Math.min(best, (performance.now() - t) / n * 1e3) }
    console.log(name, best.toFixed(3), "us")
  }
  time("add grad", () => { a.add(b) })
  time("mul grad", () => { a.mul(b) })
  torch.noGrad(() => time("add nograd", () => { a.add(b) }))
  time("add scalar", () => { a.add(1) })
  time("ones", () => { torch.ones(2, 2) })
  time("sum", () => { a.sum() }, 50000)
  time("view", () => { a.view(4) })
  const x = torch.ones(1000, 1000), y = torch.ones(1000, 1000)
  time("add 1M", () => { x.add(y) }, 20)
}, 120000)
